"""Fields about people: what is taken, in which form, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from marshmallow import Schema, ValidationError
from marshmallow.fields import Field

from app.domain.addresses import Address
from app.schemas.people import AddressIn, Country, DateIn, EmailIn, PersonName, PhoneIn


def read(field: Field[Any], value: Any) -> Any:
    return Schema.from_dict({"field": field})().load({"field": value})["field"]


@pytest.mark.parametrize(
    ("field", "given", "read_as"),
    [
        (PersonName(), "  Zoe\u0308   Müller ", "Zoë Müller"),
        (PersonName(), "李小龍", "李小龍"),
        (EmailIn(), "Carol.C+bank@EXAMPLE.com", "Carol.C+bank@example.com"),
        (EmailIn(), "carol@xn--mller-kva.de", "carol@müller.de"),
        (PhoneIn(), "+1 (202) 555-0143", "+12025550143"),
        (PhoneIn(), "+49 30 123456", "+4930123456"),
        (Country(), "DE", "DE"),
        (DateIn(), "1990-05-17", date(1990, 5, 17)),
        (DateIn(), "2024-02-29", date(2024, 2, 29)),
    ],
)
def test_what_is_right_is_read_into_one_form(field: Field[Any], given: str, read_as: Any) -> None:
    assert read(field, given) == read_as


_NOT_TEXT = [None, 5, True, ["x"], {"$gt": ""}, "", "x\n", "\u202ex", "\ud800", "x" * 300]
_NO_EMAILS = ("a@b", "a@localhost", "a@@example.com", '"a b"@example.com', "a@exam ple.com", "a@[127.0.0.1]",
              "a@b.test", "Carol <carol@example.com>")  # fmt: skip
_NO_PHONES = ("2025550143", "+1", "+999123456789", "+1 202 555 0143 ext. 5", "+" + "1" * 30, "+1 202 CALL-NOW", "١٢٣",
              "tel:+12025550143;phone-context=x", "+1 202 555 0143;ext=5")  # fmt: skip
_NO_DAYS = ("1990-5-17", "19900517", "1990-02-30", "2023-02-29", "0000-01-01", "1990-W01-1", "1990-05-17T00:00:00Z",
            "١٩٩٠-٠٥-١٧")  # fmt: skip


@pytest.mark.parametrize(
    ("field", "given"),
    [
        *((field, given) for field in (PersonName(), EmailIn(), PhoneIn(), Country(), DateIn()) for given in _NOT_TEXT),
        *((PersonName(), given) for given in (" ", "123", "...", "'; --")),
        *((EmailIn(), given) for given in _NO_EMAILS),
        *((PhoneIn(), given) for given in _NO_PHONES),
        *((Country(), given) for given in ("de", "XX", "DEU", "D", "EU")),
        *((DateIn(), given) for given in _NO_DAYS),
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_a_reason(field: Field[Any], given: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        read(field, given)
    assert refused.value.messages_dict["field"]


def test_an_address_has_a_street_a_city_and_a_country() -> None:
    whole = {"line1": "12 Harbour Street", "city": "Springfield", "country": "US"}
    assert AddressIn().load({**whole, "line2": None}) == Address(**whole)
    for missing in whole:
        with pytest.raises(ValidationError) as refused:
            AddressIn().load({name: value for name, value in whole.items() if name != missing})
        assert list(refused.value.messages_dict) == [missing]
    with pytest.raises(ValidationError):
        AddressIn().load({**whole, "planet": "Earth"})
