"""Registering: a customer with their first account by themselves, staff by whoever runs the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from app.domain.account_views import AccountView
from app.domain.accounts import Account, new_account_number
from app.domain.actor import Actor, Role
from app.domain.audit import SYSTEM, Acting, Subject
from app.domain.customers import Customer
from app.domain.errors import UsernameTaken, ValidationFailed
from app.domain.ids import random_id
from app.domain.invitations import invitation_digest
from app.domain.operations.staff_role_change import StaffRoleChange
from app.domain.products import default_product_code
from app.domain.usernames import canonical_username, displayed_username
from app.domain.users import PasswordHash, Profile, User
from app.models.access import add_customer, add_login, add_staff, find_invited
from app.models.branch_staff import require_open_branch
from app.models.four_eyes import submit
from app.models.passwords import context_words, generated_password, refuse_weak_password, refuse_wrong_length

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


@dataclass(frozen=True, slots=True)
class Registration:
    """A new customer: who they are, and their first account."""

    profile: Profile
    account: AccountView


def register(
    store: Store,
    username: str,
    password: str,
    *,
    full_name: str | None = None,
    email: str | None = None,
    invitation: str | None = None,
) -> Registration:
    """Make a login, a customer and their first checking account, all or nothing.

    With an invitation the customer is there already: the login is theirs, and so is an account that they have.

    Raises:
        ValidationFailed: the name can't be one, or the password is too easy to guess.
        UsernameTaken: somebody has this name, or one that reads the same.
        InvitationNotValid: nobody is invited by this code (any more).
        ServerBusy: too many passwords wait to be hashed.
    """
    canonical = canonical_username(username)
    now = store.clock.now()
    if invitation is None:
        digest, customer = None, Customer.new(now=now, full_name=full_name, email=email)
    else:
        _refuse_facts(full_name=full_name, email=email)
        digest = invitation_digest(invitation)
        customer = find_invited(store, digest)
    context = context_words(username, canonical, customer.full_name, customer.email)
    user = User(
        id=random_id(),
        username=displayed_username(username),
        canonical=canonical,
        role=Role.CUSTOMER,
        password=_hash_for_new_user(store, canonical, password, context=context),
        customer_id=customer.id,
        created_at=now,
    )
    account = _first_account(store, customer, now)
    if digest is None:
        customer, account = add_customer(store, user, customer, account)
    else:
        customer, account = add_login(store, user, digest, account)
    _log.info("user_registered", user_id=user.id, role=str(user.role))
    shown = AccountView.for_holder(account, customer.id, iban=store.ibans.of(account.id))
    return Registration(Profile(user, customer), shown)


@dataclass(frozen=True, slots=True)
class Hired:
    """A new member of staff, the password that was made up for them, and the approval that their role waits for."""

    user: User
    password: str | None
    approval: str | None


def hire(
    store: Store,
    actor: Actor,
    username: str,
    role: Role,
    *,
    password: str | None,
    branch: str | None,
    idempotency_key: str | None,
) -> Hired:
    """Make a login for a member of staff. An administrator begins as a banker: that role is given like any other.

    Raises:
        ValidationFailed: the name can't be one, the password is too easy to guess, or there is no such branch.
        StateConflict: the branch is closed.
        UsernameTaken: somebody has this name, or one that reads the same.
    """
    if branch is not None:
        require_open_branch(store, branch)
    made_up = generated_password() if password is None else None
    user = create_staff(store, username, password or made_up or "", Role.BANKER, branch=branch, by=actor)
    if role is Role.BANKER:
        return Hired(user, made_up, None)
    asked = submit(store, actor, StaffRoleChange.of(user, role), idempotency_key=idempotency_key)
    return Hired(store.users.get(user.id), made_up, asked.approval.id if asked else None)


def create_staff(
    store: Store, username: str, password: str, role: Role, *, branch: str | None = None, by: Acting = SYSTEM
) -> User:
    """Make a login for a banker or an administrator. No address leads here but through `hire`.

    Raises:
        ValidationFailed: the name can't be one, or the password is too easy to guess.
        UsernameTaken: somebody has this name, or one that reads the same.
    """
    canonical = canonical_username(username)
    hashed = _hash_for_new_user(store, canonical, password, context=context_words(username, canonical))
    user = User(
        id=random_id(),
        username=displayed_username(username),
        canonical=canonical,
        role=role,
        password=hashed,
        branch=branch,
        created_at=store.clock.now(),
    )
    told = {"username": user.username, "role": role, "branch": branch}
    add_staff(store, user, also=store.audit.also("staff.user_create", by, Subject("user", user.id), after=told))
    _log.info("user_registered", user_id=user.id, role=str(user.role))
    return user


def _first_account(store: Store, customer: Customer, now: datetime) -> Account:
    product = store.products.get(default_product_code(store.config.bank_currency))
    number = new_account_number(store.config.account_number_length)
    return product.new_account(number, {customer.id: customer.full_name}, primary_for=(customer.id,), now=now)


def _refuse_facts(**facts: str | None) -> None:
    """Refuse to be told who somebody is whom the bank knows."""
    given = {name: ["Leave it out: with an invitation the bank knows who you are."] for name in facts if facts[name]}
    if given:
        raise ValidationFailed(errors=given)


def _hash_for_new_user(store: Store, canonical: str, password: str, *, context: list[str]) -> PasswordHash:
    """Hash a password, unless the name is taken: many who want one name at once cost one hash, not many."""
    refuse_wrong_length(password, store.config.password_length_min, field="password")
    _refuse_taken(store, canonical)
    with store.passwords.turn() as hasher:
        _refuse_taken(store, canonical)
        refuse_weak_password(password, field="password", context=context)
        return hasher.hash(password)


def _refuse_taken(store: Store, canonical: str) -> None:
    if store.users.find_by_name(canonical) is not None:
        raise UsernameTaken
