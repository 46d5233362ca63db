"""What a request becomes for the ledger: cash in and out, transfers, holds. Its fingerprint reads alike for ever."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.actor import Actor, Role
from app.domain.errors import Forbidden, ValidationFailed
from app.domain.fx import FxRate, Quote
from app.domain.holds import HoldOrder, place_intent, release_intent
from app.domain.ids import transaction_id
from app.domain.ledger.intents import Intent, Leg, PlaceHold, Post, ReleaseHold
from app.domain.ledger.records import TransactionType
from app.domain.money import Money
from app.domain.movements import Movement, cash_movement
from app.domain.requests import fingerprint, intent_facts
from app.domain.transfers import TransferOrder, transfer_intent
from tests.factories.ledger import account_state

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CAROL = Actor("carol-id", "carol", Role.CUSTOMER, "s1", customer_id="c1")
BELLA = Actor("bella-id", "bella", Role.BANKER, "s2", branch="HQ")
OWN, OTHER = account_state(id="111", holders=("c1",)), account_state(id="222", holders=("c2",))


def printed(route: str, body: dict[str, Any]) -> str:
    """Return the fingerprint of a request by its definition: SHA-256 of JSON with sorted names."""
    return hashlib.sha256(json.dumps([route, body], sort_keys=True).encode()).hexdigest()


def told_of(actor: Actor, route: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what every intent tells of a request of this actor's under the key k."""
    return {
        "id": transaction_id(actor.user_id, "k"),
        "idempotency_key": "k",
        "fingerprint": printed(route, body),
        "initiated_by": actor.user_id,
        "channel": "counter" if actor is BELLA else "api",
        "customer_id": actor.customer_id,
        "branch": actor.branch,
    }


# ---- every request ---------------------------------------------------------------------------------------------------


def test_a_fingerprint_is_the_same_in_every_release() -> None:
    text = '["deposit", {"account": null, "amount_minor": 1050}]'
    assert fingerprint("deposit", {"amount_minor": 1_050, "account": None}) == hashlib.sha256(text.encode()).hexdigest()


def test_a_fingerprint_covers_route_and_body() -> None:
    body = {"amount_minor": 1_050, "account": None}
    others = [("withdrawal", body), ("deposit", body | {"amount_minor": 1_051}), ("deposit", body | {"account": "1"})]
    assert len({fingerprint(route, sent) for route, sent in [("deposit", body), *others]}) == 4


def test_a_customer_acts_for_themselves_and_staff_at_the_counter_with_the_banks_authority() -> None:
    assert intent_facts(CAROL, "k", "deposit", {}) == told_of(CAROL, "deposit", {})
    assert intent_facts(BELLA, "k", "deposit", {}) == told_of(BELLA, "deposit", {})
    assert intent_facts(BELLA, "k", "deposit", {})["customer_id"] is None


def test_without_a_key_one_is_made_up_that_leads_to_the_same_transaction() -> None:
    first, second = (intent_facts(CAROL, key, "deposit", {}) for key in (None, ""))
    assert first["idempotency_key"] != second["idempotency_key"]
    assert first["id"] == transaction_id("carol-id", first["idempotency_key"])
    assert intent_facts(CAROL, first["idempotency_key"], "deposit", {}) == first


def test_only_a_customer_acts_as_one() -> None:
    assert (CAROL.as_customer(), CAROL.is_staff, BELLA.is_staff) == ("c1", False, True)
    with pytest.raises(Forbidden):
        BELLA.as_customer()


# ---- cash ------------------------------------------------------------------------------------------------------------


def test_cash_moves_between_the_account_and_the_banks_cash() -> None:
    movement = Movement(amount="10.5", description="wages", account=None, idempotency_key="k")
    sent = {"account": None, "amount_minor": 1_050, "description": "wages"}
    assert cash_movement(TransactionType.DEPOSIT, movement, OWN.ref, CAROL) == Post(
        **told_of(CAROL, "deposit", sent),
        type=TransactionType.DEPOSIT,
        account_id="111",
        description="wages",
        legs=(Leg("111", 1_050, "USD"), Leg("cash-USD", -1_050, "USD")),
    )
    named = replace(movement, account="111")
    assert cash_movement(TransactionType.WITHDRAWAL, named, OWN.ref, BELLA) == Post(
        **told_of(BELLA, "withdrawal", sent | {"account": "111"}),
        type=TransactionType.WITHDRAWAL,
        account_id="111",
        description="wages",
        legs=(Leg("111", -1_050, "USD"), Leg("cash-USD", 1_050, "USD")),
    )


