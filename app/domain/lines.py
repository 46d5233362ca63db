"""An account's lines as people see them: with the other side of each, as far as they may know it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from app.domain.accounts import is_internal
from app.domain.actor import Actor
from app.domain.ledger.records import Entry
from app.domain.masking import masked_number


class _All:
    def __contains__(self, number: object) -> bool:
        return True


_OF_EXCHANGE = frozenset({"fx_quote", "fx_given_rate", "fx_source", "fx_target"})
SHOWN_OF_METADATA = ("reference", *sorted(_OF_EXCHANGE))
"""What lines show of their transaction's metadata."""
ALL_NUMBERS: Container[str] = _All()
"""What staff may see in full."""


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Whose account money came from or went to: the holders' names and the number, masked where they must be."""

    name: str | None
    account: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What moved on the other side of a line in another currency, by which rate, and whose promise it was."""

    rate: str
    amount: str
    currency: str
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry with its counterparty (none with cash and the like), and what its transaction tells of it beyond.

    That is the reference that it was sent with and, where it came to another currency, the exchange.
    """

    entry: Entry
    counterparty: Counterparty | None
    reference: str | None
    exchange: Exchange | None

    @classmethod
    def of(cls, entry: Entry, told: Mapping[str, str], *, shown: Container[str], **further: Any) -> Self:
        """Return an entry with what its transaction's metadata tells; the counterparty's number if it is `shown`."""
        return cls(
            entry=entry,
            counterparty=counterparty_of(entry, shown),
            reference=told.get("reference"),
            exchange=exchange_of(told, entry.currency),
            **further,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInFull(Line):
    """A line with what its transaction reverses and what reversed it, by their ids."""

    reverses: str | None
    reversed_by: str | None


def shown_to(actor: Actor, own: Iterable[str] = ()) -> Container[str]:
    """Return the account numbers that somebody may see in full: customers their `own`, staff all."""
    return ALL_NUMBERS if actor.is_staff else frozenset(own)


def exchange_of(told: Mapping[str, str], currency: str) -> Exchange | None:
    """Return what a transaction's metadata tells of an exchange, as seen from its side in this currency."""
    if not told.keys() >= _OF_EXCHANGE:
        return None
    sides = [told[name].split(" ") for name in ("fx_source", "fx_target")]
    amount, other = next(side for side in sides if side[1] != currency)
    return Exchange(told["fx_given_rate"], amount, other, told["fx_quote"])


def counterparty_of(entry: Entry, shown: Container[str]) -> Counterparty | None:
    """Return who stands on the other side of an entry, its number in full where it is among those `shown`."""
    number = entry.counterparty
    if number is None or is_internal(number):
        return None
    return Counterparty(entry.counterparty_name, number if number in shown else masked_number(number))
