"""When a second person is asked, and how that is decided anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from app.domain.actor import Actor
from app.domain.approvals import Answered
from app.domain.errors import NotFound
from app.domain.money import Money
from app.domain.operations.base import OperationName
from app.domain.operations.policy_change import PolicyChange
from app.domain.policies import Policy, Rule, refuse_senseless
from app.models.four_eyes import ask

if TYPE_CHECKING:
    from app.models.store import Store


def list_policies(store: Store) -> list[Policy]:
    """Return the policy of every operation."""
    return store.policies.list()


def change_policy(
    store: Store,
    actor: Actor,
    name: str,
    *,
    rule: str,
    thresholds: Iterable[Mapping[str, str]],
    idempotency_key: str | None,
) -> Answered:
    """Ask another administrator for another policy; until they approve it the present one counts.

    Raises:
        NotFound: there is no operation of this name that goes by policy.
        ValidationFailed: the policy would not say what it seems to say.
    """
    if name not in list(OperationName) or name == OperationName.POLICY_CHANGE:
        raise NotFound
    amounts = tuple(Money.parse(each["amount"], each["currency"]) for each in thresholds)
    policy = Policy(OperationName(name), Rule(rule), amounts)
    refuse_senseless(policy)
    change = PolicyChange(policy=policy, before=store.policies.get(policy.operation))
    return ask(store, actor, change, idempotency_key=idempotency_key)
