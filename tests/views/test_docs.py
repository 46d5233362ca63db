"""The documentation page: from this server alone, under either address."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient


def test_the_description_is_served(client: FlaskClient) -> None:
    answer = client.get("/openapi.json")
    assert answer.mimetype == "application/json"
    assert answer.json["openapi"].startswith("3.1")


@pytest.mark.parametrize("prefix", ["", "/api"])
def test_the_page_is_made_of_files_from_this_server(client: FlaskClient, prefix: str) -> None:
    page = client.get(f"{prefix}/docs")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    references = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(references) == 4
    for reference in references:
        assert ":" not in reference
        assert not reference.startswith("/")
        answer = client.get(f"{prefix}/{reference}")
        assert answer.status_code == 200
        assert answer.headers["Content-Security-Policy"] == page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text


def test_the_page_may_load_from_this_server_alone(client: FlaskClient) -> None:
    policy = client.get("/docs").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "http" not in policy
    assert 'url: "openapi.json"' in client.get("/docs/docs.js").text
    assert "validatorUrl: null" in client.get("/docs/docs.js").text


def test_the_bare_address_leads_to_the_page(client: FlaskClient) -> None:
    assert client.get("/").headers["Location"] == "/docs"
    assert client.get("/api/").headers["Location"] == "/api/docs"
