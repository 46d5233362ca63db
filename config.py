"""Typed settings, read once at start from the environment with a `.env` file beneath it."""

from __future__ import annotations

import json
import math
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self, cast
from zoneinfo import available_timezones

from dotenv import dotenv_values
from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from app.domain.accounts import ACCOUNT_NUMBER_LENGTH, ACCOUNT_NUMBER_LENGTH_MAX, ACCOUNT_NUMBER_LENGTH_MIN
from app.domain.currencies import CURRENCY_EXPONENTS
from app.domain.rates import RATE_PATTERN

ENVIRONMENTS = ("development", "testing", "production")
SECRET_LENGTH_MIN = 32
BCRYPT_COST_MIN = 10
POSTING_DEADLINE_MS = 4_500
SETTLING_SECONDS = 15
CLOCK_SKEW_SECONDS_MAX = 4
_COMMIT_S = 1
"""How much later than its deadline a posting may still appear."""
_PROJECT = Path(__file__).parent
DATA_DIR = _PROJECT / "instance"
MONGOMOCK_SCHEME = "mongomock://"
_PRODUCTION_UNASKED = "FLASK_ENV is not set, so this is production; for development set FLASK_ENV=development."
_PEPPER_VERSION = re.compile(r"[0-9]{1,6}", re.ASCII)
_ORIGIN = re.compile(r"https?://[a-z0-9.-]*[a-z0-9](:[0-9]{1,5})?", re.ASCII)


