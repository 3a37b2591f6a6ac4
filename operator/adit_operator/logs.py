"""Logs: one JSON object per line on standard output, Kopf's and the libraries' as well."""

import logging
import sys
import warnings

import structlog

_SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)
_QUIET = ("pydicom", "pynetdicom")


def configure() -> None:
    """Ours from INFO on; the libraries' from WARNING on, and never those that quote values of elements."""
    warnings.simplefilter("ignore")
    structlog.configure(
        processors=[*_SHARED, structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_SHARED, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.dict_tracebacks,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.CRITICAL)
