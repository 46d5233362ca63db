"""Giving and taking access: what belongs together, over several collections, is one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from app.domain.accounts import Account, new_account_number
from app.domain.actor import Role
from app.domain.audit import Party, Subject
from app.domain.customers import Customer, new_customer_number
from app.domain.errors import InvitationNotValid, ServerBusy, UsernameTaken
from app.domain.sessions import Session
from app.domain.users import PasswordHash, User

if TYPE_CHECKING:
    from app.models.store import Store

_NUMBER_TRIES = 5


def add_customer(store: Store, user: User, customer: Customer, account: Account) -> tuple[Customer, Account]:
    """Add a customer with a login and a first account, all or nothing; return both as they were numbered.

    Raises:
        UsernameTaken: somebody else was quicker.
    """

    def work(number: str, session: ClientSession | None) -> tuple[Customer, Account]:
        numbered = replace(customer, number=new_customer_number())
        opened = account._replace(id=number)
        store.users.insert(user, session=session)
        store.customers.insert(numbered, session=session)
        store.accounts.insert(opened, session=session)
        return numbered, opened

    return _with_new_numbers(store, user, account.id, work)


def add_login(store: Store, user: User, digest: str, account: Account) -> tuple[Customer, Account]:
    """Add a login to the customer whom a code invites, which is thereby used up; return them and their first account.

    That is the one they have: their primary one, else the one of the lowest number. Where there is none, `account` is
    opened for them.

    Raises:
        InvitationNotValid: nobody is invited by this code (any more).
        UsernameTaken: somebody else was quicker.
    """

    party, told = Party(user.id, user.role), {"username": user.username}

    def work(number: str, session: ClientSession | None) -> tuple[Customer, Account]:
        invited = find_invited(store, digest, session=session)
        customer = invited.with_login(now=user.created_at)
        store.customers.update(invited, customer, session=session)
        store.users.insert(replace(user, customer_id=customer.id), session=session)
        store.audit.write("auth.invitation_use", party, Subject("customer", customer.id), after=told, session=session)
        owned = store.accounts.list_owned(customer.id, session=session)
        if owned:
            return customer, next((each for each in owned if customer.id in each.primary_for), owned[0])
        opened = account._replace(
            id=number, holders=(customer.id,), holder_names=(customer.full_name,), primary_for=(customer.id,)
        )
        store.accounts.insert(opened, session=session)
        return customer, opened

    return _with_new_numbers(store, user, account.id, work)


def find_invited(store: Store, digest: str, *, session: ClientSession | None = None) -> Customer:
    """Return the customer whom a code invites.

    Raises:
        InvitationNotValid: there is none, the time is over, or they are suspended or closed.
    """
    customer = store.customers.find_invited(digest, session=session)
    if customer is None or not customer.is_invited(store.clock.now()):
        raise InvitationNotValid
    return customer


def _with_new_numbers(
    store: Store,
    user: User,
    number: str,
    work: Callable[[str, ClientSession | None], tuple[Customer, Account]],
) -> tuple[Customer, Account]:
    """Run `work` in a transaction with an account number, and again with another one where that is in use."""
    for _ in range(_NUMBER_TRIES):
        try:
            return store.transaction(partial(work, number))
        except DuplicateKeyError:
            if store.users.find_by_name(user.canonical) is not None:
                raise UsernameTaken from None
            number = new_account_number(store.config.account_number_length)
    raise ServerBusy(retry_after_s=1)


def add_staff(store: Store, user: User, *, also: Callable[[ClientSession | None], None]) -> None:
    """Add a login that is no customer's, and do what belongs to it in the same transaction.

    Raises:
        UsernameTaken: somebody else was quicker.
    """

    def work(session: ClientSession | None) -> None:
        store.users.insert(user, session=session)
        also(session)

    try:
        store.transaction(work)
    except DuplicateKeyError:
        raise UsernameTaken from None


def change_user(
    store: Store,
    user: User,
    *,
    password: PasswordHash | None = None,
    disabled: bool | None = None,
    role: Role | None = None,
    branch: str | None = None,
    also: Callable[[ClientSession | None], None] | None = None,
) -> User:
    """Change a user and end everything granted before: at once here, within two seconds in every other process.

    The user's epoch rises with it, and sessions of an earlier one are over, however many there are. `also` does what
    belongs to the change, in the same transaction.

    Raises:
        StateConflict: somebody else has changed the user meanwhile.
        LastAdmin: no administrator would be left who may log in, whoever else is changed at the same moment.
    """
    ends_admin = user.role is Role.ADMIN and (bool(disabled) or role not in (None, Role.ADMIN))

    def work(session: ClientSession | None) -> User:
        if ends_admin:
            store.admins.require_another(user.id, session=session)
        if also is not None:
            also(session)
        changed = store.users.change(
            user, password=password, disabled=disabled, role=role, branch=branch, session=session
        )
        store.revocations.add_user(user.id, changed.epoch, session=session)
        return changed

    changed = store.transaction(work)
    store.revocations.learn_user(changed.id, changed.epoch)
    return changed


def begin_session(store: Store, session: Session, *, also: Callable[[ClientSession | None], None]) -> None:
    """Begin a session, and do what belongs to it in the same transaction."""

    def work(transaction: ClientSession | None) -> None:
        store.sessions.insert(session, session=transaction)
        also(transaction)

    store.transaction(work)


def end_session(
    store: Store, session_id: str, user_id: str, *, also: Callable[[ClientSession | None], None] | None = None
) -> bool:
    """End one session of a user and its tokens, as fast; False where there is none of this id.

    `also` does what belongs to the end, in the same transaction.
    """
    now = store.clock.now()

    def work(session: ClientSession | None) -> bool:
        if not store.sessions.end(session_id, user_id, now=now, session=session):
            return False
        store.revocations.add_session(session_id, session=session)
        if also is not None:
            also(session)
        return True

    ended = store.transaction(work)
    if ended:
        store.revocations.learn_session(session_id)
    return ended
