"""What the description says of each operation's payload is what the operation shows."""

from __future__ import annotations

import pytest
from flask import Flask

from app.domain.operations.base import OperationName
from app.domain.operations.registry import OPERATIONS
from app.schemas.approval_payloads import PAYLOADS
from tests.described import description_of


@pytest.mark.parametrize("name", list(OperationName))
def test_each_operation_reads_and_shows_the_payload_that_is_described(name: OperationName) -> None:
    assert OPERATIONS[name].from_payload(PAYLOADS[name]).payload() == PAYLOADS[name]


@pytest.mark.parametrize("name", list(OperationName))
def test_holders_are_named_alike_in_all_payloads(name: OperationName) -> None:
    for field, value in PAYLOADS[name].items():
        assert not field.endswith("holders") or isinstance(value, list)


def test_the_description_shows_them_all(app: Flask) -> None:
    shown = description_of(app)["components"]["schemas"]["ApprovalOut"]["properties"]["payload"]
    assert shown["examples"] == list(PAYLOADS.values())
    assert all(f"`{name}`" in shown["description"] for name in OperationName)
