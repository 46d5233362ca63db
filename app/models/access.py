"""Giving and taking access: what belongs together, over several collections, is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError

from app.domain.accounts import Account, new_account_number
from app.domain.actor import Role
from app.domain.errors import ServerBusy, UsernameTaken
from app.domain.users import Customer, PasswordHash, User

if TYPE_CHECKING:
    from app.models.store import Store

_NUMBER_TRIES = 5


def add_customer(store: Store, user: User, customer: Customer, account: Account) -> Account:
    """Add a customer with a login and a first account, all or nothing; return the account as it was numbered.

    Raises:
        UsernameTaken: somebody else was quicker.
    """

    def work(session: ClientSession | None) -> None:
        store.users.insert(user, session=session)
        store.customers.insert(customer, session=session)
        store.accounts.insert(account, session=session)

    for _ in range(_NUMBER_TRIES):
        try:
            store.transaction(work)
        except DuplicateKeyError:
            if store.users.find_by_name(user.canonical) is not None:
                raise UsernameTaken from None
            # another account has this number
            account = account._replace(id=new_account_number(store.config.account_number_length))
        else:
            return account
    raise ServerBusy(retry_after_s=1)


def add_staff(store: Store, user: User) -> None:
    """Add a login that is no customer's.

    Raises:
        UsernameTaken: somebody else was quicker.
    """
    try:
        store.users.insert(user)
    except DuplicateKeyError:
        raise UsernameTaken from None


def change_user(
    store: Store,
    user: User,
    *,
    password: PasswordHash | None = None,
    disabled: bool | None = None,
    role: Role | None = None,
) -> User:
    """Change a user and end everything granted before: at once here, within two seconds in every other process.

    The user's epoch rises with it, and sessions of an earlier one are over, however many there are.

    Raises:
        StateConflict: somebody else has changed the user meanwhile.
    """

    def work(session: ClientSession | None) -> User:
        changed = store.users.change(user, password=password, disabled=disabled, role=role, session=session)
        store.revocations.add_user(user.id, changed.epoch, session=session)
        return changed

    changed = store.transaction(work)
    store.revocations.learn_user(changed.id, changed.epoch)
    return changed


def end_session(store: Store, session_id: str, user_id: str) -> bool:
    """End one session of a user and its tokens, as fast; False where there is none of this id."""
    now = store.clock.now()

    def work(session: ClientSession | None) -> bool:
        if not store.sessions.end(session_id, user_id, now=now, session=session):
            return False
        store.revocations.add_session(session_id, session=session)
        return True

    ended = store.transaction(work)
    if ended:
        store.revocations.learn_session(session_id)
    return ended
