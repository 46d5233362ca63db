"""How customers are found: by the beginnings of the words of their name, number, e-mail address and phone number.

Every beginning is kept with the customer, so that a search compares strings for equality: nothing that a caller types
can be an operator or a pattern, and an index serves it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.customers import NUMBER_PREFIX, Customer, CustomerStatus, KycStatus

PREFIX_LENGTH_MAX = 40
"""Further characters of a word do not count."""
WORDS_MAX = 12
_NOT_DECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
_NUMBER = re.compile(rf"{NUMBER_PREFIX}?[+ ()./-]*[0-9][+0-9 ()./-]*", re.IGNORECASE)
_APOSTROPHES = re.compile("['\u2018\u2019\u02bc]")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFilter:
    """Which customers are wanted; None asks for any."""

    text: str | None = None
    status: CustomerStatus | None = None
    kyc_status: KycStatus | None = None


def search_keys(customer: Customer) -> list[str]:
    """Return every beginning of every word by which this customer is found."""
    words = [*_words(customer.full_name or ""), _digits(customer.number)]
    if customer.phone:
        words.append(_digits(customer.phone))
    if customer.email:
        words += [_address(customer.email), *_words(customer.email.rpartition("@")[0])]
    return sorted({word[:length] for word in words for length in range(1, min(len(word), PREFIX_LENGTH_MAX) + 1)})


def search_terms(text: str) -> list[str]:
    """Return what a search asks for, the longest first: keys that a customer must all have. None where it is nothing.

    A number may be written with its separators; words count without case and accents.
    """
    if _NUMBER.fullmatch(text.strip()):
        terms: Iterable[str] = [_digits(text)]
    else:
        terms = [term for part in text.split() for term in ([_address(part)] if "@" in part else _words(part))]
    known = {term[:PREFIX_LENGTH_MAX] for term in terms if term}
    return sorted(known, key=lambda term: (-len(term), term))[:WORDS_MAX]


def _words(text: str) -> list[str]:
    """Split a name into words without case, accents and punctuation; an apostrophe does not split one."""
    text = _APOSTROPHES.sub("", text)
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(each for each in decomposed if not unicodedata.category(each).startswith("M"))
    spaced = "".join(each if each.isalnum() else " " for each in bare.translate(_NOT_DECOMPOSED))
    return spaced.split()[:WORDS_MAX]


def _address(email: str) -> str:
    return unicodedata.normalize("NFKC", email).casefold()


def _digits(text: str) -> str:
    return "".join(each for each in text if each.isascii() and each.isdigit())
