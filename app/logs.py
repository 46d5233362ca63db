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
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _RENDERER,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(max(logging.getLevelNamesMapping()[level], logging.WARNING))


class _StandardOutput:
    """Write whole lines to whatever standard output is at that moment."""

    def __init__(self, *_: Any) -> None:
        pass

    def _write(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    debug = info = warning = error = critical = exception = _write
