"""Every error that a caller can meet: one class, one stable `code`, one HTTP status (RFC 9457 problem details).

`docs/errors.md` is rendered from this module. A code is never renamed or given another meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar


class BankError(Exception):
    """A named refusal. The class's docstring is its documentation; `detail` says what happened this time."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        retry_after_s: int | None = None,
        idempotency_key: str | None = None,
        ticket: str | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = {name: list(texts) for name, texts in errors.items()} if errors else None
        self.retry_after_s = retry_after_s
        self.idempotency_key = idempotency_key
        self.ticket = ticket


# ---- the request itself ----------------------------------------------------------------------------------------------


class BadRequest(BankError):
    """The request can't be understood: a wrong host name, a broken header or a broken path."""

    code, status, title = "bad_request", 400, "The request could not be understood."


class MalformedJson(BankError):
    """The body isn't one JSON object in UTF-8: syntax, duplicate names, NaN, too deep, or broken characters."""

    code, status, title = "malformed_json", 400, "The body is not valid JSON."


class MalformedCsv(BankError):
    """The file isn't CSV in UTF-8 (RFC 4180) with the header that is asked for."""

    code, status, title = "malformed_csv", 400, "The file is not valid CSV."


class IdempotencyKeyRequired(BankError):
    """This server asks for an `Idempotency-Key` header on every call that moves money (REQUIRE_IDEMPOTENCY_KEY)."""

    code, status, title = "idempotency_key_required", 400, "An Idempotency-Key header is required."


class MethodNotAllowed(BankError):
    """The path exists, but not for this method; `Allow` names those it has."""

    code, status, title = "method_not_allowed", 405, "This method is not allowed here."


class PayloadTooLarge(BankError):
    """The body is larger than the server takes (BODY_KIB_MAX; for a file of bulk payments BULK_MIB_MAX)."""

    code, status, title = "payload_too_large", 413, "The body is too large."


class UnsupportedMediaType(BankError):
    """The body must be sent as `Content-Type: application/json`."""

    code, status, title = "unsupported_media_type", 415, "Send the body as application/json."


class PreconditionRequired(BankError):
    """A change of this record must name the version it was made for: send the `ETag` you read as `If-Match`."""

    code, status, title = "precondition_required", 428, "Send the ETag of what you have read as If-Match."


class PreconditionFailed(BankError):
    """The record isn't the one that `If-Match` names: somebody has changed it. Read it again and decide anew."""

    code, status, title = "precondition_failed", 412, "Somebody has changed this meanwhile; read it again."


class ValidationFailed(BankError):
    """A field is missing, unknown, of the wrong shape or out of bounds; `errors` names each with its messages."""

    code, status, title = "validation_failed", 422, "Some fields are not valid."


# ---- who is asking ---------------------------------------------------------------------------------------------------


class NotAuthenticated(BankError):
    """No usable token came with the request: none at all, expired, ended, forged, or of the wrong type."""

    code, status, title = "not_authenticated", 401, "Log in and send the access token."


class InvalidCredentials(BankError):
    """The user name or the password is wrong; which of the two is never said."""

    code, status, title = "invalid_credentials", 401, "The user name or the password is wrong."


class MfaRequired(BankError):
    """The password is right, and the user has an authenticator: send its code with `ticket` to /auth/login/mfa."""

    code, status, title = "mfa_required", 401, "A code of your authenticator is needed, too."


class InvalidCode(BankError):
    """The one-time code or recovery code is wrong, was used before, or its time is over."""

    code, status, title = "invalid_code", 401, "The code is wrong, used or too old."


class CodeLocked(BankError):
    """Too many wrong one-time codes for this user; wait for `Retry-After` seconds, even with the right one."""

    code, status, title = "code_locked", 429, "Too many wrong codes; try again later."


class MfaEnrolmentRequired(BankError):
    """Staff need an authenticator on this server (REQUIRE_STAFF_MFA): enrol at /auth/mfa/enrol, then log in anew."""

    code, status, title = "mfa_enrolment_required", 403, "Enrol an authenticator, then log in anew."


