"""The OpenAPI description: valid, complete, and the same as what is served."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from marshmallow.fields import Boolean
from openapi_spec_validator import validate

from app.documentation import FOLDER
from app.domain.errors import all_errors
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import Flag
from tests.contracts.test_role_matrix import served_routes
from tests.described import DESCRIPTION, DescribedClient, Undescribed, description_of

Operation = dict[str, Any]
PUBLIC = ("/auth/register", "/auth/login", "/auth/login/mfa", "/auth/password/reset", "/auth/refresh")


@pytest.fixture
def description(app: Flask) -> dict[str, Any]:
    """The description of this test's application alone: it may be damaged, and the other tests go on with their own."""
    own: dict[str, Any] = deepcopy(description_of(app))
    app.extensions[DESCRIPTION] = own
    return own


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, members in description["paths"].items():
        for method, operation in members.items():
            if method != "parameters":
                yield method.upper(), path, operation


def test_the_description_follows_its_own_standard(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    validate(description)


@pytest.mark.security("S74")
def test_every_route_is_described_and_every_description_is_a_route(app: Flask, description: dict[str, Any]) -> None:
    undescribed = {("GET", path) for path in ("/", "/openapi.json", "/docs", "/docs/<name>")}
    served = {(method, rule.replace("<", "{").replace(">", "}")) for method, rule in served_routes(app) - undescribed}
    assert {(method, path) for method, path, _ in operations(description)} == served


def test_every_operation_says_what_it_is_for_and_what_it_answers(description: dict[str, Any]) -> None:
    for method, path, operation in operations(description):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["tags"], where
        assert {"400", "500"} <= operation["responses"].keys(), where
        assert any(status.startswith("2") for status in operation["responses"]), where
        for parameter in operation.get("parameters", []):
            assert parameter["schema"], where


def test_an_operation_asks_for_a_token_unless_it_is_public(description: dict[str, Any]) -> None:
    for method, path, operation in operations(description):
        is_public = path.startswith("/health") or path in PUBLIC
        assert operation["security"] == ([] if is_public else [{"bearerAuth": []}]), f"{method} {path}"
        assert is_public or "401" in operation["responses"], f"{method} {path}"
    assert description["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


def test_every_movement_of_money_takes_a_key(description: dict[str, Any]) -> None:
    ends = ("/deposit", "/withdraw", "/close", "/accounts", "/transfers", "/holds", "/capture", "/release")
    elsewhere = ("/admin/", "/banker/customers/")
    moving = [
        operation
        for method, path, operation in operations(description)
        if method == "POST" and path.endswith(ends) and not path.startswith(elsewhere)
    ]
    assert len(moving) == 13
    for operation in moving:
        assert "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]
        done = next(status for status in operation["responses"] if status in ("200", "201"))
        assert "Idempotent-Replayed" in operation["responses"][done]["headers"]


@pytest.mark.security("S05")
def test_every_schema_is_closed_and_shows_an_example_that_fits_it(description: dict[str, Any]) -> None:
    for name, schema in description["components"]["schemas"].items():
        assert schema["additionalProperties"] is False, name
        (example,) = schema["examples"]
        whole = {**schema, "components": description["components"]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(example)


def test_every_error_is_an_example_of_a_problem(description: dict[str, Any]) -> None:
    examples = description["components"]["examples"]
    assert set(examples) == {error.code for error in all_errors()}
    problem = {**description["components"]["schemas"]["Problem"], "components": description["components"]}
    for example in examples.values():
        Draft202012Validator(problem, format_checker=FormatChecker()).validate(example["value"])


def test_every_error_is_explained(description: dict[str, Any]) -> None:
    page = (FOLDER / "errors.md").read_text()
    for error in all_errors():
        assert error.__doc__, error
        assert f"| {error.status} | `{error.code}` |" in page


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda responses: responses.pop("200"), "not described"),
        (lambda responses: responses["200"].pop("content"), "with a body"),
        (lambda responses: responses["200"].update(content={"text/plain": {}}), "answers as application/json"),
    ],
)
def test_an_answer_that_is_not_as_described_is_noticed(
    app: Flask, description: dict[str, Any], damage: Callable[[dict[str, Any]], Any], complaint: str
) -> None:
    client = app.test_client()
    assert isinstance(client, DescribedClient)
    damage(description["paths"]["/health/live"]["get"]["responses"])
    with pytest.raises(Undescribed, match=complaint):
        client.get("/health/live")


def test_a_body_that_does_not_fit_its_schema_is_noticed(app: Flask, description: dict[str, Any]) -> None:
    client = app.test_client()
    del description["components"]["schemas"]["LiveOut"]["properties"]["status"]
    with pytest.raises(Undescribed, match="'status' was unexpected"):
        client.get("/health/live")


def shapes_that_come_in(shape: type[BaseSchema] = BaseSchema) -> Iterator[type[BaseSchema]]:
    for narrower in shape.__subclasses__():
        if not issubclass(narrower, OutSchema):
            yield narrower
            yield from shapes_that_come_in(narrower)


def test_every_true_or_false_that_comes_in_is_exactly_that(app: Flask) -> None:
    fields = [(shape, field) for shape in shapes_that_come_in() for field in shape().fields.values()]
    assert any(isinstance(field, Flag) for _, field in fields)
    assert [shape for shape, field in fields if isinstance(field, Boolean)] == []
