"""The errors that nginx answers by itself, as deploy/nginx.conf tells it to, are the API's own."""

from __future__ import annotations

import json
import re

from app.domain.errors import BankError, all_errors
from app.schemas.problem import problem_body
from config import Config
from tests.processes import PROJECT

FILE = (PROJECT / "deploy" / "nginx.conf").read_text()
RETURNED = re.compile(r"return (\d+) '(\{.*\})';")
BY_CODE: dict[str, type[BankError]] = {error.code: error for error in all_errors()}


def test_each_error_of_nginx_is_one_of_the_apis_in_its_form() -> None:
    returned = RETURNED.findall(FILE)
    assert len(returned) == FILE.count("default_type application/problem+json;") == FILE.count("location = /_nginx/")
    for status, text in returned:
        told = json.loads(text)
        error = BY_CODE[told["code"]](told["detail"])
        assert told == problem_body(error, request_id="$bank_request_id")
        assert int(status) == error.status


def test_every_place_that_an_error_is_sent_to_is_there() -> None:
    sent_to = set(re.findall(r"error_page [\d ]+ = (/_nginx/\w+);", FILE))
    assert sent_to == set(re.findall(r"location = (/_nginx/\w+) \{", FILE))


def test_what_the_servers_take_nginx_lets_through() -> None:
    (limit_mib,) = re.findall(r"client_max_body_size (\d+)m;", FILE)
    assert int(limit_mib) > Config.__dataclass_fields__["bulk_mib_max"].default
