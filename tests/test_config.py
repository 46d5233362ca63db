"""Settings are checked as a whole, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from schwifty import IBAN

from app.domain.accounts import new_account_number
from app.models.ibans import Ibans
from config import Config, ConfigError
from tests.processes import PROJECT

_USABLE = {
    "FLASK_ENV": "production",
    "SECRET_KEY": "k" * 32,
    "PASSWORD_PEPPERS": f"1:{'p' * 32}",
    "MONGO_URI": "mongodb://user:password@db.example/?replicaSet=bank",
}


def problems_of(**settings: str) -> set[str]:
    with pytest.raises(ConfigError) as caught:
        Config.from_env(_USABLE | settings)
    return set(caught.value.problems)


@pytest.mark.security("S67")
def test_what_is_malformed_hides_nothing_that_is_missing_or_not_allowed() -> None:
    found = problems_of(PORT="many", SECRET_KEY="short", DEMO_DATA="true", PASSWORD_PEPPERS="none", MONGO_URI="")
    assert found == {"PORT", "SECRET_KEY", "DEMO_DATA", "PASSWORD_PEPPERS", "MONGO_URI"}


def test_of_an_environment_that_there_is_not_nothing_else_is_said() -> None:
    assert problems_of(FLASK_ENV="Production", SECRET_KEY="") == {"FLASK_ENV"}


@pytest.mark.parametrize(
    "peppers",
    [f"-1:{'p' * 32}", f"1:{'p' * 32},1:{'q' * 32}", f"9999999999:{'p' * 32}", f"١:{'p' * 32}", f"1_0:{'p' * 32}"],
)
def test_a_version_of_a_pepper_is_one_small_number_of_its_own(peppers: str) -> None:
    assert problems_of(PASSWORD_PEPPERS=peppers) == {"PASSWORD_PEPPERS"}


@pytest.mark.parametrize(
    "settings",
    [
        {"CLOCK_SKEW_SECONDS_MAX": "5"},
        {"SETTLING_SECONDS": "13"},
        {"SETTLING_SECONDS": "7", "CLOCK_SKEW_SECONDS_MAX": "1"},
    ],
)
def test_a_past_balance_is_not_told_before_two_clocks_that_are_as_wrong_as_may_be_have_passed_it(
    settings: dict[str, str],
) -> None:
    assert problems_of(**settings) == {"SETTLING_SECONDS"}


def test_several_peppers_are_read_by_version() -> None:
    peppers = f"1:{'p' * 32}, 2:{'q' * 31}:"
    assert Config.from_env(_USABLE | {"PASSWORD_PEPPERS": peppers}).password_peppers == {1: "p" * 32, 2: "q" * 31 + ":"}


@pytest.mark.security("S65")
@pytest.mark.parametrize(
    "origin",
    ["*", "null", "https://*.bank.example", "bank.example", "https://bank.example/", "https://user@bank.example",
     "https://bank.example/app", "HTTPS://BANK.EXAMPLE", "https://bank.example, *", "file://", "https://.*"],
)  # fmt: skip
def test_an_origin_is_one_and_never_a_pattern(origin: str) -> None:
    assert problems_of(CORS_ORIGINS=origin) == {"CORS_ORIGINS"}


def test_origins_are_read_one_by_one() -> None:
    config = Config.from_env(_USABLE | {"CORS_ORIGINS": "https://app.bank.example, http://localhost:3000"})
    assert config.cors_origins == ("https://app.bank.example", "http://localhost:3000")


def test_no_secret_is_shown_with_the_settings() -> None:
    shown = repr(Config.from_env(_USABLE | {"SECRET_KEY_FALLBACKS": "f" * 32}))
    for secret in ("k" * 32, "p" * 32, "f" * 32, "user:password"):
        assert secret not in shown


def test_the_database_can_not_be_given_more_time_than_an_answer_has() -> None:
    """An operation takes twice the setting at most, and every request is answered within six seconds."""
    assert problems_of(MONGO_TIMEOUT_MS="2501") == {"MONGO_TIMEOUT_MS"}
    assert Config.from_env(_USABLE | {"MONGO_TIMEOUT_MS": "2500"}).mongo_timeout_ms == 2_500


@pytest.mark.parametrize(
    ("name", "value"),
    [("BANK_TIMEZONE", "Mars/Base"), ("BANK_TIMEZONE", "localtime"), ("BANK_COUNTRY", "ZZ"), ("BANK_COUNTRY", "de")],
)
def test_a_place_that_is_not_on_the_map_is_refused_in_few_words(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_env({"FLASK_ENV": "testing", name: value})
    assert list(refused.value.problems) == [name]
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("country", "code", "number_length", "iban_length"),
    [("DE", "37040044", 10, 22), ("GB", "NWBK601613", 8, 22), ("NL", "ABNA", 10, 18)],
)
def test_a_country_and_a_bank_code_make_ibans_of_its_form(
    country: str, code: str, number_length: int, iban_length: int
) -> None:
    config = Config.from_env(_USABLE | {"BANK_COUNTRY": country, "BANK_CODE": code})
    assert config.account_number_length == number_length
    for _ in range(20):
        number = new_account_number(number_length)
        iban = IBAN(Ibans(config).of(number) or "")  # which checks it
        assert (iban.country_code, iban.bank_code + iban.branch_code, iban.account_code) == (country, code, number)
        assert len(str(iban)) == iban_length


@pytest.mark.parametrize(
    ("country", "code"),
    [("DE", "3704004"), ("DE", "370400441"), ("DE", "DEUTDEFF"), ("GB", "NWBK"), ("GB", "NWBK60161"), ("NL", "1234"),
     ("US", "021000021"), ("", "37040044"), ("DE", "37040 44"), ("NL", "abna")],
)  # fmt: skip
def test_a_bank_code_that_makes_no_iban_in_its_country_is_refused(country: str, code: str) -> None:
    assert problems_of(BANK_COUNTRY=country, BANK_CODE=code) == {"BANK_CODE"}


def test_files_are_looked_for_in_the_projects_folder_wherever_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("BANK_CURRENCY=EUR\n")
    for name, value in (_USABLE | {"DATA_DIR": "elsewhere"}).items():
        monkeypatch.setenv(name, value)
    assert Config.from_env().data_dir == PROJECT / "elsewhere"
    assert Config.from_env().bank_currency == "USD"
    assert Config.from_env(_USABLE).data_dir == PROJECT / "instance"
    assert Config.from_env(_USABLE | {"DATA_DIR": str(tmp_path)}).data_dir == tmp_path


def test_who_gave_no_environment_is_told_that_it_is_therefore_production() -> None:
    with pytest.raises(ConfigError) as ungiven:
        Config.from_env({})
    assert str(ungiven.value).splitlines()[-1] == (
        "FLASK_ENV is not set, so this is production; for development set FLASK_ENV=development."
    )
    for given in ({"FLASK_ENV": "production"}, {"FLASK_ENV": "Production"}):
        with pytest.raises(ConfigError) as refused:
            Config.from_env(given)
        assert "development set" not in str(refused.value)
