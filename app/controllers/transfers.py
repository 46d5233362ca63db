"""Move money from account to account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain.accounts import Account, AccountRef
from app.domain.actor import Actor
from app.domain.errors import CurrencyMismatch, RateLimited, SameAccount
from app.domain.fx import Quote
from app.domain.ids import transaction_id
from app.domain.ledger.book import Recorded
from app.domain.money import Money
from app.domain.transfers import TransferOrder, transfer_intent
from app.models.fx_quotes import use_up
from app.models.meant_account import with_account
from app.models.payee_search import payee_at_counter, payee_of_payment
from app.models.payment_facts import PaymentFacts, read_payment_facts
from app.models.step_up import writes_for_payment

if TYPE_CHECKING:
    from app.models.store import Store

_HOW_TO_EXCHANGE = (
    "The other account has another currency: ask for a quote at /transfers/quote, and name it here as `quote`."
)


@dataclass(frozen=True, slots=True)
class Transferred:
    """What a transfer did, and the number of the target where that is the customer's own."""

    recorded: Recorded
    own: tuple[str, ...]

    @property
    def replayed(self) -> bool:
        return self.recorded.replayed


def transfer(store: Store, actor: Actor, order: TransferOrder) -> Transferred:
    """Move money from an account of the customer's, once per idempotency key.

    Raises:
        NotFound: no such source, or not theirs.
        UnknownPayee: no such target.
        RateLimited: the customer has named too many targets that nobody has.
        SameAccount: source and target are one.
        ValidationFailed: the amount is not one of the source's currency.
        QuoteNotValid, QuoteExpired, QuoteUsed: the quote that it names does not serve it (any more).
        StepUpRequired: it has to be confirmed, and is not, or not exactly this.
        BankError: any refusal of the ledger; nothing moved.
    """

    def post(source: AccountRef) -> Transferred:
        return _transfer(store, actor, order, source)

    return with_account(store, actor, order.source, order.idempotency_key, post)


def _transfer(store: Store, actor: Actor, order: TransferOrder, source: AccountRef) -> Transferred:
    if source.id == order.to:
        raise SameAccount
    facts = read_payment_facts(store, actor, order.to)
    target = _payee(store, actor, order, facts)
    quote = _quote(store, actor, order, source, target)
    intent = transfer_intent(order, source, target.id, actor, quote=quote)
    amount = Money.parse(order.amount, source.currency)
    also = [*writes_for_payment(store, actor, facts, source.id, amount, order.confirmation)]
    also += [use_up(quote, intent.id, now=store.clock.now())] if quote else []
    try:
        recorded = store.journal.post(intent, also=also)
    except CurrencyMismatch:
        raise CurrencyMismatch(_HOW_TO_EXCHANGE) from None
    return Transferred(recorded, (target.id,) if actor.customer_id in target.holders else ())


def _payee(store: Store, actor: Actor, order: TransferOrder, facts: PaymentFacts) -> Account:
    """Return the target; of a payment that was made before also to who has looked for too many since."""
    try:
        return payee_of_payment(store, actor.as_customer(), facts)
    except RateLimited:
        key = order.idempotency_key
        earlier = store.transactions.find(transaction_id(actor.user_id, key)) if key else None
        if earlier is None or all(posting.account_id != order.to for posting in earlier.postings):
            raise
        return payee_at_counter(store, order.to)


def _quote(store: Store, actor: Actor, order: TransferOrder, source: AccountRef, target: Account) -> Quote | None:
    """Return the quote that an order names, which has to be this customer's and for exactly this transfer."""
    if order.quote is None:
        return None
    money = Money.parse(order.amount, source.currency)
    return store.fx_quotes.get_for(
        order.quote, actor.as_customer(), source=money, from_account=source.id, to_account=target.id
    )
