"""That the bank is never without an administrator."""

from __future__ import annotations

from pymongo.client_session import ClientSession
from pymongo.database import Database

from app.domain.actor import Role
from app.domain.errors import LastAdmin
from app.models.collection import Document
from app.models.journal import COUNTERS
from app.models.users import SPEC

_CHANGES = "admin_changes"


class Admins:
    """Counts changes that end an administrator on one document: of two at the same moment one sees the other's."""

    def __init__(self, database: Database[Document]) -> None:
        self._users = database[SPEC.name]
        self._counters = database[COUNTERS.name]

    def require_another(self, user_id: str, *, session: ClientSession | None) -> None:
        """Make sure that an administrator besides this one may log in, until the transaction is over.

        Raises:
            LastAdmin: there is none.
        """
        self._counters.update_one({"_id": _CHANGES}, {"$inc": {"n": 1}}, upsert=True, session=session)
        another = {"role": str(Role.ADMIN), "disabled": False, "_id": {"$ne": user_id}}
        if self._users.find_one(another, {"_id": 1}, session=session) is None:
            raise LastAdmin
