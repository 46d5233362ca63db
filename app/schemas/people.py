"""The fields that say who a person is and how to reach them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, ClassVar

import phonenumbers
import pycountry
from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError, fields, post_load

from app.domain.addresses import Address
from app.domain.customers import NAME_LENGTH_MAX
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import Text

_EMAIL_LENGTH_MAX = 254
_PHONE_LENGTH_MAX = 32
_PHONE = re.compile(r"\+[0-9][0-9 ()./-]*", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ADDRESS_EXAMPLE = {
    "line1": "12 Harbour Street",
    "line2": None,
    "city": "Springfield",
    "region": "IL",
    "postal_code": "62701",
    "country": "US",
}


class PersonName(Text):
    """A person's whole name, with single spaces between its words."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=1, max_length=NAME_LENGTH_MAX, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name = " ".join(super()._deserialize(value, attr, data, **kwargs).split())
        if not any(character.isalpha() for character in name):
            raise ValidationError("Give the name as it is written, with at least one letter.")
        return name


class EmailIn(Text):
    """An e-mail address that could be delivered to; its domain in small letters, without Punycode."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_EMAIL_LENGTH_MAX, **options)
        self.OPENAPI["format"] = "email"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return validate_email(text, check_deliverability=False).normalized
        except EmailNotValidError as error:
            raise ValidationError(f"This is not an e-mail address: {error}") from error


class PhoneIn(Text):
    """A phone number with its country's code, however it is spaced; read as E.164."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=_PHONE_LENGTH_MAX, **options)
        self.OPENAPI["examples"] = ["+1 202 555 0143"]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            number = phonenumbers.parse(text, None) if _PHONE.fullmatch(text) else None
        except phonenumbers.NumberParseException:
            number = None
        if number is None or not phonenumbers.is_valid_number(number):
            raise ValidationError("Write a phone number with its country's code, such as +1 202 555 0143.")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Country(fields.Field[str]):
    """A country by its ISO 3166 code of two capital letters."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {"type": "string", "pattern": "^[A-Z]{2}$", "examples": ["US"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in _countries():
            raise ValidationError("Give an ISO 3166 country code of two capital letters, such as US.")
        return value


class DateIn(fields.Field[date]):
    """A day of the calendar."""

    OPENAPI: ClassVar[Mapping[str, Any]] = {"type": "string", "format": "date", "examples": ["1990-05-17"]}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        try:
            if isinstance(value, str) and _DAY.fullmatch(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise ValidationError("Write a date as 1990-05-17.")


class AddressIn(BaseSchema):
    """A postal address."""

    EXAMPLE: ClassVar[dict[str, Any]] = {name: value for name, value in _ADDRESS_EXAMPLE.items() if value}

    line1 = Text(required=True, min_length=1, max_length=100)
    line2 = Text(min_length=1, max_length=100, allow_none=True)
    city = Text(required=True, min_length=1, max_length=80)
    region = Text(min_length=1, max_length=80, allow_none=True)
    postal_code = Text(min_length=1, max_length=16, allow_none=True)
    country = Country(required=True)

    @post_load
    def make(self, facts: dict[str, str | None], **_: Any) -> Address:
        """Return the address as the domain has it."""
        return Address(**facts)  # type: ignore[arg-type]  # the fields above see to it


class AddressOut(OutSchema):
    """A postal address."""

    EXAMPLE: ClassVar[dict[str, Any]] = _ADDRESS_EXAMPLE

    line1 = fields.String()
    line2 = fields.String(allow_none=True)
    city = fields.String()
    region = fields.String(allow_none=True)
    postal_code = fields.String(allow_none=True)
    country = fields.String()


@cache
def _countries() -> frozenset[str]:
    return frozenset(country.alpha_2 for country in pycountry.countries)
