"""Logs and the audit: one JSON object per line on standard output."""

import logging
import sys
import warnings

import structlog


def configure() -> None:
    """Send everything to standard output as JSON; libraries speak from WARNING on, and never of values."""
    # pydicom's warnings quote the values of elements.
    warnings.simplefilter("ignore")
    for library in ("pydicom", "pynetdicom"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.dict_tracebacks,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
