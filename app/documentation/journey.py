"""The journey of the Postman collection: what a customer and a banker do, and what the bank must answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request. `before`, `checks` (claim: check) and `keeps` (variable: value) are JavaScript of Postman's.

    `bearer` names the variable that holds the token to send; None sends none.
    """

    name: str
    method: str = "GET"
    path: str
    body: Mapping[str, Any] | None = None
    key: str | None = None
    bearer: str | None = "accessToken"
    status: int = 200
    before: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)


def _is(path: str, value: str) -> str:
    return f"pm.expect(body.{path}).to.eql({value});"


def _refused(code: str) -> dict[str, str]:
    return {f"the code is {code}": _is("code", f'"{code}"')}


_NEW_USER = (
    'pm.collectionVariables.set("username", "pm" + Date.now().toString(36) + Math.floor(Math.random() * 1e6));',
    'pm.collectionVariables.set("password", pm.variables.replaceIn("{{$guid}}"));',
)
_CREDENTIALS = {"username": "{{username}}", "password": "{{password}}"}
_TOKENS = {"accessToken": "body.access_token", "refreshToken": "body.refresh_token"}
_NEW_KEY = ('pm.collectionVariables.set("depositKey", pm.variables.replaceIn("{{$guid}}"));',)
_NEW_PAYEE = (
    'pm.collectionVariables.set("payeeName", "payee" + Date.now().toString(36) + Math.floor(Math.random() * 1e6));',
    'pm.collectionVariables.set("transferKey", pm.variables.replaceIn("{{$guid}}"));',
)
_UNLESS_BANKER = ('if (!pm.variables.get("bankerPassword")) { pm.execution.skipRequest(); }',)
_UNLESS_CHECKER = (
    'if (!pm.variables.get("bankerPassword") || !pm.variables.get("adminPassword")) { pm.execution.skipRequest(); }',
)

