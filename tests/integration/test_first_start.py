"""What is decided at a bank's first start stays decided."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.controllers.registration import register
from app.models.startup import StoreNotUsable
from app.models.store import Store
from config import Config
from tests.factories.users import PASSWORD


def test_account_numbers_have_the_length_of_the_banks_country(config: Config, store: Store) -> None:
    store.database["bank"].delete_many({})
    german = Store.open(replace(config, bank_country="DE", account_number_length=10))
    german.prepare()
    assert len(register(german, "alice", PASSWORD).account.number) == 10
    german.close()


def test_the_length_of_account_numbers_is_fixed_at_the_first_start(config: Config, store: Store) -> None:
    changed = Store.open(replace(config, account_number_length=10))
    with pytest.raises(StoreNotUsable, match="begun with account numbers of 12 digits, and BANK_COUNTRY asks for 10"):
        changed.prepare()
    with pytest.raises(StoreNotUsable, match="begun with account numbers"):
        changed.check()
    changed.close()
    store.check()


@pytest.mark.parametrize(("country", "length"), [("DE", 10), ("GB", 8), ("FR", 11), ("US", 12), ("", 12)])
def test_the_country_decides_the_length(country: str, length: int) -> None:
    settings = {
        "FLASK_ENV": "testing",
        "BANK_COUNTRY": country,
        "SECRET_KEY": "k" * 32,
        "PASSWORD_PEPPERS": f"1:{'p' * 32}",
    }
    assert Config.from_env(settings).account_number_length == length
