"""Maintaining what the bank offers, and showing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.domain.accounts import AccountType, Limits
from app.domain.actor import Actor
from app.domain.audit import Subject, facts_of
from app.domain.errors import PreconditionFailed, StateConflict
from app.domain.money import Money
from app.domain.paging import Page
from app.domain.products import Fee, Product, ProductStatus, default_product_code

if TYPE_CHECKING:
    from app.models.store import Store

_AMOUNTS = ("minimum_balance", "overdraft_max")


def create_product(store: Store, actor: Actor, body: Mapping[str, Any]) -> Product:
    """Offer a new product; one in a new currency brings the bank's own accounts in it.

    Raises:
        CodeTaken: there is one of this code.
        ValidationFailed: an amount is not one of the product's currency.
    """
    now = store.clock.now()
    facts = _facts(body, body["currency"], Limits())
    product = Product(**facts | {"type": AccountType(body["type"])}, created_at=now, updated_at=now)
    store.accounts.ensure_internal(product.currency, now=now)
    store.audit.together(
        lambda session: store.products.insert(product, session=session),
        "staff.product_create",
        actor,
        Subject("product", product.code),
        after=facts_of(product),
    )
    return product


def list_products(store: Store, *, limit: int, cursor: str | None) -> Page[Product]:
    """Return a page of all products, by code."""
    return store.products.page(limit=limit, cursor=cursor)


def list_offered(store: Store, *, self_service: bool | None = None, limit: int, cursor: str | None) -> Page[Product]:
    """Return a page of the products that can be opened; with `self_service`, by customers themselves."""
    return store.products.page(status=ProductStatus.OFFERED, self_service=self_service, limit=limit, cursor=cursor)


def get_product(store: Store, code: str) -> Product:
    """Return a product.

    Raises:
        NotFound: there is none of this code.
    """
    return store.products.get(code)


def change_product(store: Store, actor: Actor, code: str, body: Mapping[str, Any], *, version: int) -> Product:
    """Change a product's terms for accounts opened from now on, if it still is as it was read.

    Raises:
        NotFound: there is none of this code.
        PreconditionFailed: somebody has changed it since.
        StateConflict: it is withdrawn.
        ValidationFailed: an amount is not one of the product's currency.
    """
    product = store.products.get(code)
    if product.version != version:
        raise PreconditionFailed
    changed = product.with_facts(_facts(body, product.currency, product.limits), now=store.clock.now())
    _replace(store, actor, "staff.product_change", product, changed)
    return changed


def withdraw_product(store: Store, actor: Actor, code: str) -> Product:
    """Offer a product no more; accounts of it stay as they are.

    Raises:
        NotFound: there is none of this code.
        StateConflict: it is withdrawn already, or new customers' first accounts are of it.
        PreconditionFailed: somebody changed it at this moment.
    """
    product = store.products.get(code)
    if code == default_product_code(store.config.bank_currency):
        raise StateConflict("The first accounts of new customers are of this product.")
    withdrawn = product.withdrawn(now=store.clock.now())
    _replace(store, actor, "staff.product_withdraw", product, withdrawn)
    return withdrawn


def _replace(store: Store, actor: Actor, action: str, before: Product, after: Product) -> None:
    store.audit.together(
        lambda session: store.products.replace(after, version=before.version, session=session),
        action,
        actor,
        Subject("product", before.code),
        before=facts_of(before),
        after=facts_of(after),
    )


def _facts(body: Mapping[str, Any], currency: str, limits: Limits) -> dict[str, Any]:
    """Return what was sent with its amounts in minor units, and its limits over those that were there."""
    facts = dict(body)
    for name in _AMOUNTS:
        if name in facts:
            facts[name] = _minor(facts[name], currency, name)
    if "limits" in facts:
        given = {name: _minor(text, currency, f"limits.{name}") for name, text in facts["limits"].items()}
        facts["limits"] = limits._replace(**given)
    if "fees" in facts:
        facts["fees"] = tuple(
            Fee(fee["name"], Money.parse(fee["amount"], currency, field=f"fees.{index}.amount").amount_minor)
            for index, fee in enumerate(facts["fees"])
        )
    return facts


def _minor(text: str | None, currency: str, field: str) -> int | None:
    return None if text is None else Money.parse(text, currency, field=field, or_zero=True).amount_minor
