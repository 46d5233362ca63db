"""Transfers, limits and holds over HTTP, through two server processes at once, on a real database: nothing is lost,
nobody waits for ever, and what may happen so many times happens so many times.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.callers import Caller, log_in, new_caller, reconciled
from tests.live import LiveServer, serving
from tests.parallel import at_once
from tests.processes import processes_of, wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Two server processes on a database of their own, with a banker to log in as."""
    folder = tmp_path_factory.mktemp("payments")
    with serving(folder, FLASK_ENV="testing", WORKERS=2, DEMO_DATA="true") as live:
        yield live
        assert live.stop() == 0
    wait_until(lambda: not processes_of(folder))


@pytest.fixture(scope="module")
def banker(server: LiveServer) -> Caller:
    return log_in(server, "banker", server.demo_password("banker"))


def test_crossing_transfers_all_arrive_and_nothing_is_lost(server: LiveServer) -> None:
    alice, bob = (new_caller(server, balance="100.00") for _ in range(2))

    def send(number: int) -> list[int]:
        sender, other = (alice, bob) if number % 2 else (bob, alice)
        return [sender.send(other.number, amount).status_code for amount in ("1.00", "0.50", "0.25", "0.07", "0.01")]

    codes = Counter(code for codes in at_once(32, send) for code in codes)
    assert codes == {201: 160}
    assert (alice.balance(), bob.balance()) == (100, 100)
    assert reconciled(server).difference is None


def test_money_that_goes_round_in_chains_and_cycles_stays_as_much(server: LiveServer) -> None:
    ring = [new_caller(server, balance="20.00") for _ in range(6)]

    def pass_on(number: int) -> list[int]:
        chance = random.Random(number)
        codes = []
        for step in range(12):
            place = (number + step) % len(ring)
            other = ring[(place + chance.choice([1, 1, -1, 2])) % len(ring)]
            codes.append(ring[place].send(other.number, f"{chance.randint(1, 900) / 100:.2f}").status_code)
        return codes

    codes = {code for codes in at_once(24, pass_on) for code in codes}
    assert codes <= {201, 409}
    assert sum(person.balance() for person in ring) == 120
    assert all(person.balance() >= 0 for person in ring)
    assert reconciled(server).difference is None


def test_many_pay_one_at_once(server: LiveServer) -> None:
    shop = new_caller(server)
    crowd = [new_caller(server, balance="3.00") for _ in range(20)]
    codes = at_once(60, lambda number: crowd[number % 20].send(shop.number, "1.00").status_code)
    assert codes == [201] * 60
    assert shop.balance() == 60
    assert {person.balance() for person in crowd} == {0}
    assert reconciled(server).difference is None


@pytest.mark.security("S44")
@pytest.mark.usefixtures("one_day")
@pytest.mark.parametrize("kind", ["withdrawal", "transfer"])
def test_of_fifty_at_once_under_a_daily_limit_for_three_exactly_three_succeed(
    server: LiveServer, banker: Caller, kind: str
) -> None:
    alice, bob = new_caller(server, balance="1000.00"), new_caller(server)
    limited = banker.post(f"/banker/accounts/{alice.number}/limits", **{f"{kind}_daily": "30.00"})
    assert limited.status_code == 200, limited.text

    def take(_: int) -> str:
        answer = alice.send(bob.number, "10.00") if kind == "transfer" else alice.post("/withdraw", amount="10.00")
        return str(answer.json().get("code", "posted"))

    assert Counter(at_once(50, take)) == {"posted": 3, "daily_limit_exceeded": 47}
    assert alice.balance() == 970
    assert reconciled(server).difference is None


def test_of_fifty_who_would_end_a_hold_at_once_one_does(server: LiveServer, banker: Caller) -> None:
    alice = new_caller(server, balance="100.00")
    placed = banker.post(f"/banker/accounts/{alice.number}/holds", amount="40.00", type="card", reason="Hotel").json()

    def end(number: int) -> int:
        return banker.post(f"/banker/holds/{placed['id']}/{'release' if number % 2 else 'capture'}").status_code

    codes = Counter(at_once(50, end))
    hold = banker.get(f"/banker/holds/{placed['id']}")
    captured = hold["status"] == "captured"
    assert codes == {409: 49, (201 if captured else 200): 1}
    found = alice.get("/balance")
    assert (found["balance"], found["held"]) == ("60.00" if captured else "100.00", "0.00")
    assert hold["captured"] == ("40.00" if captured else "0.00")
    assert reconciled(server).difference is None


def test_parts_captured_at_once_take_exactly_what_was_held(server: LiveServer, banker: Caller) -> None:
    alice = new_caller(server, balance="100.00")
    placed = banker.post(f"/banker/accounts/{alice.number}/holds", amount="50.00", type="card", reason="Hotel").json()
    path = f"/banker/holds/{placed['id']}/capture"
    codes = Counter(at_once(50, lambda _: banker.post(path, amount="5.00").status_code))
    assert codes == {201: 10, 409: 40}
    assert (alice.balance(), alice.get("/balance")["available"]) == (50, "50.00")
    assert reconciled(server).difference is None
