"""An account's lines as people see them: with the other side of each, as far as they may know it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from app.domain.accounts import is_internal
from app.domain.actor import Actor
from app.domain.ledger.records import Entry
from app.domain.masking import masked_number


class _All:
    def __contains__(self, number: object) -> bool:
        return True


ALL_NUMBERS: Container[str] = _All()
"""What staff may see in full."""


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Whose account money came from or went to: the holders' names and the number, masked where they must be."""

    name: str | None
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry with its counterparty (none with cash and the like) and the reference that it was sent with."""

    entry: Entry
    counterparty: Counterparty | None
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineInFull(Line):
    """A line with what its transaction reverses and what reversed it, by their ids."""

    reverses: str | None
    reversed_by: str | None


def shown_to(actor: Actor, own: Iterable[str] = ()) -> Container[str]:
    """Return the account numbers that somebody may see in full: customers their `own`, staff all."""
    return ALL_NUMBERS if actor.is_staff else frozenset(own)


def lines_of(entries: Iterable[Entry], references: Mapping[str, str], *, shown: Container[str]) -> list[Line]:
    """Return entries as lines: with the references of their transactions, and counterparties in `shown` in full."""
    return [
        Line(
            entry=entry,
            counterparty=counterparty_of(entry, shown),
            reference=references.get(entry.transaction_id),
        )
        for entry in entries
    ]


def counterparty_of(entry: Entry, shown: Container[str]) -> Counterparty | None:
    """Return who stands on the other side of an entry, its number in full where it is among those `shown`."""
    number = entry.counterparty
    if number is None or is_internal(number):
        return None
    return Counterparty(entry.counterparty_name, number if number in shown else masked_number(number))
