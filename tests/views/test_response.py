"""What is there in full is handed to the server in full; what is read piece by piece stays so."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder

from app.views.response import WholeResponse


def handed_over(app: Flask, path: str, method: str = "GET") -> tuple[Iterable[bytes], dict[str, str]]:
    """Return the body that a WSGI server gets for a request, as it is, and the headers."""
    told: dict[str, str] = {}

    def start(_status: str, headers: list[tuple[str, str]], _fault: object = None) -> None:
        told.update(headers)

    return app(EnvironBuilder(path, method=method).get_environ(), start), told


@pytest.mark.parametrize("path", ["/health/live", "/balance", "/nowhere", "/openapi.json"])
def test_an_answer_that_is_there_is_handed_over_as_a_list(app: Flask, path: str) -> None:
    body, headers = handed_over(app, path)
    assert isinstance(body, list)
    assert len(b"".join(body)) == int(headers["Content-Length"]) > 0


def test_of_a_head_request_the_length_alone_is_told(app: Flask) -> None:
    body, headers = handed_over(app, "/health/live", "HEAD")
    assert (body, int(headers["Content-Length"]) > 0) == ([], True)


def test_a_file_is_still_read_piece_by_piece(app: Flask) -> None:
    body, _ = handed_over(app, "/docs/swagger-ui.css")
    assert not isinstance(body, list)
    assert next(iter(body))
    body.close()  # type: ignore[attr-defined]


def test_what_waits_for_the_end_of_an_answer_is_done(app: Flask) -> None:
    ended: list[str] = []
    answer = WholeResponse("there")
    answer.call_on_close(lambda: ended.append("closed"))
    assert answer.get_app_iter(EnvironBuilder().get_environ()) == [b"there"]
    assert ended == ["closed"]
