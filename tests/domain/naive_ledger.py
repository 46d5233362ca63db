"""A ledger as one would keep it on paper: nothing is stored that can be added up again, and nothing is clever.

It is the yardstick for the real rules, so it shares nothing with them but the intents it reads. Asked about an intent,
it names every reason there is to refuse it; the real rules stop at the first, whichever that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.domain.ledger.intents import (
    CaptureHold,
    ChangeStatus,
    Close,
    ExpireHold,
    Intent,
    PlaceHold,
    Post,
    ReleaseHold,
    Reverse,
)

Line = tuple[str, int]
REPLAYED = "replayed"


@dataclass
class PaperAccount:
    owner: str
    overdraft: int = 0
    status: str = "active"
    blocked: bool = False


@dataclass
class PaperHold:
    account: str
    left: int
    expires_at: datetime | None
    open: bool = True


@dataclass
class Done:
    """What became of an intent: the request it was, the account it was about, and the lines it wrote."""

    fingerprint: str
    account: str
    lines: list[Line]
    undoes: str | None = None


@dataclass
class NaiveLedger:
    accounts: dict[str, PaperAccount]
    done: dict[str, Done] = field(default_factory=dict)
    holds: dict[str, PaperHold] = field(default_factory=dict)

    def balance(self, account: str) -> int:
        return sum(amount for each in self.done.values() for name, amount in each.lines if name == account)

    def held(self, account: str) -> int:
        return sum(hold.left for hold in self.holds.values() if hold.open and hold.account == account)

    def available(self, account: str) -> int:
        return self.balance(account) - self.held(account) + self.accounts[account].overdraft

    def take(self, intent: Intent, now: datetime) -> set[str]:
        """Do what an intent asks for and return an empty set; or change nothing and return what speaks against it."""
        earlier = self.done.get(intent.id)
        if earlier is not None:
            return {REPLAYED if earlier.fingerprint == intent.fingerprint else "idempotency_mismatch"}
        match intent:
            case Post():
                lines = [(leg.account_id, leg.amount) for leg in intent.legs]
                return self._write(intent, intent.account_id, lines, forced=intent.forced_by is not None)
            case Reverse():
                return self._undo(intent)
            case PlaceHold():
                return self._set_aside(intent)
            case CaptureHold():
                return self._capture(intent, now)
            case ReleaseHold() | ExpireHold():
                return self._let_go(intent, now)
            case ChangeStatus():
                return self._change_status(intent)
            case Close():
                return self._close(intent)
        raise AssertionError(intent)

    def _write(
        self, intent: Intent, about: str, lines: list[Line], *, forced: bool, undoes: str | None = None
    ) -> set[str]:
        if self._is_foreign(intent, about) or any(
            self._is_foreign(intent, name) for name, amount in lines if amount < 0
        ):
            return {"not_found"}
        against = {reason for name, amount in lines for reason in self._closed_to(intent, name, amount)}
        for number, (name, amount) in enumerate(lines):
            so_far = sum(earlier for other, earlier in lines[: number + 1] if other == name)
            if amount < 0 and not forced and name in self.accounts and self.available(name) + so_far < 0:
                against.add("insufficient_funds")
        if not against:
            self.done[intent.id] = Done(intent.fingerprint, about, lines, undoes)
        return against

    def _undo(self, intent: Reverse) -> set[str]:
        original = self.done.get(intent.transaction_id)
        if original is None or self._is_foreign(intent, original.account):
            return {"not_found"}
        if original.undoes or not original.lines:
            return {"not_reversible"}
        if any(other.undoes == intent.transaction_id for other in self.done.values()):
            return {"already_reversed"}
        lines = [(name, -amount) for name, amount in original.lines[::-1]]
        forced = intent.forced_by is not None
        return self._write(intent, original.account, lines, forced=forced, undoes=intent.transaction_id)

    def _set_aside(self, intent: PlaceHold) -> set[str]:
        if self._is_foreign(intent, intent.account_id):
            return {"not_found"}
        against = self._closed_to(intent, intent.account_id, -1)
        if self.available(intent.account_id) < intent.amount:
            against.add("insufficient_funds")
        if not against:
            self.holds[intent.id] = PaperHold(intent.account_id, intent.amount, intent.expires_at)
            self.done[intent.id] = Done(intent.fingerprint, intent.account_id, [])
        return against

    def _capture(self, intent: CaptureHold, now: datetime) -> set[str]:
        hold = self.holds.get(intent.hold_id)
        if hold is None or self._is_foreign(intent, hold.account):
            return {"not_found"}
        against = set() if hold.open else {"hold_ended"}
        if hold.expires_at and hold.expires_at <= now:
            against.add("hold_ended")
        if intent.amount > hold.left:
            against.add("hold_exceeded")
        lines = [(hold.account, -intent.amount), (intent.to_account_id, intent.amount)]
        for name, amount in lines:
            against |= self._closed_to(intent, name, amount)
        if not against:
            hold.left = 0 if intent.final else hold.left - intent.amount
            hold.open = hold.left > 0
            self.done[intent.id] = Done(intent.fingerprint, hold.account, lines)
        return against

    def _let_go(self, intent: ReleaseHold | ExpireHold, now: datetime) -> set[str]:
        hold = self.holds.get(intent.hold_id)
        if hold is None or self._is_foreign(intent, hold.account):
            return {"not_found"}
        if not hold.open:
            return {"hold_ended"}
        if isinstance(intent, ExpireHold) and (hold.expires_at is None or hold.expires_at > now):
            return {"hold_not_expired"}
        hold.open, hold.left = False, 0
        self.done[intent.id] = Done(intent.fingerprint, hold.account, [])
        return set()

    def _change_status(self, intent: ChangeStatus) -> set[str]:
        name = intent.account_id
        if self._is_foreign(intent, name):
            return {"not_found"}
        if self.accounts[name].status == "closed":
            return {"account_closed"}
        if self.accounts[name].status == intent.status:
            return {"state_conflict"}
        self.accounts[name].status = str(intent.status)
        self.done[intent.id] = Done(intent.fingerprint, name, [])
        return set()

    def _close(self, intent: Close) -> set[str]:
        name, target = intent.account_id, intent.transfer_to
        if self._is_foreign(intent, name):
            return {"not_found"}
        account, rest = self.accounts[name], self.balance(name)
        against = set()
        if account.status == "closed":
            against.add("account_closed")
        if account.status.startswith("frozen"):
            against.add("account_frozen")
        if account.blocked:
            against.add("account_blocked")
        if self.held(name):
            against.add("account_has_holds")
        if rest and (target is None or rest < 0):
            against.add("account_not_empty")
        lines = [(name, -rest), (target, rest)] if rest and target else []
        if rest and target == name:
            against.add("same_account")
        for each, amount in lines:
            against |= self._closed_to(intent, each, amount)
        if not against:
            account.status = "closed"
            self.done[intent.id] = Done(intent.fingerprint, name, lines)
        return against

    def _is_foreign(self, intent: Intent, name: str) -> bool:
        if name not in self.accounts:
            return False  # the bank's own
        return intent.customer_id not in (None, self.accounts[name].owner)

    def _closed_to(self, intent: Intent, name: str, amount: int) -> set[str]:
        account = self.accounts.get(name)
        if account is None:
            return set()
        against = set()
        if account.status == "closed":
            against.add("account_closed")
        if account.status == "frozen" or (account.status == "frozen_debits" and amount < 0):
            against.add("account_frozen")
        if account.status == "dormant" and amount < 0:
            against.add("account_dormant")
        if account.blocked and (amount < 0 or intent.customer_id == account.owner):
            against.add("account_blocked")
        return against
