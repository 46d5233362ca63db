"""A ledger as one would keep it on paper: nothing is stored that can be added up again, and nothing is clever.

It is the yardstick for the real rules, so it shares nothing with them but the intents it reads. Asked about an intent,
it names every reason there is to refuse it; the real rules stop at the first, whichever that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.domain.ledger.intents import (
    Block,
    CaptureHold,
    ChangeHolders,
    ChangeStatus,
    ChangeTerms,
    Close,
    ExpireHold,
    Intent,
    Open,
    PlaceHold,
    Post,
    ReleaseHold,
    Reverse,
)

Line = tuple[str, int]
REPLAYED = "replayed"
BOUNDS = {"withdrawal": ("withdrawal", "withdrawal_daily"), "transfer": ("transfer", "transfer_daily")}


@dataclass
class PaperAccount:
    holders: list[str]
    overdraft: int = 0
    minimum: int = 0
    limits: dict[str, int | None] = field(default_factory=dict)
    status: str = "active"
    suspended: set[str] = field(default_factory=set)


@dataclass
class PaperHold:
    account: str
    left: int
    expires_at: datetime | None
    taken: int = 0
    open: bool = True


@dataclass
class Done:
    """What became of an intent: the request it was, the account it was about, and the lines it wrote on which day."""

    fingerprint: str
    account: str
    lines: list[Line]
    day: str = ""
    kind: str = ""
    undoes: str | None = None


@dataclass
class NaiveLedger:
    """The bank's own accounts go by the names of the writers' stripes; whatever has a dash in its name is one."""

    accounts: dict[str, PaperAccount]
    done: dict[str, Done] = field(default_factory=dict)
    holds: dict[str, PaperHold] = field(default_factory=dict)
    today: str = ""
    stripe: int = 0

    def balance(self, account: str) -> int:
        return sum(amount for _, name, amount in self._lines() if name == account)

    def held(self, account: str) -> int:
        return sum(hold.left for hold in self.holds.values() if hold.open and hold.account == account)

    def available(self, account: str) -> int:
        terms = self.accounts[account]
        return self.balance(account) - self.held(account) + terms.overdraft - terms.minimum

    def last_day(self, account: str) -> str:
        """Return the day of the account's last line."""
        return max((done.day for done, name, _ in self._lines() if name == account), default="")

    def spent(self, account: str, kind: str, day: str) -> int:
        """Return what debits of a kind have taken from an account on a day."""
        return -sum(
            amount
            for done, name, amount in self._lines()
            if (done.kind, done.day, name) == (kind, day, account) and amount < 0
        )

    def take(self, intent: Intent, now: datetime, stripe: int) -> set[str]:
        """Do what an intent asks for and return an empty set; or change nothing and return what speaks against it."""
        self.today, self.stripe = now.date().isoformat(), stripe
        earlier = self.done.get(intent.id)
        if earlier is not None:
            return {REPLAYED if earlier.fingerprint == intent.fingerprint else "idempotency_mismatch"}
        match intent:
            case Post() | Reverse():
                return self._move(intent)
            case PlaceHold():
                return self._set_aside(intent, now)
            case CaptureHold():
                return self._capture(intent, now)
            case ReleaseHold() | ExpireHold():
                return self._let_go(intent, now)
            case Open():
                return self._open(intent)
            case Close():
                return self._close(intent)
            case ChangeStatus() | ChangeTerms() | ChangeHolders():
                return self._change(intent)
            case Block():
                return self._block(intent)
        raise AssertionError(intent)

    # ---- money -------------------------------------------------------------------------------------------------------

    def _move(self, intent: Post | Reverse) -> set[str]:
        if isinstance(intent, Reverse):
            return self._undo(intent)
        lines = [(self._name(leg.account_id), leg.amount) for leg in intent.legs]
        forced = intent.forced_by is not None
        return self._write(intent, intent.account_id, lines, forced=forced, kind=str(intent.type))

    def _write(
        self,
        intent: Intent,
        about: str,
        lines: list[Line],
        *,
        forced: bool,
        kind: str = "",
        undoes: str | None = None,
    ) -> set[str]:
        if self._is_foreign(intent, about) or any(
            self._is_foreign(intent, name) for name, amount in lines if amount < 0
        ):
            return {"not_found"}
        against = {reason for name, amount in lines for reason in self._closed_to(intent, name, amount)}
        for number, (name, amount) in enumerate(lines):
            if amount > 0 or name not in self.accounts:
                continue
            so_far = sum(earlier for other, earlier in lines[: number + 1] if other == name)
            if not forced and self.available(name) + so_far < 0:
                against.add("insufficient_funds")
            against |= self._limited(name, kind, -amount)
        if not against:
            self._note(intent, about, lines, kind=kind, undoes=undoes)
        return against

    def _limited(self, name: str, kind: str, amount: int) -> set[str]:
        if kind not in BOUNDS:
            return set()
        once, daily = (self.accounts[name].limits.get(bound) for bound in BOUNDS[kind])
        day = max(self.today, self.last_day(name))
        against = {"transaction_limit_exceeded"} if once is not None and amount > once else set()
        if daily is not None and self.spent(name, kind, day) + amount > daily:
            against.add("daily_limit_exceeded")
        return against

    def _undo(self, intent: Reverse) -> set[str]:
        original = self.done.get(intent.transaction_id)
        if original is None or self._is_foreign(intent, original.account):
            return {"not_found"}
        if original.undoes or not original.lines:
            return {"not_reversible"}
        if any(other.undoes == intent.transaction_id for other in self.done.values()):
            return {"already_reversed"}
        lines = [(self._name(name), -amount) for name, amount in original.lines[::-1]]
        forced = intent.forced_by is not None
        return self._write(intent, original.account, lines, forced=forced, undoes=intent.transaction_id)

    # ---- holds -------------------------------------------------------------------------------------------------------

    def _set_aside(self, intent: PlaceHold, now: datetime) -> set[str]:
        if self._is_foreign(intent, intent.account_id):
            return {"not_found"}
        against = self._closed_to(intent, intent.account_id, -1)
        if self.available(intent.account_id) < intent.amount:
            against.add("insufficient_funds")
        if intent.expires_at and intent.expires_at <= now:
            against.add("validation_failed")
        if not against:
            self.holds[intent.id] = PaperHold(intent.account_id, intent.amount, intent.expires_at)
            self._note(intent, intent.account_id)
        return against

    def _capture(self, intent: CaptureHold, now: datetime) -> set[str]:
        hold = self.holds.get(intent.hold_id)
        if hold is None or self._is_foreign(intent, hold.account):
            return {"not_found"}
        against = set() if hold.open else {"hold_ended"}
        if hold.expires_at and hold.expires_at <= now:
            against.add("hold_ended")
        taken = hold.left if intent.amount is None else intent.amount
        if taken > hold.left:
            against.add("hold_exceeded")
        lines = [(hold.account, -taken), (self._name(intent.to_account_id), taken)]
        for name, amount in lines:
            against |= self._closed_to(intent, name, amount)
        if not against:
            hold.left = 0 if intent.final else hold.left - taken
            hold.taken += taken
            hold.open = hold.left > 0
            self._note(intent, hold.account, lines)
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
        self._note(intent, hold.account)
        return set()

    # ---- accounts ----------------------------------------------------------------------------------------------------

    def _open(self, intent: Open) -> set[str]:
        new = intent.account
        if new.id in self.accounts:
            return {"account_number_taken"}
        if intent.customer_id is not None and intent.customer_id not in new.holders:
            return {"not_found"}
        self.accounts[new.id] = PaperAccount(list(new.holders))
        cash = self._name(f"cash-{new.currency}")
        lines = [(new.id, intent.opening_amount), (cash, -intent.opening_amount)] if intent.opening_amount else []
        self._note(intent, new.id, lines)
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
        if account.suspended:
            against.add("account_blocked")
        if self.held(name):
            against.add("account_has_holds")
        if rest and (target is None or rest < 0):
            against.add("account_not_empty")
        lines = [(name, -rest), (target, rest)] if rest and target else []
        if rest and target == name:
            against.add("same_account")
        against |= self._against_emptying(intent, lines)
        if not against:
            account.status = "closed"
            self._note(intent, name, lines, kind=_kind_of(intent))
        return against

    def _against_emptying(self, intent: Close, lines: list[Line]) -> set[str]:
        against = {reason for name, amount in lines for reason in self._closed_to(intent, name, amount)}
        return against | {
            reason for name, amount in lines[:1] for reason in self._limited(name, _kind_of(intent), -amount)
        }

    def _change(self, intent: ChangeStatus | ChangeTerms | ChangeHolders) -> set[str]:
        if self._is_foreign(intent, intent.account_id):
            return {"not_found"}
        account = self.accounts[intent.account_id]
        if account.status == "closed":
            return {"account_closed"}
        match intent:
            case ChangeStatus():
                against = self._change_status(account, str(intent.status))
            case ChangeTerms():
                against = self._change_terms(account, intent)
            case ChangeHolders():
                against = self._change_holders(account, intent)
        if not against:
            self._note(intent, intent.account_id)
        return against

    def _change_status(self, account: PaperAccount, status: str) -> set[str]:
        if account.status == status:
            return {"state_conflict"}
        account.status = status
        return set()

    def _change_terms(self, account: PaperAccount, intent: ChangeTerms) -> set[str]:
        overdraft = account.overdraft if intent.overdraft_limit is None else intent.overdraft_limit
        minimum = account.minimum if intent.minimum_balance is None else intent.minimum_balance
        before = self.available(intent.account_id)
        after = before + (overdraft - account.overdraft) - (minimum - account.minimum)
        if after < 0 and after < before:
            return {"terms_in_use"}
        account.overdraft, account.minimum = overdraft, minimum
        if intent.limits is not None:
            account.limits = intent.limits._asdict()
        return set()

    def _change_holders(self, account: PaperAccount, intent: ChangeHolders) -> set[str]:
        joining = [customer for customer, _ in intent.add]
        staying = [customer for customer in account.holders if customer not in intent.remove]
        left = [customer for customer in intent.remove if customer in account.holders]
        if len(left) < len(intent.remove) or set(left) & account.suspended or set(joining) & set(account.holders):
            return {"state_conflict"}
        if not staying + joining:
            return {"state_conflict"}
        account.holders = staying + joining
        return set()

    def _block(self, intent: Block) -> set[str]:
        if any(name not in self.accounts for name in intent.account_ids):
            return {"not_found", "state_conflict"}
        if any(intent.holder not in self.accounts[name].holders for name in intent.account_ids):
            return {"state_conflict"}
        for name in intent.account_ids:
            suspended = self.accounts[name].suspended
            (suspended.add if intent.blocked else suspended.discard)(intent.holder)
        self._note(intent, intent.account_ids[0])
        return set()

    # ---- what all of them ask and write ------------------------------------------------------------------------------

    def _note(
        self, intent: Intent, about: str, lines: list[Line] | None = None, *, kind: str = "", undoes: str | None = None
    ) -> None:
        day = max([self.today, *(self.last_day(name) for name, _ in lines or [])])
        self.done[intent.id] = Done(intent.fingerprint, about, lines or [], day, kind, undoes)

    def _lines(self) -> list[tuple[Done, str, int]]:
        return [(done, name, amount) for done in self.done.values() for name, amount in done.lines]

    def _name(self, account: str) -> str:
        """Name the stripe that is meant by one of the bank's own accounts; a customer's number is its name."""
        return f"{account.partition('#')[0]}#{self.stripe:02d}" if "-" in account else account

    def _is_foreign(self, intent: Intent, name: str) -> bool:
        if "-" in name:
            return False  # the bank's own
        return name not in self.accounts or intent.customer_id not in (None, *self.accounts[name].holders)

    def _closed_to(self, intent: Intent, name: str, amount: int) -> set[str]:
        if "-" in name:
            return set()
        account = self.accounts.get(name)
        if account is None:
            return {"not_found"}
        against = set()
        is_known = intent.customer_id in (None, *account.holders)
        if account.status == "closed":
            against.add("account_closed")
        if account.status == "frozen" or (account.status == "frozen_debits" and amount < 0):
            against.add("account_frozen" if is_known else "payee_unavailable")
        if account.status == "dormant" and amount < 0:
            against.add("account_dormant")
        if account.suspended and (amount < 0 or intent.customer_id in account.holders):
            against.add("account_blocked")
        return against


def _kind_of(closing: Close) -> str:
    """Return what a customer's closing counts as: a transfer."""
    return "transfer" if closing.customer_id is not None else ""
