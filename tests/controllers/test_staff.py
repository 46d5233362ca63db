"""Making staff."""

from __future__ import annotations

from app.controllers.registration import create_staff
from app.domain.actor import Role
from app.domain.errors import UsernameTaken
from app.models.store import Store
from config import Config
from tests.factories.users import PASSWORD
from tests.parallel import at_once


def test_of_several_who_create_one_name_at_once_one_does(config: Config, store: Store) -> None:
    stores = [Store.open(config) for _ in range(4)]

    def create(number: int) -> bool:
        try:
            create_staff(stores[number], "betty", PASSWORD, Role.BANKER)
        except UsernameTaken:
            return False
        return True

    assert at_once(len(stores), create).count(True) == 1
    assert store.database["users"].count_documents({}) == 1
    for own in stores:
        own.close()
