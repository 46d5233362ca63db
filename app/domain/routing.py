"""Routing codes: how other banks address a branch. Each country's system has its own form, some with a check digit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from app.domain.errors import ValidationFailed

ROUTING_CODE_LENGTH_MAX = 34
_ABA_WEIGHTS = (3, 7, 1, 3, 7, 1, 3, 7, 1)


class RoutingType(StrEnum):
    """IFSC in India, sort codes in Britain, ABA in the United States, BIC (ISO 9362) between countries."""

    IFSC = "IFSC"
    SORT = "SORT"
    ABA = "ABA"
    BIC = "BIC"
    OTHER = "other"


_PATTERNS = {
    RoutingType.IFSC: (r"[A-Z]{4}0[A-Z0-9]{6}", "four letters, a zero and six letters or digits"),
    RoutingType.SORT: (r"[0-9]{6}", "six digits"),
    RoutingType.ABA: (r"[0-9]{9}", "nine digits, the last of which checks the others"),
    RoutingType.BIC: (r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?", "eight or eleven letters and digits"),
    RoutingType.OTHER: (r"[A-Za-z0-9](?:[A-Za-z0-9 ./-]{0,32}[A-Za-z0-9])?", "letters, digits, spaces, dots, / and -"),
}


@dataclass(frozen=True, slots=True)
class RoutingCode:
    """A routing code in its canonical form: capital letters, and a sort code without its hyphens."""

    type: RoutingType
    code: str

    @classmethod
    def parse(cls, type_: RoutingType, text: str) -> Self:
        """Read a code as it is usually written.

        Raises:
            ValidationFailed: it does not have the form of its type, or its check digit is wrong.
        """
        code = _canonical(type_, text)
        pattern, form = _PATTERNS[type_]
        # pattern-from-data: from the table above
        if not re.fullmatch(pattern, code, re.ASCII) or (type_ is RoutingType.ABA and not _is_checked(code)):
            raise ValidationFailed(errors={"routing.code": [f"Write {form}."]})
        return cls(type_, code)


def _canonical(type_: RoutingType, text: str) -> str:
    if type_ is RoutingType.OTHER:
        return text
    if type_ is RoutingType.SORT and re.fullmatch(r"[0-9]{2}([- ])[0-9]{2}\1[0-9]{2}", text, re.ASCII):
        return text.replace(text[2], "")
    return text.upper() if text.isascii() else text


def _is_checked(code: str) -> bool:
    return sum(weight * int(digit) for weight, digit in zip(_ABA_WEIGHTS, code, strict=True)) % 10 == 0