class MfaNotEnrolled(BankError):
    """The caller, or the user whom this is about, has no authenticator; /auth/mfa/enrol begins with one."""

    code, status, title = "mfa_not_enrolled", 409, "You have not enrolled an authenticator."


class MfaAlreadyEnrolled(BankError):
    """The caller has an authenticator; it is to be disabled before another one is enrolled."""

    code, status, title = "mfa_already_enrolled", 409, "You have enrolled an authenticator already."


class Forbidden(BankError):
    """The caller's role may not use this address."""

    code, status, title = "forbidden", 403, "Your role may not do this."


class LoginLocked(BankError):
    """Too many wrong passwords for this user name; wait for `Retry-After` seconds, even with the right one."""

    code, status, title = "login_locked", 429, "Too many failed attempts; try again later."


class RateLimited(BankError):
    """Too many requests from this address, or of this kind by this customer; wait for `Retry-After` seconds."""

    code, status, title = "rate_limited", 429, "Too many requests; try again later."


class OwnAccess(BankError):
    """Nobody decides about their own access: another administrator has to."""

    code, status, title = "own_access", 403, "Another administrator has to do this for you."


class LastAdmin(BankError):
    """The bank keeps at least one administrator who may log in."""

    code, status, title = "last_admin", 409, "This is the last active administrator."


class UsernameTaken(BankError):
    """Another user has this name, or one that reads the same."""

    code, status, title = "username_taken", 409, "This user name is taken."


class InvitationNotValid(BankError):
    """The invitation code is unknown, used up, expired, or void because a newer one was made."""

    code, status, title = "invitation_not_valid", 409, "This invitation is not valid; ask the bank for a new one."


class ResetCodeNotValid(BankError):
    """The code is not this user's, was used, has expired, or is void because a newer one was made or access changed;
    which of these, or whether there is such a user, is never said."""

    code, status, title = "reset_code_not_valid", 400, "This code is not valid; ask the bank for a new one."


# ---- what is asked for -----------------------------------------------------------------------------------------------


class NotFound(BankError):
    """There is no such thing, or it isn't the caller's; the answer is the same for both."""

    code, status, title = "not_found", 404, "There is no such thing here."


class IdempotencyMismatch(BankError):
    """The key was used before for a different request; nothing was moved. Use a new key for a new request."""

    code, status, title = "idempotency_mismatch", 422, "This Idempotency-Key belongs to a different request."


class TimeNotSettled(BankError):
    """Postings may still reach this time, so what stood on the account then is not certain; `errors.at` names the
    latest time that can be asked for."""

    code, status, title = "time_not_settled", 422, "What happened until then is not settled yet."


class StepUpRequired(BankError):
    """This needs a fresh confirmation of exactly this by a one-time code; `detail` says how to come by one."""

    code, status, title = "step_up_required", 403, "Confirm this with a code of your authenticator."


class ConfirmationEnded(BankError):
    """The confirmation has been given, used or tried too often, or its time is over; ask for a new one."""

    code, status, title = "confirmation_ended", 409, "This confirmation has ended; ask for a new one."


class InsufficientFunds(BankError):
    """The amount is more than is available: balance, less holds and minimum balance, plus the agreed overdraft."""

    code, status, title = "insufficient_funds", 409, "The available balance is too low."


class AccountClosed(BankError):
    """The account is closed: it takes and gives no money."""

    code, status, title = "account_closed", 409, "The account is closed."


class AccountFrozen(BankError):
    """The account is frozen for this direction."""

    code, status, title = "account_frozen", 409, "The account is frozen."


class AccountDormant(BankError):
    """The account is dormant: it takes money in, and gives none until the bank has woken it up."""

    code, status, title = "account_dormant", 409, "The account is dormant."


class AccountNotEmpty(BankError):
    """An account closes at a balance of zero, or with an account named to which the rest goes."""

    code, status, title = "account_not_empty", 409, "The account is not empty."


