"""What a profile is told by: the part that each function belongs to, and the time of a whole call, shared out."""

from __future__ import annotations

import pytest
from flask import Flask

from benchmarks import yardstick
from benchmarks.profile import OTHER, PARTS, called, measure, part_of


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("/somewhere/site-packages/flask/app.py wsgi_app", "Flask and Werkzeug"),
        ("/somewhere/site-packages/marshmallow/schema.py load", "marshmallow and JSON"),
        ("/bank/app/schemas/transactions.py get_attribute", "marshmallow and JSON"),
        ("~ <method 'write' of '_io.TextIOWrapper' objects>", "log line"),
        ("/bank/app/views/request_log.py finish", "log line"),
        ("/bank/app/views/guards.py _admit", "views"),
        ("/bank/app/domain/ledger/draft.py move", "the ledger's rules"),
        ("/bank/app/models/posting.py post", "controllers and models"),
        ("~ <built-in method bson._cbson._dict_to_bson>", "PyMongo and BSON"),
        ("~ <built-in method builtins.isinstance>", OTHER),
    ],
)
def test_a_function_belongs_to_a_part(function: str, part: str) -> None:
    assert part_of(function) == part


def test_all_that_a_call_takes_is_shared_out_to_where_it_went() -> None:
    took = measure(lambda: sum(range(1_000)))
    assert list(took) == [*PARTS, OTHER]
    assert [part for part, microseconds in took.items() if microseconds > 0] == [OTHER]


def test_an_application_is_called_in_whatever_form_it_answers(app: Flask) -> None:
    assert called(yardstick.hello, "/") == b"hello"
    assert called(app, "/health/live")
    with pytest.raises(RuntimeError, match="/nowhere: 404"):
        called(app, "/nowhere")
