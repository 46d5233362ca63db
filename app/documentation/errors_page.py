"""docs/errors.md: every error that a caller can meet, from its class."""

from __future__ import annotations

import inspect

from app.domain.errors import BankError, all_errors

_HEAD = """# Errors

Every error is an RFC 9457 problem, `application/problem+json`, with a stable `code`: switch on that, never on the
texts. `errors` names fields at fault, `request_id` finds the request in the server's log. Where `Retry-After` is sent,
trying again after so many seconds makes sense.

Made from `app/domain/errors.py` by `python -m app.documentation`; a test fails where they differ.

| status | code | title | meaning |
|---|---|---|---|
"""


def errors_page() -> str:
    """Return the page, ordered by status and then as the classes stand in their module."""
    rows = (_row(error) for error in sorted(all_errors(), key=lambda error: error.status))
    return _HEAD + "".join(rows)


def _row(error: type[BankError]) -> str:
    meaning = " ".join(inspect.cleandoc(error.__doc__ or "").split())
    return f"| {error.status} | `{error.code}` | {error.title} | {meaning} |\n"
