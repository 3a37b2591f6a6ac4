"""What every program says of itself: one configuration of its log, called once when it starts.

Nothing of a patient reaches a log: of an exception it shows types and places, never its message (which may quote a
value) and never the local variables of its frames.
"""

import logging
import sys
import warnings
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer, Trace
from structlog.typing import EventDict, ExcInfo, Processor

# Their records quote the values of elements, at every level.
SILENT_LIBRARIES = ("pydicom", "pynetdicom")
MAX_FRAMES = 50


def log_to(stream: TextIO, *, level: int = logging.INFO, as_json: bool = True) -> None:
    """Send everything from `level` on to `stream`, one JSON object or plain line each; libraries from WARNING on."""
    warnings.simplefilter("ignore")  # pydicom's quote the values of elements
    for library in SILENT_LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(places),
        structlog.processors.JSONRenderer() if as_json else structlog.processors.KeyValueRenderer(key_order=["event"]),
    ]
    structlog.configure(
        processors=chain,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[_first_line, structlog.stdlib.ProcessorFormatter.remove_processors_meta, *chain],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    sys.excepthook = _ended_by


def places(exc_info: ExcInfo) -> list[dict[str, Any]]:
    """An exception, what caused it and what it groups: the type, and file, line and function of each frame."""
    transform = _PlacesOnly(show_locals=False, max_frames=MAX_FRAMES)
    return transform(exc_info)


class _PlacesOnly(ExceptionDictTransformer):
    def _as_dict(self, trace: Trace) -> list[dict[str, Any]]:
        return [_without_values(stack) for stack in super()._as_dict(trace)]


def _without_values(stack: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"exc_type": stack["exc_type"], "is_cause": stack["is_cause"]}
    kept["frames"] = [f"{frame['filename']}:{frame['lineno']} {frame['name']}" for frame in stack["frames"]]
    groups: Sequence[Any] = stack["exceptions"] if stack["is_group"] else ()
    # Already without values: structlog asks for the dict of every exception in a group by itself.
    return kept | ({"exceptions": list(groups)} if groups else {})


def _first_line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Keep what went wrong; in the lines below it, asyncio shows the exception with its message."""
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _ended_by(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    logger = structlog.get_logger("adit")
    if issubclass(kind, KeyboardInterrupt):
        logger.error("interrupted")
    else:
        logger.critical("ended by a defect", exc_info=(kind, error, traceback))
