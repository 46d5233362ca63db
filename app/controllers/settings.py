"""The settings that are in force, as administrators may see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.paging import Page

if TYPE_CHECKING:
    from app.models.store import Store

SHOWN = (
    "env", "demo_data", "mongo_database", "mongo_timeout_ms", "data_dir", "embedded_cache_mib", "host", "port",
    "workers", "threads", "bank_currency", "bank_timezone", "bank_country", "bank_code", "approval_hours",
    "account_number_length", "accounts_per_customer_max",
    "access_token_minutes", "refresh_token_days", "session_days_max", "session_idle_minutes", "jwt_issuer",
    "jwt_audience", "bcrypt_cost", "password_length_min", "hashing_threads", "hashing_queue_max",
    "hashing_wait_ms_max", "login_failures_max", "login_lockout_minutes", "mfa_issuer", "require_staff_mfa",
    "require_customer_mfa", "confirmation_limit", "invitation_days", "rate_limit_login", "rate_limit_register",
    "rate_limit_refresh", "rate_limit_payees", "require_idempotency_key", "cors_origins", "trusted_hosts",
    "proxy_count", "body_kib_max", "bulk_mib_max",
    "log_level", "posting_deadline_ms", "settling_seconds", "clock_skew_seconds_max",
    "journal_queue_max", "journal_batch_max",
)  # fmt: skip
"""What holds no secret. A setting that is not named here is not shown, whatever it is."""
_VARIABLES = {"env": "FLASK_ENV"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting by the name of its variable."""

    name: str
    value: Any


def list_settings(store: Store) -> Page[Setting]:
    """Return what is in force, defaults included, without the secrets; it fits on one page."""
    return Page(list(_settings(store)), None)


def _settings(store: Store) -> Iterator[Setting]:
    for name in SHOWN:
        value = getattr(store.config, name)
        shown = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        yield Setting(_VARIABLES.get(name, name.upper()), shown)
