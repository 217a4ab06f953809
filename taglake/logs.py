"""Logging: an event name and fields, JSON for a service, key=value for a terminal.

No log line bears a secret or the text of a post: events carry counts, ids of targets and reasons.
"""

import logging
import sys
from typing import Literal

import structlog


def configure(level: str, form: Literal["auto", "json", "text"]) -> None:
    """Send all logging, ours and the libraries', to standard error in one form."""
    text = form == "text" or (form == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_number(level)),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
    # We say ourselves, once, what the lake does not answer.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    logging.basicConfig(level=max(_number(level), logging.WARNING), stream=sys.stderr, force=True)


def _number(level: str) -> int:
    """Return the number the standard library gives a level."""
    return logging.getLevelNamesMapping()[level.upper()]
