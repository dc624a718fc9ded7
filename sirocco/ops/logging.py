"""Logs: structured, with the request, job and tenant they belong to, and without secrets.

Modules write with ``structlog.get_logger()``; libraries that use the standard library's logging end up in the same
stream. ``structlog.contextvars.bind_contextvars(job=...)`` marks all that follows in a thread or task.
"""

import logging
import re
import sys
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from sirocco.ops.settings import Settings

MASK: Final = "[redacted]"
_SECRET_KEY = re.compile(r"passw|secret|token|api.?key|authorization|cookie|private|credential", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"(?i)(\b(?:password|passwd|secret|api[-_]?key|access[-_]?token)\b[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&}]+"
    r"|(\b(?:basic|bearer)\s+)[A-Za-z0-9+/=._~-]{8,}"
    r"|(://[^/\s:@]*:)[^/\s@]+(?=@)"
)


def configure(settings: Settings, role: str) -> None:
    """Send this process's logs to standard error, as JSON or for people, each line with its role."""
    people = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _Role(role),
        redact,
    ]
    render: Processor = structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer(default=str)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(settings.log_level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event without secrets: values under telling names, and telling passages of texts, at any depth."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _clean(str(name), inner) for name, inner in value.items()}
    if _SECRET_KEY.search(key) and value not in (None, "", True, False):
        return MASK
    if isinstance(value, list | tuple):
        return [_clean("", inner) for inner in value]
    return _SECRET_TEXT.sub(_mask, value) if isinstance(value, str) else value


def _mask(found: re.Match[str]) -> str:
    return next(part for part in found.groups() if part) + MASK


class _Role:
    """Adds the process's role to every event."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["role"] = self._role
        return event