def test_an_amount_is_read_in_the_accounts_currency() -> None:
    yen = account_state(id="333", currency="JPY")
    intent = cash_movement(TransactionType.DEPOSIT, Movement(amount="1050"), yen.ref, BELLA)
    assert intent.legs == (Leg("333", 1_050, "JPY"), Leg("cash-JPY", -1_050, "JPY"))
    for refused in (
        lambda: cash_movement(TransactionType.DEPOSIT, Movement(amount="10.50"), yen.ref, BELLA),
        lambda: transfer_intent(TransferOrder(to="222", amount="10.50"), yen.ref, OTHER.id, CAROL),
        lambda: place_intent(HoldOrder(amount="10.50", type="card", reason="x"), yen, BELLA),
    ):
        with pytest.raises(ValidationFailed):
            refused()


# ---- transfers -------------------------------------------------------------------------------------------------------

ORDER = TransferOrder(to="222", amount="3", description="rent", reference="R-7", confirmation="f1", idempotency_key="k")
SENT = {
    "from": None, "to": "222", "amount_minor": 300, "description": "rent", "reference": "R-7", "quote": None,
    "confirmation": "f1",
}  # fmt: skip


def test_a_transfer_keeps_its_reference_and_the_confirmation_that_it_was_made_on() -> None:
    assert transfer_intent(ORDER, OWN.ref, OTHER.id, CAROL) == Post(
        **told_of(CAROL, "transfer", SENT),
        type=TransactionType.TRANSFER,
        account_id="111",
        description="rent",
        metadata={"reference": "R-7", "confirmation": "f1"},
        legs=(Leg("111", -300, "USD"), Leg("222", 300, "USD")),
    )
    plain = transfer_intent(TransferOrder(to="222", amount="3", source="111"), OWN.ref, OTHER.id, CAROL)
    assert plain.metadata == {}
    assert plain.fingerprint == printed(
        "transfer",
        dict.fromkeys(SENT) | {"from": "111", "to": "222", "amount_minor": 300},
    )


def test_a_transfer_by_a_quote_moves_what_was_promised_and_keeps_the_promise() -> None:
    rate = FxRate(id="r1", base="EUR", quote="USD", rate="1.25", spread="0", valid_from=NOW, set_by="ada", set_at=NOW)
    quote = Quote.of(rate, Money(300, "USD"), quote_id="q1", customer_id="c1", accounts=("111", "444"), now=NOW)
    euros = account_state(id="444", currency="EUR")
    intent = transfer_intent(replace(ORDER, to="444", quote="q1"), OWN.ref, euros.id, CAROL, quote=quote)
    assert intent.legs == quote.legs()
    assert intent.metadata == {"reference": "R-7", "confirmation": "f1", **quote.metadata()}
    assert intent.fingerprint == printed("transfer", SENT | {"to": "444", "quote": "q1"})


# ---- holds -----------------------------------------------------------------------------------------------------------


def test_money_is_set_aside_as_it_was_asked_for() -> None:
    order = HoldOrder(amount="3.00", type="card", reason="Hotel", expires_at=NOW, idempotency_key="k")
    sent = {
        "account": "111", "amount_minor": 300, "type": "card", "reason": "Hotel",
        "expires_at": "2026-11-20T12:00:00+00:00",
    }  # fmt: skip
    assert place_intent(order, OWN, BELLA) == PlaceHold(
        **told_of(BELLA, "hold", sent),
        account_id="111",
        amount=300,
        currency="USD",
        type="card",
        reason="Hotel",
        expires_at=NOW,
    )
    endless = place_intent(replace(order, expires_at=None), OWN, BELLA)
    assert (endless.expires_at, endless.fingerprint) == (None, printed("hold", sent | {"expires_at": None}))


def test_a_hold_is_released_with_a_reason() -> None:
    assert release_intent("h1", "Cancelled.", BELLA, "k") == ReleaseHold(
        **told_of(BELLA, "hold release", {"hold": "h1", "reason": "Cancelled."}),
        hold_id="h1",
        description="Cancelled.",
    )


def test_an_intent_of_no_kind_touches_nothing_that_could_be_named() -> None:
    bare = Intent(id="1", fingerprint="f", initiated_by="x", channel="test")
    assert bare.refers_to is None
    with pytest.raises(NotImplementedError):
        _ = bare.accounts
