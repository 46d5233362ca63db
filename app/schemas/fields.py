"""The fields of this API: each refuses what is not exactly right, says how to put it right, and documents itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from marshmallow import ValidationError, fields

from app.domain.accounts import ACCOUNT_NUMBER_LENGTH_MAX, ACCOUNT_NUMBER_LENGTH_MIN, is_account_number
from app.domain.money import Money
from app.domain.strict_json import JsonNumber

PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 20
CURSOR_LENGTH_MAX = 512
_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_PER_CENT = re.compile(r"-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,6})?", re.ASCII)
_PER_CENT_MAX = 100
_CODE = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{0,30}[A-Z0-9])?", re.ASCII)
_CURSOR = re.compile(rf"[A-Za-z0-9_.~=-]{{1,{CURSOR_LENGTH_MAX}}}", re.ASCII)
_NOT_IN_TEXT = r"\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Control characters, line breaks, and what turns the direction of writing around."""
_REFUSED = re.compile(rf"[{_NOT_IN_TEXT}\ud800-\udfff]")


class AmountIn(fields.Field[str]):
    """An amount of money as it was written, in plain decimal notation; its currency is known further down."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {
        "description": "A positive amount: a number, or a string in plain decimal notation, no exponent.",
        "oneOf": [
            # float-money: a bound in the description
            {"type": "number", "minimum": 0.0001, "maximum": 9999999999999999},
            {"type": "string", "pattern": rf"^(?!0(\.0+)?$){_AMOUNT.pattern}$"},
        ],
        "examples": ["100.00", 100.5],  # float-money: JSON as people write it, read without a float
    }
    MAY_BE_ZERO: ClassVar[bool] = False

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = self._text(value)
        if _AMOUNT.fullmatch(text) is None:
            raise ValidationError(
                "Write the amount as a plain positive decimal number, such as 100 or 100.50, "
                "with at most 16 digits before the point and 4 behind it."
            )
        if not self.MAY_BE_ZERO and not text.strip("0."):
            raise ValidationError("The amount must be greater than zero.")
        return text

    @staticmethod
    def _text(value: Any) -> str:
        if isinstance(value, JsonNumber):
            return value.text
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str):
            return value
        raise ValidationError("Give the amount as a number or a string.")


class AmountOrZeroIn(AmountIn):
    """An amount of money, or none of it, as it was written."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {
        "description": "An amount, zero included: a number, or a string in plain decimal notation, no exponent.",
        "oneOf": [
            {"type": "number", "minimum": 0, "maximum": 9999999999999999},
            {"type": "string", "pattern": rf"^{_AMOUNT.pattern}$"},
        ],
        "examples": ["500.00", 0],
    }
    MAY_BE_ZERO: ClassVar[bool] = True


class DecimalIn(fields.Field[str]):
    """A plain decimal, kept as it was written: a string, or a number whose digits are taken as they stand."""

    def __init__(
        self, *, accepts: Callable[[str], bool], says: str, pattern: str, bounds: Mapping[str, int], **options: Any
    ) -> None:
        super().__init__(**options)
        self._accepts = accepts
        self._says = says
        self.OPENAPI: Mapping[str, Any] = {
            "oneOf": [{"type": "string", "pattern": f"^{pattern}$"}, {"type": "number", **bounds}]
        }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = value.text if isinstance(value, JsonNumber) else value
        text = str(text) if isinstance(text, int) and not isinstance(text, bool) else text
        if not isinstance(text, str) or not self._accepts(text):
            raise ValidationError(self._says)
        return text


class MoneyOut(fields.Field[Money]):
    """An amount as a string with all of its currency's decimals."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else str(value)


class TimestampOut(fields.Field[datetime]):
    """An instant in RFC 3339: UTC, milliseconds, `Z`."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "date-time"}

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        if not isinstance(value, datetime):
            return None
        return value.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


