"""What is sent, and how what wrk prints is read."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import pytest

from benchmarks import loads
from benchmarks.bank import ACCOUNTS_EACH, Bank
from benchmarks.load import Load, Outcome, lua_table, parse
from benchmarks.loads import Caller
from benchmarks.peers.tpcb import rate_of
from benchmarks.zipf import cumulative_weights

DRAINED = "DRAINED 800 0 0.000 0.000\n"
SUMMARY = "SUMMARY 864 864 0 0 0 6.500 40.250\n"
CALLER = Caller(
    "127.0.0.1:5000",
    Bank(["anna", "boris"], [f"{place:012d}" for place in range(2 * ACCOUNTS_EACH)]),
    ["token-anna", "token-boris"],
)


def read(output: str, *, is_open: bool = False) -> Outcome:
    return parse(output, seconds=4, is_open=is_open, cores={})


def requests_of(load: Load, *, target: str = "") -> list[str]:
    last = target + load.last if load.targets else ""
    return [f"{before}{behind}{last}" for before, behind in zip(load.before, load.behind, strict=True)]


def test_the_rate_counts_what_was_answered_in_time_and_all_that_was_answered_is_acknowledged() -> None:
    outcome = read(f"Running 34s test\n{DRAINED}{SUMMARY}")
    assert (outcome.rate, outcome.p50_ms, outcome.p99_ms) == (200, 6.5, 40.25)
    assert (outcome.acknowledged, outcome.unknown, outcome.errors) == (864, 0, 0)


def test_refusals_count_neither_for_the_rate_nor_as_acknowledged() -> None:
    outcome = read(DRAINED + "SUMMARY 864 864 60 0 0 6.500 40.250\n")
    assert (outcome.rate, outcome.acknowledged, outcome.unknown, outcome.errors) == (185, 804, 60, 60)


def test_what_was_sent_and_never_answered_is_of_unknown_outcome() -> None:
    outcome = read(DRAINED + "SUMMARY 866 864 0 2 0 6.500 40.250\n")
    assert (outcome.acknowledged, outcome.unknown, outcome.errors) == (864, 2, 2)


def test_a_load_that_was_not_answered_to_its_end_has_no_rate() -> None:
    outcome = read("SUMMARY 864 830 0 0 0 6.500 40.250\n")
    assert (outcome.rate, outcome.unknown) == (0, 34)


def test_an_open_load_tells_what_callers_waited_from_when_they_were_due() -> None:
    assert read("DRAINED 800 801 3.100 17.250\n" + SUMMARY, is_open=True).waits_ms == (3.1, 17.25)
    assert read(DRAINED + SUMMARY).waits_ms is None


def test_what_wrk_says_when_it_fails_is_told() -> None:
    with pytest.raises(RuntimeError, match="connection refused"):
        read("unable to connect: connection refused\n")


@pytest.mark.parametrize(
    "load",
    [
        loads.noop(CALLER),
        loads.deposit(CALLER)[0],
        loads.deposit(CALLER, is_hot=True)[0],
        loads.transfer(CALLER)[0],
        loads.login(CALLER.host, CALLER.bank),
    ],
    ids=["noop", "deposit", "hot", "transfer", "login"],
)
def test_each_request_is_as_long_as_it_says_and_its_body_is_json(load: Load) -> None:
    for text in requests_of(load, target="000000000039"):
        head, _, body = text.partition("\r\n\r\n")
        assert f"Content-Length: {len(body)}" in head.split("\r\n")
        assert json.loads(body)


def test_each_account_is_used_with_the_token_of_its_holder() -> None:
    for load in (loads.balance(CALLER), loads.deposit(CALLER)[0]):
        tokens = [re.search(r"Bearer (\S+)", text)[1] for text in requests_of(load)]  # type: ignore[index]
        assert tokens == ["token-anna"] * ACCOUNTS_EACH + ["token-boris"] * ACCOUNTS_EACH
    histories = requests_of(loads.history(CALLER))
    assert ["token-anna" in text for text in histories] == [True, False]


def test_no_two_loads_share_a_key() -> None:
    assert loads.deposit(CALLER)[0].key != loads.deposit(CALLER)[0].key


def test_a_load_is_a_lua_table_without_what_it_lacks() -> None:
    text = lua_table(Load(before=['GET / "x"\r\n'], behind=["\r\n"]), seconds=2, rate=None)
    assert 'before = {"GET / \\"x\\"\\r\\n"},' in text
    assert not re.search(r"^(key|targets|weights|only|rate) =", text, re.M)


def test_by_zipfs_law_the_second_is_paid_half_as_often_as_the_first_and_all_together_always() -> None:
    sums = cumulative_weights(1_000)
    chances = [sums[0], *(later - earlier for earlier, later in pairwise(sums))]
    assert sums[-1] == 1.0
    assert chances[0] / chances[1] == pytest.approx(2)
    assert chances[0] / chances[99] == pytest.approx(100)
    assert sums == sorted(sums)


def test_the_rate_of_pgbench_is_the_one_without_connecting() -> None:
    said = "initial connection time = 98.1 ms\ntps = 1625.447031 (without initial connection time)\n"
    assert rate_of(said) == 1625.447031
    with pytest.raises(ValueError, match="no rate"):
        rate_of("pgbench: error: connection to server failed")
