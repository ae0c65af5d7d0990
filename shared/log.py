"""JSON lines on standard error. Secrets are masked by their type; see `shared.secret`."""

import logging
import sys

import structlog
from structlog.typing import FilteringBoundLogger

from shared.secret import Secret


def configure(component: str, level: str = "info") -> None:
    """Set the process's logger up; `component` is in each line. The standard library's loggers go the same way."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=_safe),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(component=component)
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[_Forward()], force=True)


def logger() -> FilteringBoundLogger:
    """The process's logger."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log


def _safe(value: object) -> str:
    return str(value) if isinstance(value, Secret) else repr(value)


class _Forward(logging.Handler):
    """Hands a record of the standard library's logging to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        logger().log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info or None)