class TimestampIn(fields.Field[datetime]):
    """An instant in RFC 3339 with its offset, or a date, which means its first instant in UTC (or its last)."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {
        "type": "string",
        "anyOf": [{"format": "date-time"}, {"format": "date"}],
        "examples": ["2026-01-31T12:00:00Z", "2026-01-31"],
    }

    def __init__(self, *, end_of_day: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self._end_of_day = end_of_day

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            if isinstance(value, str) and _DATE.fullmatch(value):
                return self._of_date(value)
            if isinstance(value, str) and _INSTANT.fullmatch(value):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("Write a time as 2026-01-31T12:00:00Z or a date as 2026-01-31.")

    def _of_date(self, value: str) -> datetime:
        start = datetime.fromisoformat(value).replace(tzinfo=UTC)
        return start + timedelta(days=1, milliseconds=-1) if self._end_of_day else start


class InstantOrDay(fields.Field[date]):
    """An instant in RFC 3339 with its offset, or a day of the bank's calendar, whose end this layer does not know."""

    OPENAPI: ClassVar[Mapping[str, Any]] = TimestampIn.OPENAPI

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date | datetime:
        try:
            if isinstance(value, str) and _DATE.fullmatch(value):
                return date.fromisoformat(value)
            if isinstance(value, str) and _INSTANT.fullmatch(value):
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("Write a time as 2026-01-31T12:00:00Z or a date as 2026-01-31.")


class Text(fields.Field[str]):
    """A line of text: bounded, normalised to NFC, without control, bidirectional or broken characters."""

    def __init__(self, *, max_length: int, min_length: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.min_length = min_length
        self.max_length = max_length
        self.OPENAPI = {
            "type": "string",
            "minLength": min_length,
            "maxLength": max_length,
            "pattern": f"^[^{_NOT_IN_TEXT}]*$",
        }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Give a string.")
        if len(value) > self.max_length:  # before anything that takes time by length
            raise ValidationError(f"At most {self.max_length} characters.")
        text = value if value.isascii() else unicodedata.normalize("NFC", value)
        if not self.min_length <= len(text) <= self.max_length:
            raise ValidationError(f"Between {self.min_length} and {self.max_length} characters.")
        if _REFUSED.search(text):
            raise ValidationError("Control characters and line breaks are not allowed.")
        return text


class AccountNumber(fields.Field[str]):
    """The number of an account, with its check digits."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {
        "type": "string",
        "pattern": rf"^[0-9]{{{ACCOUNT_NUMBER_LENGTH_MIN},{ACCOUNT_NUMBER_LENGTH_MAX}}}$",
        "examples": ["482915306750"],
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not is_account_number(value):
            raise ValidationError("This is not an account number; check it for a typo.")
        return value


class Code(fields.Field[str]):
    """The short name of something that administrators maintain."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": f"^{_CODE.pattern}$", "examples": ["HARBOUR"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not _CODE.fullmatch(value):
            raise ValidationError("Write up to 32 capital letters, digits and hyphens.")
        return value


class PerCent(fields.Field[str]):
    """A rate in per cent a year, as a string in plain decimal notation."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {
        "type": "string",
        "pattern": f"^{_PER_CENT.pattern}$",
        "description": "Per cent a year, from -100 to 100.",
        "examples": ["2.50"],
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not _PER_CENT.fullmatch(value) or abs(Decimal(value)) > _PER_CENT_MAX:
            raise ValidationError("Write the rate as a string, in per cent a year, such as 2.50.")
        return value


class Flag(fields.Field[bool]):
    """True or false, and nothing that merely looks like it."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {"type": "boolean"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Give true or false.")
        return value


class Cursor(fields.Field[str]):
    """Where a page goes on: `next_cursor` of the page before, sent back unchanged."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {
        "type": "string",
        "pattern": f"^{_CURSOR.pattern}$",
        "description": "`next_cursor` of the page before.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not _CURSOR.fullmatch(value):
            raise ValidationError("Send back the next_cursor of the page before, unchanged.")
        return value


class Limit(fields.Field[int]):
    """How many items a page holds at most."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE_MAX}

    def __init__(self, **options: Any) -> None:
        super().__init__(load_default=PAGE_SIZE_DEFAULT, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not re.fullmatch(r"[1-9][0-9]{0,2}", value, re.ASCII):
            raise ValidationError(f"Give a whole number from 1 to {PAGE_SIZE_MAX}.")
        if int(value) > PAGE_SIZE_MAX:
            raise ValidationError(f"At most {PAGE_SIZE_MAX}.")
        return int(value)