class AccountHasHolds(BankError):
    """An account closes only when nothing is set aside on it."""

    code, status, title = "account_has_holds", 409, "The account has open holds."


class AccountNumberTaken(BankError):
    """There is an account of this number."""

    code, status, title = "account_number_taken", 409, "This account number is taken."


class CodeTaken(BankError):
    """There is a branch, or a product, of this code."""

    code, status, title = "code_taken", 409, "This code is taken."


class CustomerNotActive(BankError):
    """The customer is suspended, or no longer one: they get no further account."""

    code, status, title = "customer_not_active", 409, "The customer is not active."


class KycRequired(BankError):
    """The bank must know who the customer is before they open further accounts."""

    code, status, title = "kyc_required", 409, "The bank has to verify who you are first."


class KycIncomplete(BankError):
    """Whoever is verified has a full name and a date of birth on record; `errors` names what is missing."""

    code, status, title = "kyc_incomplete", 409, "The record does not say yet who the customer is."


class ProductNotAvailable(BankError):
    """There is no such product, it is offered no more, or customers can't open it by themselves."""

    code, status, title = "product_not_available", 409, "This product can't be opened."


class TooManyAccounts(BankError):
    """A customer holds as many open accounts as one may (ACCOUNTS_PER_CUSTOMER_MAX)."""

    code, status, title = "too_many_accounts", 409, "The customer has as many accounts as one may have."


class OverdraftNotAllowed(BankError):
    """The account's product allows no overdraft as high as that."""

    code, status, title = "overdraft_not_allowed", 409, "The account's product allows no such overdraft."


class TermsInUse(BankError):
    """The new overdraft limit or minimum balance would leave less than nothing available."""

    code, status, title = "terms_in_use", 409, "The account is using more than that."


class TransactionLimitExceeded(BankError):
    """The amount is more than one such transaction may take from this account."""

    code, status, title = "transaction_limit_exceeded", 409, "The amount is above the limit of one transaction."


class DailyLimitExceeded(BankError):
    """Together with what has left the account today (by the bank's calendar), the amount is above the day's limit."""

    code, status, title = "daily_limit_exceeded", 409, "The amount is above what is left of the day's limit."


class SameAccount(BankError):
    """Money can't be moved from an account to itself."""

    code, status, title = "same_account", 422, "The two accounts are the same."


class UnknownPayee(BankError):
    """There is no account of the number that the money is meant for."""

    code, status, title = "unknown_payee", 404, "There is no account of this number to pay to."


class PayeeUnavailable(BankError):
    """The account that the money is meant for takes none at present; why is between the bank and its holder."""

    code, status, title = "payee_unavailable", 409, "The payee's account can't take this payment."


class PayeeExists(BankError):
    """The customer has saved this account as a payee before."""

    code, status, title = "payee_exists", 409, "This payee is saved already."


class TooManyPayees(BankError):
    """The customer has saved as many payees as they may; remove one that is no longer needed."""

    code, status, title = "too_many_payees", 409, "There are too many saved payees."


class OwnAccount(BankError):
    """The customer holds this account themselves: money goes to it without it being saved as a payee."""

    code, status, title = "own_account", 422, "This is one of your own accounts."


class AccountBlocked(BankError):
    """A holder of the account is suspended: they move nothing, and nothing leaves the account. Others may pay in."""

    code, status, title = "account_blocked", 409, "The account is blocked."


class CurrencyMismatch(BankError):
    """The amount's currency isn't the account's."""

    code, status, title = "currency_mismatch", 422, "The currency does not match the account."


class FxRateUnavailable(BankError):
    """The bank has no exchange rate in force between these two currencies."""

    code, status, title = "fx_rate_unavailable", 409, "There is no exchange rate for these currencies."


class QuoteNotValid(BankError):
    """There is no such quote for this customer, these accounts and this amount; ask for a new one."""

    code, status, title = "quote_not_valid", 422, "This quote is not for this transfer."