CUSTOMER = (
    Step(
        name="The bank is there",
        path="/health",
        bearer=None,
        checks={"the database is up": _is("database", '"up"')},
    ),
    Step(
        name="A password that is easy to guess is refused",
        method="POST",
        path="/auth/register",
        bearer=None,
        before=_NEW_USER,
        body={"username": "{{username}}", "password": "password123"},
        status=422,
        checks={"the password is named": 'pm.expect(body.errors).to.have.property("password");'},
    ),
    Step(
        name="Register",
        method="POST",
        path="/auth/register",
        bearer=None,
        body={**_CREDENTIALS, "full_name": "Postman Pat"},
        status=201,
        checks={
            "it is a customer": _is("user.role", '"customer"'),
            "the first account is empty": _is("account.balance", '"0.00"'),
        },
        keeps={"account": "body.account.number"},
    ),
    Step(
        name="The name is taken now",
        method="POST",
        path="/auth/register",
        bearer=None,
        body=_CREDENTIALS,
        status=409,
        checks=_refused("username_taken"),
    ),
    Step(
        name="A wrong password is refused",
        method="POST",
        path="/auth/login",
        bearer=None,
        body={"username": "{{username}}", "password": "not this one"},
        status=401,
        checks=_refused("invalid_credentials"),
    ),
    Step(
        name="Log in",
        method="POST",
        path="/auth/login",
        bearer=None,
        body=_CREDENTIALS,
        checks={"it is a bearer token": _is("token_type", '"Bearer"')},
        keeps=_TOKENS,
    ),
    Step(
        name="Who am I?",
        path="/auth/me",
        checks={"it is the new user": _is("username", 'pm.variables.get("username")')},
    ),
    Step(name="The balance is nothing yet", path="/balance", checks={"0.00": _is("balance", '"0.00"')}),
    Step(
        name="Deposit 100.00",
        method="POST",
        path="/deposit",
        before=_NEW_KEY,
        body={"amount": "100.00", "description": "Salary"},
        key="{{depositKey}}",
        status=201,
        checks={
            "the balance after it is 100.00": _is("balance_after", '"100.00"'),
            "it is no replay": 'pm.expect(pm.response.headers.has("Idempotent-Replayed")).to.be.false;',
        },
        keeps={"depositId": "body.id", "transactionId": "body.transaction_id"},
    ),
    Step(
        name="The same deposit again, with its key, moves nothing",
        method="POST",
        path="/deposit",
        body={"amount": "100.00", "description": "Salary"},
        key="{{depositKey}}",
        status=201,
        checks={
            "it is the first answer": _is("id", 'pm.variables.get("depositId")'),
            "it is marked as a replay": 'pm.expect(pm.response.headers.get("Idempotent-Replayed")).to.eql("true");',
        },
    ),
    Step(
        name="The key belongs to that deposit alone",
        method="POST",
        path="/deposit",
        body={"amount": "100.01", "description": "Salary"},
        key="{{depositKey}}",
        status=422,
        checks=_refused("idempotency_mismatch"),
    ),
    Step(
        name="Withdraw 30.25, as a number",
        method="POST",
        path="/withdraw",
        body={"amount": 30.25},  # float-money: JSON as people write it, read without a float
        status=201,
        checks={
            "the balance after it is 69.75": _is("balance_after", '"69.75"'),
            "it is a debit": _is("direction", '"debit"'),
        },
    ),
    Step(
        name="More than there is can't be withdrawn",
        method="POST",
        path="/withdraw",
        body={"amount": "69.76"},
        status=409,
        checks=_refused("insufficient_funds"),
    ),
    Step(
        name="Half a cent is no amount",
        method="POST",
        path="/deposit",
        body={"amount": "0.005"},
        status=422,
        checks={"the amount is named": 'pm.expect(body.errors).to.have.property("amount");'},
    ),
    Step(
        name="The balance is exact",
        path="/balance?account={{account}}",
        checks={"69.75": _is("balance", '"69.75"'), "all of it is available": _is("available", '"69.75"')},
    ),
    Step(
        name="The newest page of the history",
        path="/transactions?limit=1",
        checks={"the withdrawal comes first": _is("items[0].type", '"withdrawal"')},
        keeps={"cursor": "body.next_cursor"},
    ),
    Step(
        name="And the page after it",
        path="/transactions?limit=1&cursor={{cursor}}",
        checks={"the deposit comes next": _is("items[0].id", 'pm.variables.get("depositId")')},
    ),
    Step(
        name="What did that key do?",
        path="/transactions?idempotency_key={{depositKey}}",
        checks={
            "one thing": _is("items.length", "1"),
            "the deposit": _is("items[0].id", 'pm.variables.get("depositId")'),
        },
    ),
    Step(
        name="One line of the history",
        path="/transactions/{{depositId}}",
        checks={"its amount": _is("amount", '"100.00"')},
    ),
    Step(
        name="Somebody to pay registers",
        method="POST",
        path="/auth/register",
        bearer=None,
        before=_NEW_PAYEE,
        body={"username": "{{payeeName}}", "password": "{{password}}", "full_name": "Paula Payee"},
        status=201,
        keeps={"payeeAccount": "body.account.number"},
    ),
    Step(
        name="Whose account is that?",
        path="/payees/check?account={{payeeAccount}}",
        checks={"the name is masked": _is("name", '"P*** P***"')},
    ),
    Step(
        name="Send them 20.00",
        method="POST",
        path="/transfers",
        body={"to": "{{payeeAccount}}", "amount": "20.00", "description": "Dinner", "reference": "D-1"},
        key="{{transferKey}}",
        status=201,
        checks={
            "the balance after it is 49.75": _is("balance_after", '"49.75"'),
            "it says who got it": _is("counterparty.name", '"P*** P***"'),
        },
        keeps={"transferId": "body.transaction_id"},
    ),
    Step(
        name="Money can't be sent to the account it comes from",
        method="POST",
        path="/transfers",
        body={"to": "{{account}}", "amount": "1"},
        status=422,
        checks=_refused("same_account"),
    ),
    Step(name="A customer is no banker", path="/banker/accounts", status=403, checks=_refused("forbidden")),
)

