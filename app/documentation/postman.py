"""docs/postman_collection.json: a scripted journey of money, then every address of the description."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.documentation.journey import BANKER, CUSTOMER, FAREWELL, Step

Described = Mapping[str, Any]

_FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_ABOUT = """Import this file and press Run: it registers a user of its own and walks through all that a customer can do.

`baseUrl` says where the bank is. The steps of a banker run where `bankerPassword` is set (`make run` shows one on a new
database, `flask users create NAME --role banker` makes one), those of a second person where `adminPassword` is as well;
they are passed over where it is not.

Made from the code by `python -m app.documentation`; a test fails where they differ."""
_VARIABLES = {
    "baseUrl": "http://127.0.0.1:5000",
    "bankerUsername": "banker",
    "bankerPassword": "",
    "adminUsername": "admin",
    "adminPassword": "",
    **dict.fromkeys(("username", "password", "accessToken", "refreshToken", "bankerToken", "adminToken"), ""),
    **dict.fromkeys(("account", "depositKey", "depositId", "transactionId", "cursor"), ""),
    **dict.fromkeys(("payeeName", "payeeAccount", "transferKey", "transferId", "holdId", "approvalId"), ""),
}
_PARAMETERS = {"number": "account", "entry_id": "depositId", "hold_id": "holdId"}
_NOBODYS = "transactionId"
"""For every other parameter: no customer, session or approval has this id, so that nothing happens to one."""
_ENDS_SESSION = "/auth/logout"
_ENDS_USE = ("/close", "/freeze", "/mark-dormant")
"""What would end the use of the journey's own account is asked for nobody's."""


def postman_collection(description: Described) -> str:
    """Return the collection: the journey by hand, and the reference from the OpenAPI description."""
    collection = {
        "info": {"name": description["info"]["title"], "description": _ABOUT, "schema": _FORMAT},
        "auth": _bearer("accessToken"),
        "variable": [{"key": key, "value": value, "type": "string"} for key, value in _VARIABLES.items()],
        "item": [
            {"name": "A customer's journey", "item": [_scripted(step) for step in CUSTOMER]},
            {"name": "At the banker's desk", "item": [_scripted(step) for step in BANKER]},
            {"name": "Every address", "item": list(_reference(description))},
            {"name": "Farewell", "item": [_scripted(step) for step in FAREWELL]},
        ],
    }
    return json.dumps(collection, indent=2) + "\n"


def _scripted(step: Step) -> dict[str, Any]:
    """Return a request of the journey with what it prepares, expects and remembers."""
    tests = [
        f"pm.test({json.dumps(f'answers {step.status}')}, () => pm.response.to.have.status({step.status}));",
        "const body = pm.response.text() ? pm.response.json() : {};",
        *(f"pm.test({json.dumps(claim)}, () => {{ {check} }});" for claim, check in step.checks.items()),
        *(f"pm.collectionVariables.set({json.dumps(name)}, {value});" for name, value in step.keeps.items()),
    ]
    request = _request(step.method, step.path, step.body, {"Idempotency-Key": step.key} if step.key else {})
    request["auth"] = _bearer(step.bearer) if step.bearer else {"type": "noauth"}
    return {"name": step.name, "event": _events(before=step.before, after=tests), "request": request}


def _reference(description: Described) -> Iterator[dict[str, Any]]:
    """Yield a request for every operation, with its example, checked to be answered as described."""
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method == "parameters" or path == _ENDS_SESSION:
                continue
            allowed = [int(status) for status in operation["responses"]]
            check = f"pm.expect(pm.response.code).to.be.oneOf({json.dumps(allowed)});"
            tests = [f"pm.test('answers as described', () => {{ {check} }});"]
            request = _request(method.upper(), _filled_in(path), _example_body(description, operation), {})
            request["description"] = operation.get("description", operation["summary"])
            if not operation["security"]:
                request["auth"] = {"type": "noauth"}
            elif path.startswith("/banker"):
                request["auth"] = _bearer("bankerToken")
            yield {"name": operation["summary"], "event": _events(before=(), after=tests), "request": request}


def _example_body(description: Described, operation: Described) -> Any:
    if "requestBody" not in operation:
        return None
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return description["components"]["schemas"][reference.rpartition("/")[2]]["examples"][0]


def _filled_in(path: str) -> str:
    known = {} if path.endswith(_ENDS_USE) else _PARAMETERS
    return re.sub(r"\{(\w+)\}", lambda found: f"{{{{{known.get(found[1], _NOBODYS)}}}}}", path)


def _request(method: str, path: str, body: Any, headers: Mapping[str, str]) -> dict[str, Any]:
    address, _, query = path.partition("?")
    url: dict[str, Any] = {
        "raw": f"{{{{baseUrl}}}}{path}",
        "host": ["{{baseUrl}}"],
        "path": address.strip("/").split("/"),
    }
    if query:
        pairs = (pair.partition("=") for pair in query.split("&"))
        url["query"] = [{"key": name, "value": value} for name, _, value in pairs]
    request: dict[str, Any] = {"method": method, "url": url}
    request["header"] = [{"key": name, "value": value} for name, value in headers.items()]
    if body is not None:
        raw = json.dumps(body, indent=2)
        request["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    return request


def _events(*, before: tuple[str, ...], after: list[str]) -> list[dict[str, Any]]:
    scripts = {"prerequest": list(before), "test": after}
    return [{"listen": name, "script": {"type": "text/javascript", "exec": lines}} for name, lines in scripts.items()]


def _bearer(variable: str) -> dict[str, Any]:
    return {"type": "bearer", "bearer": [{"key": "token", "value": f"{{{{{variable}}}}}", "type": "string"}]}