class QuoteExpired(BankError):
    """The quote's 60 seconds are over; nothing was moved. Ask for a new one."""

    code, status, title = "quote_expired", 409, "The quote has expired."


class QuoteUsed(BankError):
    """The quote was used for another transfer; it is good once."""

    code, status, title = "quote_used", 409, "The quote has been used already."


class BalanceOutOfRange(BankError):
    """The balance would pass the largest that the ledger keeps exactly."""

    code, status, title = "balance_out_of_range", 409, "The balance would become too large."


class HoldEnded(BankError):
    """The hold has been captured, released or has expired; it ends once."""

    code, status, title = "hold_ended", 409, "The hold has ended."


class HoldExceeded(BankError):
    """A capture may take no more than what is left of the hold."""

    code, status, title = "hold_exceeded", 409, "The hold is smaller than that."


class HoldNotExpired(BankError):
    """A hold counts until its time of expiry has come."""

    code, status, title = "hold_not_expired", 409, "The hold has not expired yet."


class AlreadyReversed(BankError):
    """A transaction is reversed at most once."""

    code, status, title = "already_reversed", 409, "The transaction has been reversed already."


class NotReversible(BankError):
    """A reversal can't itself be reversed; post a new transaction instead."""

    code, status, title = "not_reversible", 409, "This transaction can't be reversed."


class MakerIsChecker(BankError):
    """Whoever asked for something can't decide about it, whatever their role: a second person does."""

    code, status, title = "maker_is_checker", 403, "A second person has to decide this."


class ApprovalDecided(BankError):
    """The approval has ended: it was executed, failed, rejected or has expired. It is decided once."""

    code, status, title = "approval_decided", 409, "This has been decided already."


class ApprovalExpired(BankError):
    """Nobody decided in time (APPROVAL_HOURS); ask for it anew."""

    code, status, title = "approval_expired", 409, "The approval has expired."


class ApprovalAltered(BankError):
    """What was asked for is not what the ledger recorded then: somebody changed it. It can't be executed."""

    code, status, title = "approval_altered", 409, "The approval was altered after it was asked for."


class StateConflict(BankError):
    """Something that this change relied on has changed meanwhile; read again and decide anew."""

    code, status, title = "state_conflict", 409, "The state has changed meanwhile."


# ---- the server's own troubles ---------------------------------------------------------------------------------------


class InternalError(BankError):
    """A fault of the server; `request_id` finds it in the log."""

    code, status, title = "internal_error", 500, "Something went wrong on our side."


class ServerBusy(BankError):
    """The server has as much work as it takes at once; nothing was done. Try again after `Retry-After` seconds."""

    code, status, title = "server_busy", 503, "The server is busy; nothing was done."


class AccountBusy(BankError):
    """Another writer held the account until the deadline; nothing was moved. Try again with the same key."""

    code, status, title = "account_busy", 503, "The account is busy; nothing was moved."


class DatabaseUnavailable(BankError):
    """The database can't be reached; liveness stays, and the service heals by itself. Try again."""

    code, status, title = "database_unavailable", 503, "The database is not available; try again."


class ClockWrong(BankError):
    """This server's clock differs from the database's by more than CLOCK_SKEW_SECONDS_MAX, so it dates no money until
    that is mended; reading goes on. Other servers may serve: try again with the same key."""

    code, status, title = "clock_wrong", 503, "This server's clock is wrong; nothing was moved."


class OutcomeUnknown(BankError):
    """The database went away before it said whether the money moved. Send the same request with the same key again:
    `idempotency_key` names it, also where the server had made it up."""

    code, status, title = "outcome_unknown", 503, "It is not known yet whether this happened; retry with the same key."


class PostingNotSupported(BankError):
    """Money moves on a replica set only: this server runs on an in-memory stand-in for tests."""

    code, status, title = "posting_not_supported", 503, "This database can't move money."


def all_errors() -> Iterator[type[BankError]]:
    """Yield every concrete error class, in the order of this file."""
    yield from BankError.__subclasses__()
