"""The loads by name: which requests each sends to the bank, and what it claims to have moved."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex

from benchmarks.bank import ACCOUNTS_EACH, LINES_MIN, PASSWORD, Bank
from benchmarks.load import Load
from benchmarks.sums import Kind
from benchmarks.zipf import cumulative_weights

HELLO = "hello"
BARE = "bare WSGI"
NOOP = "authenticated no-op"
BALANCE = "GET /balance"
HISTORY = f"GET /transactions, {LINES_MIN} lines"
DEPOSIT = "POST /deposit, spread"
DEPOSIT_HOT = "POST /deposit, one account"
TRANSFER = "POST /transfers, spread"
TRANSFER_ZIPF = "POST /transfers, Zipf 1.0"
TRANSFER_HOT = "POST /transfers, to one account"
BULK = "bulk, lines of files"
LOGIN = "POST /auth/login"

HOT = 1
"""Which account is the hot one, counted from 1."""
LOGIN_CONNECTIONS = 16
"""So many wait for their password to be hashed; of more than the bank lets wait it refuses some at once."""
_DEPOSIT = ("1.00", 100)
_TRANSFER = ("0.01", 1)


@dataclass(frozen=True, slots=True)
class Money:
    """What one acknowledged request of a load moves."""

    kind: Kind
    amount_minor: int
    is_hot: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """The bank as its customers know it: where it is, and the token of the holder of each account."""

    host: str
    bank: Bank
    tokens: Sequence[str]

    def token_of(self, place: int) -> str:
        return self.tokens[place // ACCOUNTS_EACH]


def hello(host: str) -> Load:
    return Load(before=[_head("GET", "/", host)], behind=["\r\n"])


def noop(caller: Caller) -> Load:
    """Send the body of a deposit."""
    bodies = [json.dumps({"amount": _DEPOSIT[0], "account": number}) for number in caller.bank.numbers]
    return _posts(caller, "/noop", bodies)


def balance(caller: Caller) -> Load:
    paths = [f"/balance?account={number}" for number in caller.bank.numbers]
    return _gets(caller, paths, range(len(paths)))


def history(caller: Caller) -> Load:
    paths = [f"/transactions?account={number}&limit={LINES_MIN}" for number in caller.bank.firsts]
    return _gets(caller, paths, range(0, len(caller.bank.numbers), ACCOUNTS_EACH))


def deposit(caller: Caller, *, is_hot: bool = False) -> tuple[Load, Money]:
    chosen = caller.bank.numbers[HOT - 1 : HOT] if is_hot else caller.bank.numbers
    bodies = [json.dumps({"amount": _DEPOSIT[0], "account": number}) for number in chosen]
    return _posts(caller, "/deposit", bodies, key=_fresh_key()), Money(Kind.DEPOSIT, _DEPOSIT[1], is_hot)


def transfer(caller: Caller, *, is_hot: bool = False, is_zipf: bool = False) -> tuple[Load, Money]:
    """Pay from any account to one of another customer: any, the few that many pay, or always the same."""
    numbers = caller.bank.numbers
    last = '"}'
    bodies = [f'{{"amount":"{_TRANSFER[0]}","from":"{number}","to":"' for number in numbers]
    load = _posts(
        caller,
        "/transfers",
        bodies,
        key=_fresh_key(),
        targets=numbers,
        last=last,
        weights=cumulative_weights(len(numbers)) if is_zipf else None,
        only=HOT if is_hot else None,
    )
    return load, Money(Kind.TRANSFER, _TRANSFER[1], is_hot)


def login(host: str, bank: Bank) -> Load:
    bodies = [json.dumps({"username": username, "password": PASSWORD}) for username in bank.usernames]
    before = [_head("POST", "/auth/login", host) + _json_headers(len(body)) for body in bodies]
    return Load(before=before, behind=[f"\r\n{body}" for body in bodies], connections=LOGIN_CONNECTIONS)


def _gets(caller: Caller, paths: Sequence[str], places: Sequence[int]) -> Load:
    before = [
        _head("GET", path, caller.host, token=caller.token_of(place)) for path, place in zip(paths, places, strict=True)
    ]
    return Load(before=before, behind=["\r\n"] * len(before))


def _posts(
    caller: Caller,
    path: str,
    bodies: Sequence[str],
    *,
    key: str | None = None,
    targets: Sequence[str] | None = None,
    last: str = "",
    weights: Sequence[float] | None = None,
    only: int | None = None,
) -> Load:
    rest = len(last) + (len(targets[0]) if targets else 0)  # all account numbers of a bank have one length
    before = [
        _head("POST", path, caller.host, token=caller.token_of(place)) + _json_headers(len(body) + rest)
        for place, body in enumerate(bodies)
    ]
    return Load(
        before=before,
        behind=[f"\r\n{body}" for body in bodies],
        key=key,
        targets=targets,
        last=last,
        weights=weights,
        only=only,
        accounts_each=ACCOUNTS_EACH,
    )


def _head(method: str, path: str, host: str, *, token: str | None = None) -> str:
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    return head + f"Authorization: Bearer {token}\r\n" if token else head


def _json_headers(length: int) -> str:
    return f"Content-Type: application/json\r\nContent-Length: {length}\r\n"


def _fresh_key() -> str:
    return f"{token_hex(6)}-"
