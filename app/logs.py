"""Logs as JSON lines on standard output: the application's by structlog, the libraries' bridged to the same form."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import structlog
from structlog.typing import Processor

_SHARED: list[Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    structlog.processors.format_exc_info,
]
_ENCODER = json.JSONEncoder(default=repr)
_RENDERER = structlog.processors.JSONRenderer(lambda event, **_: _ENCODER.encode(event))  # json.dumps makes one a call


def configure_logs(level: str) -> None:
    """Send everything of this level and above to standard output, one JSON object a line (newlines are escaped)."""
    structlog.configure(
        processors=[*_SHARED, _RENDERER],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_StandardOutput,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _StandardOutputHandler)]:
        root.removeHandler(handler)
    root.addHandler(_StandardOutputHandler())
    logging.getLogger("werkzeug").addFilter(_is_no_request)
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.WARNING))


def _is_no_request(record: logging.LogRecord) -> bool:
    """Tell whether a line is not the development server's one for each request: it shows the query, ours does not."""
    return not str(record.msg).startswith("%s - - [")


def _write(line: str) -> None:
    """Write a whole line to whatever standard output is at that moment."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _StandardOutput:
    """What structlog writes to."""

    def __init__(self, *_: Any) -> None:
        pass

    def _take(self, line: str) -> None:
        _write(line)

    debug = info = warning = error = critical = exception = _take


class _StandardOutputHandler(logging.Handler):
    """What the standard library's loggers, and so the libraries', write to."""

    def __init__(self) -> None:
        super().__init__()
        processors: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _RENDERER]
        self.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=processors))

    def emit(self, record: logging.LogRecord) -> None:
        _write(self.format(record))