class ConfigError(Exception):
    """Some settings are missing or wrong; the message names every one of them."""

    def __init__(self, problems: Mapping[str, list[str]], *, hint: str = "") -> None:
        self.problems = dict(problems)
        lines = (f"  {name}: {' '.join(texts)}" for name, texts in sorted(self.problems.items()))
        super().__init__("\n".join(["The configuration is not usable:", *lines, *([hint] if hint else [])]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting of the application; `.env.example` explains each. Units stand last in the names."""

    env: str
    secret_key: str = field(repr=False)
    password_peppers: Mapping[int, str] = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    demo_data: bool = False

    mongo_uri: str = field(default="", repr=False)
    mongo_database: str = "bank"
    mongo_timeout_ms: int = 2_000
    data_dir: Path = DATA_DIR
    embedded_cache_mib: int = 1_024

    host: str = "127.0.0.1"
    port: int = 5000
    workers: int = 2
    threads: int = 64

    bank_currency: str = "USD"
    bank_timezone: str = "UTC"
    bank_country: str = ""
    bank_code: str = ""
    accounts_per_customer_max: int = 50
    approval_hours: int = 72
    account_number_length: int = ACCOUNT_NUMBER_LENGTH

    access_token_minutes: int = 15
    refresh_token_days: int = 7
    session_days_max: int = 30
    session_idle_minutes: int = 0
    jwt_issuer: str = "bank"
    jwt_audience: str = "bank-api"

    bcrypt_cost: int = 12
    password_length_min: int = 8
    hashing_threads: int = 1
    hashing_queue_max: int = 32
    hashing_wait_ms_max: int = 4_000
    login_failures_max: int = 5
    login_lockout_minutes: int = 15
    mfa_issuer: str = "Bank"
    require_staff_mfa: bool = False
    require_customer_mfa: bool = False
    confirmation_limit: int = 1_000
    invitation_days: int = 14
    rate_limit_login: str = "20/minute"
    rate_limit_register: str = "10/minute"
    rate_limit_refresh: str = "60/minute"
    rate_limit_payees: str = "60/hour"

    require_idempotency_key: bool = False
    cors_origins: tuple[str, ...] = ()
    trusted_hosts: tuple[str, ...] = ()
    proxy_count: int = 0
    body_kib_max: int = 64
    bulk_mib_max: int = 8
    log_level: str = "INFO"

    posting_deadline_ms: int = POSTING_DEADLINE_MS
    settling_seconds: int = SETTLING_SECONDS
    clock_skew_seconds_max: int = CLOCK_SKEW_SECONDS_MAX
    journal_queue_max: int = 10_000
    journal_batch_max: int = 1_000

    @property
    def access_token_lifetime(self) -> timedelta:
        return timedelta(minutes=self.access_token_minutes)

    @property
    def refresh_token_lifetime(self) -> timedelta:
        days = timedelta(days=self.refresh_token_days)
        return min(days, timedelta(minutes=self.session_idle_minutes)) if self.session_idle_minutes else days

    @property
    def session_lifetime_max(self) -> timedelta:
        return timedelta(days=self.session_days_max)

    @property
    def login_lockout(self) -> timedelta:
        return timedelta(minutes=self.login_lockout_minutes)

    @property
    def invitation_lifetime(self) -> timedelta:
        return timedelta(days=self.invitation_days)

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def uses_mongomock(self) -> bool:
        return self.mongo_uri.startswith(MONGOMOCK_SCHEME)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environ`; by default from the process's environment over the project's `.env`.

        An empty variable counts as unset; a relative DATA_DIR lies in the project's folder. Unset secrets are made
        up and kept under DATA_DIR in development and testing.

        Raises:
            ConfigError: naming every missing or wrong variable at once.
        """
        given = {**dotenv_values(_PROJECT / ".env"), **os.environ} if environ is None else environ
        given = {name: value for name, value in given.items() if value}
        values, malformed = _load(given)
        if "FLASK_ENV" in malformed:
            raise ConfigError(malformed)
        values.setdefault("env", "production")
        values["account_number_length"] = _account_number_length(values.get("bank_country", ""))
        if values["env"] != "production":
            values = {**_development_defaults(values), **values}
        problems = _problems(values, debug=_is_true(given.get("FLASK_DEBUG", ""))) | malformed
        if problems:
            raise ConfigError(problems, hint="" if "FLASK_ENV" in given else _PRODUCTION_UNASKED)
        return cls(**values)


def _load(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """Return the values that can be read, and by variable what is wrong with the others."""
    try:
        return dict(_EnvironmentSchema().load(given)), {}
    except ValidationError as error:
        return cast(dict[str, Any], error.valid_data), error.messages_dict


def _comma_list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _peppers(text: str) -> dict[int, str]:
    """Read `1:first secret,2:second secret`; the highest version hashes new passwords, the others still verify."""
    pairs = [part.strip().partition(":") for part in text.split(",")]
    peppers = {int(version): secret.strip() for version, _, secret in pairs if _PEPPER_VERSION.fullmatch(version)}
    if len(peppers) < len(pairs):
        raise ValidationError("Write versions and secrets as 1:secret,2:another-secret, each version once.")
    return peppers


def _origins(text: str) -> tuple[str, ...]:
    origins = _comma_list(text)
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise ValidationError("Write each origin in full, as https://app.example.com; patterns are not allowed.")
    return origins


def _is_timezone(name: str) -> None:
    if ("/" not in name and name != "UTC") or name not in available_timezones():
        raise ValidationError("Name a time zone, such as Europe/Berlin or UTC.")


def _is_country(code: str) -> None:
    import pycountry  # it reads its tables, which only a bank with a country needs

    if pycountry.countries.get(alpha_2=code) is None or not code.isupper():
        raise ValidationError("Give an ISO 3166 country code of two capital letters, such as DE.")


def _read_by(read: Callable[[str], object], name: str) -> fields.Function:
    return fields.Function(data_key=name, deserialize=read)


def _whole(name: str, minimum: int, maximum: int) -> fields.Integer:
    return fields.Integer(data_key=name, validate=validate.Range(minimum, maximum))


def _rate(name: str) -> fields.String:
    return fields.String(data_key=name, validate=validate.Regexp(RATE_PATTERN, error="Write a rate as 20/minute."))


class _EnvironmentSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    env = fields.String(data_key="FLASK_ENV", validate=validate.OneOf(ENVIRONMENTS))
    secret_key = fields.String(data_key="SECRET_KEY")
    secret_key_fallbacks = _read_by(_comma_list, "SECRET_KEY_FALLBACKS")
    password_peppers = _read_by(_peppers, "PASSWORD_PEPPERS")
    demo_data = fields.Boolean(data_key="DEMO_DATA")
    mongo_uri = fields.String(data_key="MONGO_URI")
    mongo_database = fields.String(data_key="MONGO_DATABASE", validate=validate.Regexp(r"[A-Za-z0-9_-]{1,38}\Z"))
    mongo_timeout_ms = _whole("MONGO_TIMEOUT_MS", 100, 2_500)  # an operation takes twice that, an answer 6 s at most
    data_dir = _read_by(_PROJECT.joinpath, "DATA_DIR")
    embedded_cache_mib = _whole("EMBEDDED_CACHE_MIB", 256, 65_536)
    host = fields.String(data_key="HOST")
    port = _whole("PORT", 1, 65_535)
    workers = _whole("WORKERS", 1, 64)
    threads = _whole("THREADS", 1, 512)
    bank_currency = fields.String(data_key="BANK_CURRENCY", validate=validate.OneOf(sorted(CURRENCY_EXPONENTS)))
    bank_timezone = fields.String(data_key="BANK_TIMEZONE", validate=_is_timezone)
    approval_hours = _whole("APPROVAL_HOURS", 1, 720)
    bank_country = fields.String(data_key="BANK_COUNTRY", validate=_is_country)
    bank_code = fields.String(data_key="BANK_CODE", validate=validate.Regexp(r"[A-Z0-9]{1,20}\Z"))
    accounts_per_customer_max = _whole("ACCOUNTS_PER_CUSTOMER_MAX", 1, 100)  # a list of them is one page
    access_token_minutes = _whole("ACCESS_TOKEN_MINUTES", 1, 60)
    refresh_token_days = _whole("REFRESH_TOKEN_DAYS", 1, 90)
    session_days_max = _whole("SESSION_DAYS_MAX", 1, 365)
    session_idle_minutes = _whole("SESSION_IDLE_MINUTES", 0, 1_440)
    jwt_issuer = fields.String(data_key="JWT_ISSUER")
    jwt_audience = fields.String(data_key="JWT_AUDIENCE")
    bcrypt_cost = _whole("BCRYPT_COST", 4, 16)
    password_length_min = _whole("PASSWORD_LENGTH_MIN", 8, 64)
    hashing_threads = _whole("HASHING_THREADS", 1, 64)
    hashing_queue_max = _whole("HASHING_QUEUE_MAX", 1, 1_000)
    hashing_wait_ms_max = _whole("HASHING_WAIT_MS_MAX", 100, 5_000)
    login_failures_max = _whole("LOGIN_FAILURES_MAX", 1, 100)
    login_lockout_minutes = _whole("LOGIN_LOCKOUT_MINUTES", 1, 1_440)
    mfa_issuer = fields.String(data_key="MFA_ISSUER", validate=validate.Regexp(r"[^:]{1,40}\Z"))
    require_staff_mfa = fields.Boolean(data_key="REQUIRE_STAFF_MFA")
    require_customer_mfa = fields.Boolean(data_key="REQUIRE_CUSTOMER_MFA")
    confirmation_limit = _whole("CONFIRMATION_LIMIT", 1, 1_000_000_000)
    invitation_days = _whole("INVITATION_DAYS", 1, 90)
    rate_limit_login = _rate("RATE_LIMIT_LOGIN")
    rate_limit_register = _rate("RATE_LIMIT_REGISTER")
    rate_limit_refresh = _rate("RATE_LIMIT_REFRESH")
    rate_limit_payees = _rate("RATE_LIMIT_PAYEES")
    require_idempotency_key = fields.Boolean(data_key="REQUIRE_IDEMPOTENCY_KEY")
    cors_origins = _read_by(_origins, "CORS_ORIGINS")
    trusted_hosts = _read_by(_comma_list, "TRUSTED_HOSTS")
    proxy_count = _whole("PROXY_COUNT", 0, 8)
    body_kib_max = _whole("BODY_KIB_MAX", 1, 10_240)
    bulk_mib_max = _whole("BULK_MIB_MAX", 1, 64)
    log_level = fields.String(data_key="LOG_LEVEL", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
    posting_deadline_ms = _whole("POSTING_DEADLINE_MS", 100, 5_000)
    settling_seconds = _whole("SETTLING_SECONDS", 6, 3_600)  # a posting's deadline of 5 s at most, and its commit
    clock_skew_seconds_max = _whole("CLOCK_SKEW_SECONDS_MAX", 1, 600)
    journal_queue_max = _whole("JOURNAL_QUEUE_MAX", 1, 100_000)
    journal_batch_max = _whole("JOURNAL_BATCH_MAX", 1, 1_000)


def _problems(values: Mapping[str, Any], *, debug: bool) -> dict[str, list[str]]:
    """Name what no single variable shows: what is missing, too weak, or not allowed in this environment."""
    problems = _weak_secrets(values) | _no_iban(values) | _settles_too_early(values)
    if values["env"] != "testing":
        problems |= _only_for_tests(values)
    if values["env"] == "production":
        problems |= _not_for_production(values, debug=debug)
    return problems


def _weak_secrets(values: Mapping[str, Any]) -> dict[str, list[str]]:
    keys = (values.get("secret_key", ""), *values.get("secret_key_fallbacks", ()))
    secrets_by_name = {"SECRET_KEY": keys, "PASSWORD_PEPPERS": (values.get("password_peppers") or {"": ""}).values()}
    problems = {}
    for name, given in secrets_by_name.items():
        if not all(given):
            problems[name] = ["Set it; `.env.example` tells how to make one."]
        elif any(len(secret.encode()) < SECRET_LENGTH_MIN for secret in given):
            problems[name] = [f"Each secret in it needs at least {SECRET_LENGTH_MIN} bytes."]
    return problems


def _settles_too_early(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name a SETTLING_SECONDS in which postings of servers whose clocks are apart as far as is allowed still appear."""
    deadline_s = values.get("posting_deadline_ms", POSTING_DEADLINE_MS) / 1000
    skew_s_max = values.get("clock_skew_seconds_max", CLOCK_SKEW_SECONDS_MAX)
    least = math.ceil(deadline_s + _COMMIT_S + 2 * skew_s_max)
    if values.get("settling_seconds", SETTLING_SECONDS) >= least:
        return {}
    return {"SETTLING_SECONDS": [f"At least {least}, by POSTING_DEADLINE_MS and twice CLOCK_SKEW_SECONDS_MAX."]}


def _only_for_tests(values: Mapping[str, Any]) -> dict[str, list[str]]:
    problems = {}
    if str(values.get("mongo_uri", "")).startswith(MONGOMOCK_SCHEME):
        problems["MONGO_URI"] = ["mongomock:// is for testing alone."]
    if values.get("bcrypt_cost", BCRYPT_COST_MIN) < BCRYPT_COST_MIN:
        problems["BCRYPT_COST"] = [f"At least {BCRYPT_COST_MIN} outside testing."]
    return problems


def _not_for_production(values: Mapping[str, Any], *, debug: bool) -> dict[str, list[str]]:
    problems = {}
    if not values.get("mongo_uri"):
        problems["MONGO_URI"] = ["Production needs a replica set of its own; the embedded server is not for it."]
    if values.get("demo_data"):
        problems["DEMO_DATA"] = ["Demo data is not allowed in production."]
    if debug:
        problems["FLASK_DEBUG"] = ["Debug mode is not allowed in production."]
    return problems


def _account_number_length(country: str) -> int:
    """Return how long account numbers are in a country, by its IBAN (ISO 13616); elsewhere the usual length."""
    if not country:
        return ACCOUNT_NUMBER_LENGTH
    from schwifty import BBAN  # it reads its registries, which only a bank with a country needs
    from schwifty.domain import Component
    from schwifty.exceptions import InvalidCountryCode

    try:
        length: int = BBAN(country, "").spec.positions[Component.ACCOUNT_CODE].length
    except InvalidCountryCode:
        return ACCOUNT_NUMBER_LENGTH
    return min(max(length, ACCOUNT_NUMBER_LENGTH_MIN), ACCOUNT_NUMBER_LENGTH_MAX)


def _no_iban(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Name a bank code that makes no IBAN of the bank's account numbers in its country."""
    country, code = values.get("bank_country"), values.get("bank_code")
    if not code:
        return {}
    if not country:
        return {"BANK_CODE": ["It makes IBANs only with BANK_COUNTRY; set both or neither."]}
    from schwifty import IBAN
    from schwifty.exceptions import SchwiftyException

    number = "1" * values["account_number_length"]
    try:
        iban = IBAN.generate(country, bank_code=code, account_code=number)
    except SchwiftyException:
        return {"BANK_CODE": [f"It makes no IBAN in {country} with account numbers of {len(number)} digits."]}
    if iban.bank_code + iban.branch_code != code or not iban.account_code.endswith(number):
        return {"BANK_CODE": [f"Write it in full, as IBANs of {country} have it, with the branch where they name one."]}
    return {}


def _is_true(text: str) -> bool:
    return text.lower() not in ("", "0", "false", "no")


def _development_defaults(values: Mapping[str, Any]) -> dict[str, Any]:
    """Limits wide enough for a load test on one's own machine, and secrets that outlive a restart."""
    limited = ("login", "register", "refresh", "payees")
    limits = {f"rate_limit_{name}": "6000/minute" for name in limited}
    cost = {"bcrypt_cost": BCRYPT_COST_MIN} if values["env"] == "development" else {"bcrypt_cost": 4}
    needs_secrets = not (values.get("secret_key") and values.get("password_peppers"))
    made_up = (
        _kept_secrets(values.get("data_dir", Config.__dataclass_fields__["data_dir"].default)) if needs_secrets else {}
    )
    return {**limits, **cost, **made_up, "demo_data": values["env"] == "development"}


def _kept_secrets(data_dir: Path) -> dict[str, Any]:
    """Return this data folder's own secrets, making them (readable by the owner alone) at the first call."""
    path = data_dir / "secrets.json"
    data_dir.mkdir(parents=True, exist_ok=True)
    draft = data_dir / f"secrets.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({"secret_key": secrets.token_hex(32), "pepper": secrets.token_hex(32)}))
    try:
        os.link(draft, path)  # whoever comes first wins, and nobody ever reads half a file
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    kept = json.loads(path.read_text())
    return {"secret_key": kept["secret_key"], "password_peppers": {1: kept["pepper"]}}