BANKER = (
    Step(
        name="Log in as a banker",
        method="POST",
        path="/auth/login",
        bearer=None,
        before=_UNLESS_BANKER,
        body={"username": "{{bankerUsername}}", "password": "{{bankerPassword}}"},
        keeps={"bankerToken": "body.access_token"},
    ),
    Step(
        name="Look at the customer's account",
        path="/banker/accounts/{{account}}",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        checks={"its holder is named": _is("holders[0].username", 'pm.variables.get("username")')},
    ),
    Step(
        name="List accounts",
        path="/banker/accounts?limit=5&type=checking",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        checks={"there are some": "pm.expect(body.items).to.not.be.empty;"},
    ),
    Step(
        name="Take 25 in at the counter",
        method="POST",
        path="/banker/accounts/{{account}}/deposit",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={"amount": 25, "description": "At the counter"},
        status=201,
        checks={"the balance after it is 74.75": _is("balance_after", '"74.75"')},
    ),
    Step(
        name="Set 30 aside",
        method="POST",
        path="/banker/accounts/{{account}}/holds",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={"amount": "30", "type": "card", "reason": "Hotel"},
        status=201,
        checks={"it is open": _is("status", '"open"')},
        keeps={"holdId": "body.id"},
    ),
    Step(
        name="The balance stays, what is available falls",
        path="/banker/accounts/{{account}}",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        checks={"74.75": _is("balance", '"74.75"'), "44.75": _is("available", '"44.75"')},
    ),
    Step(
        name="Take 10 of it",
        method="POST",
        path="/banker/holds/{{holdId}}/capture",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={"amount": "10"},
        status=201,
        checks={"the balance after it is 64.75": _is("balance_after", '"64.75"')},
    ),
    Step(
        name="Release the rest",
        method="POST",
        path="/banker/holds/{{holdId}}/release",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={"reason": "Checked out"},
        checks={"it has ended": _is("status", '"released"')},
    ),
    Step(
        name="A hold ends once",
        method="POST",
        path="/banker/holds/{{holdId}}/capture",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={"amount": "1"},
        status=409,
        checks=_refused("hold_ended"),
    ),
    Step(
        name="Pay 64.75 out at the counter",
        method="POST",
        path="/banker/accounts/{{account}}/withdraw",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={"amount": "64.75"},
        status=201,
        checks={"nothing is left": _is("balance_after", '"0.00"')},
    ),
    Step(
        name="The account's history",
        path="/banker/transactions?account={{account}}",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        checks={
            "six movements": _is("items.length", "6"),
            "each names its customer": _is("items[0].customer.username", 'pm.variables.get("username")'),
        },
    ),
    Step(
        name="Both sides of the first deposit",
        path="/banker/transactions/{{transactionId}}",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        checks={"two legs": _is("legs.length", "2")},
    ),
    Step(
        name="Undo the transfer: that takes a second person",
        method="POST",
        path="/banker/transactions/{{transferId}}/reversal",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={"reason": "Sent twice"},
        status=202,
        checks={"it waits": _is("status", '"pending"'), "nothing has moved": _is("transaction_id", "null")},
        keeps={"approvalId": "body.id"},
    ),
    Step(
        name="Not the one who asked",
        method="POST",
        path="/banker/approvals/{{approvalId}}/approve",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        body={},
        status=403,
        checks=_refused("maker_is_checker"),
    ),
    Step(
        name="Log in as an administrator",
        method="POST",
        path="/auth/login",
        bearer=None,
        before=_UNLESS_CHECKER,
        body={"username": "{{adminUsername}}", "password": "{{adminPassword}}"},
        keeps={"adminToken": "body.access_token"},
    ),
    Step(
        name="Approve the reversal",
        method="POST",
        path="/banker/approvals/{{approvalId}}/approve",
        bearer="adminToken",
        before=_UNLESS_CHECKER,
        body={"comment": "Checked with both"},
        checks={"it is executed": _is("status", '"executed"')},
    ),
    Step(
        name="The transfer names what undid it",
        path="/banker/transactions/{{transferId}}",
        bearer="adminToken",
        before=_UNLESS_CHECKER,
        checks={"it is reversed": "pm.expect(body.reversed_by).to.be.a('string');"},
    ),
    Step(
        name="A banker has no account of their own",
        path="/balance",
        bearer="bankerToken",
        before=_UNLESS_BANKER,
        status=403,
        checks=_refused("forbidden"),
    ),
)

FAREWELL = (
    Step(
        name="Exchange the refresh token",
        method="POST",
        path="/auth/refresh",
        bearer="refreshToken",
        checks={"it is a new one": 'pm.expect(body.refresh_token).to.not.eql(pm.variables.get("refreshToken"));'},
        keeps=_TOKENS,
    ),
    Step(name="Log out", method="POST", path="/auth/logout", status=204),
    Step(name="The token counts no more", path="/balance", status=401, checks=_refused("not_authenticated")),
)
