"""Which tokens are believed: those that are ours, whole, of the right type and in their time; no other."""

from __future__ import annotations

import base64
import string
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.models.store import Store
from app.views import authentication
from config import Config
from tests.factories.clock import MovableClock
from tests.factories.tokens import REMOVED, claims_of, header_of, resigned, unsigned
from tests.factories.users import bearer, new_customer


def status_with(client: FlaskClient, token: str) -> int:
    answer = client.get("/auth/me", headers=bearer(token))
    if answer.status_code != 200:
        assert answer.json["code"] == "not_authenticated"
    return answer.status_code


def test_a_token_of_ours_is_believed_also_when_signed_by_hand(app: Flask, client: FlaskClient) -> None:
    login = new_customer(client)
    assert status_with(client, login.access_token) == 200
    assert status_with(client, resigned(app, login.access_token, jti="another")) == 200


@pytest.mark.security("S14")
@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "jti", "iss", "aud", "type", "sid", "ver", "role", "username"])
def test_a_token_without_a_claim_is_refused(app: Flask, client: FlaskClient, claim: str) -> None:
    token = new_customer(client).access_token
    assert status_with(client, resigned(app, token, **{claim: REMOVED})) == 401


@pytest.mark.security("S14", "S45")
@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "another-bank"),
        ("aud", "another-api"),
        ("aud", ["bank-api"]),
        ("sub", 5),
        ("sub", {"$ne": None}),
        ("sid", {"$gt": ""}),
        ("ver", True),
        ("ver", "0"),
        ("role", "root"),
        ("role", ["admin"]),
        ("type", "refresh"),
        ("exp", "9999999999"),
        ("exp", 9999999999.5),
        ("exp", 10**400),
        ("exp", None),
        ("iat", True),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(app: Flask, client: FlaskClient, claim: str, value: Any) -> None:
    token = new_customer(client).access_token
    assert status_with(client, resigned(app, token, **{claim: value})) == 401


@pytest.mark.security("S15")
@pytest.mark.parametrize(
    ("iat_offset_s", "exp_offset_s"),
    [
        pytest.param(-100, -1, id="expired"),
        pytest.param(-100, 0, id="just expired"),
        pytest.param(0, 86_400, id="lives too long"),
        pytest.param(300, 600, id="from the future"),
    ],
)
def test_a_token_out_of_its_time_is_refused(
    app: Flask, client: FlaskClient, iat_offset_s: int, exp_offset_s: int
) -> None:
    token, now = new_customer(client).access_token, int(time.time())
    assert status_with(client, resigned(app, token, iat=now + iat_offset_s, exp=now + exp_offset_s)) == 401


def test_a_token_that_was_good_is_refused_once_it_expires(
    app_with: Callable[..., Flask], clock: MovableClock, config: Config
) -> None:
    client = app_with().test_client()
    token = new_customer(client).access_token
    assert status_with(client, token) == 200

    clock.forward(config.access_token_lifetime - timedelta(seconds=5))
    assert status_with(client, token) == 200
    clock.forward(timedelta(seconds=6))
    assert status_with(client, token) == 401


@pytest.mark.security("S11")
@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", "HS256"])
def test_a_token_without_a_signature_is_refused(client: FlaskClient, algorithm: str) -> None:
    assert status_with(client, unsigned(new_customer(client).access_token, algorithm)) == 401


@pytest.mark.security("S11")
@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_algorithm_is_refused_even_with_the_right_key(app: Flask, client: FlaskClient, algorithm: str) -> None:
    token, keys = new_customer(client).access_token, app.extensions["signing_keys"]
    key = keys.by_id[keys.current].ljust(64, b"\0")
    forged = jwt.encode(claims_of(token), key, algorithm, headers={"kid": keys.current})
    assert status_with(client, forged) == 401


@pytest.mark.security("S12", "S13")
@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../dev/null"},
        {"kid": "' OR 1"},
        {"kid": {"$ne": 1}},
        {"kid": None},
        {"kid": ["a"]},
        {"kid": ""},
        {"alg": "RS256"},
        {"alg": None},
        {"alg": ["HS256"]},
        {"typ": "at+jwt"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "http://127.0.0.1:9/keys"},
        {"x5u": "http://127.0.0.1:9/cert"},
        {"x5c": ["MII"]},
        {"crit": ["exp"]},
        {"b64": False},
    ],
)
def test_a_header_that_is_not_ours_is_refused(app: Flask, client: FlaskClient, header: dict[str, Any]) -> None:
    assert status_with(client, resigned(app, new_customer(client).access_token, header=header)) == 401


def test_a_token_signed_with_another_key_is_refused(client: FlaskClient) -> None:
    token = new_customer(client).access_token
    for key in (b"", b"\0" * 32, b"a guess" * 8, b"a signing key for tests, long enough"):
        message = token.rpartition(".")[0]
        signature = jwt.get_algorithm_by_name("HS256").sign(message.encode(), key)
        forged = f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
        assert status_with(client, forged) == 401


@pytest.mark.security("S24")
def test_every_mutation_of_a_token_is_refused(client: FlaskClient) -> None:
    token = new_customer(client).access_token
    alphabet = string.ascii_letters + string.digits + "-_"
    for position in {0, 5, token.index(".") + 3, len(token) // 2, len(token) - 2, len(token) - 1}:
        for other in alphabet:
            if other != token[position]:
                assert status_with(client, token[:position] + other + token[position + 1 :]) == 401


@pytest.mark.parametrize(
    "mutate",
    [
        lambda token: token + "=",
        lambda token: token + "==",
        lambda token: token + ".",
        lambda token: token + ".x",
        lambda token: token.replace(".", " ."),
        lambda token: token.rpartition(".")[0],
        lambda token: token.rpartition(".")[0] + ".",
        lambda token: " " + token,
        lambda token: token + "\t",
        lambda token: token.replace(".", ".."),
        lambda token: "." + token,
        lambda token: "a.b.c",
        lambda token: "W10.W10.W10",
        lambda token: "",
        lambda token: "null",
        lambda token: "\u00e9" * 10,
        lambda token: base64.urlsafe_b64encode(b"[" * 2_900).decode().rstrip("=") + ".e30.AA",
    ],
)
def test_a_token_of_another_form_is_refused(client: FlaskClient, mutate: Callable[[str], str]) -> None:
    assert status_with(client, mutate(new_customer(client).access_token)) == 401


@pytest.mark.security("S24")
def test_a_huge_token_is_refused_at_once(client: FlaskClient) -> None:
    def seconds() -> float:
        began_s = time.thread_time()
        assert status_with(client, "e30." * 262_144) == 401
        return time.thread_time() - began_s

    assert min(seconds() for _ in range(5)) < 0.05


@pytest.mark.security("S16")
def test_access_and_refresh_tokens_are_not_interchangeable(client: FlaskClient) -> None:
    login = new_customer(client)
    assert status_with(client, login.refresh_token) == 401
    assert client.post("/auth/refresh", json={"refresh_token": login.access_token}).status_code == 401
    assert client.post("/auth/refresh", headers=login.headers).status_code == 401


@pytest.mark.security("S22")
def test_a_token_counts_nowhere_but_in_the_authorization_header(client: FlaskClient) -> None:
    token = new_customer(client).access_token
    client.set_cookie("access_token_cookie", token)
    client.set_cookie("access_token", token)
    assert client.get("/auth/verify").status_code == 401
    assert client.get(f"/auth/verify?token={token}&access_token={token}&jwt={token}").status_code == 401
    for scheme in ("Basic", "Token", "JWT"):
        assert client.get("/auth/verify", headers={"Authorization": f"{scheme} {token}"}).status_code == 401
    assert client.get("/auth/verify", headers={"Authorization": token}).status_code == 401
    assert client.get("/auth/verify", headers={"X-User-Id": claims_of(token)["sub"]}).status_code == 401


def test_a_refused_token_is_told_of_in_one_way_only(app: Flask, client: FlaskClient) -> None:
    token = new_customer(client).access_token
    answers = [
        client.get("/auth/me", headers=headers)
        for headers in ({}, bearer("x"), bearer(unsigned(token, "none")), bearer(resigned(app, token, exp=1)))
    ]
    bodies = [{**answer.json, "request_id": None} for answer in answers]
    assert bodies == [bodies[0]] * len(bodies)
    assert all(answer.headers["WWW-Authenticate"] == "Bearer" for answer in answers)


def test_a_token_holds_what_a_gateway_needs_and_no_secret(client: FlaskClient) -> None:
    token = new_customer(client).access_token
    assert header_of(token).keys() == {"alg", "typ", "kid"}
    assert claims_of(token).keys() == {
        "iss", "aud", "iat", "exp", "jti", "sub", "type", "sid", "ver", "role", "username", "cid", "fresh", "mfa",
    }  # fmt: skip
    answer = client.get("/auth/verify", headers=bearer(token))
    assert answer.json == {
        "active": True,
        "sub": claims_of(token)["sub"],
        "username": "alice",
        "role": "customer",
        "exp": claims_of(token)["exp"],
    }


def test_after_a_change_of_the_signing_key_old_tokens_count_as_long_as_the_old_key_is_kept(
    config: Config, store: Store, client: FlaskClient
) -> None:
    old = new_customer(client)
    new_key = "another signing key for tests, long enough"
    rotated = create_app(replace(config, secret_key=new_key, secret_key_fallbacks=(config.secret_key,)), store)
    assert status_with(rotated.test_client(), old.access_token) == 200

    answer = rotated.test_client().post("/auth/refresh", json={"refresh_token": old.refresh_token})
    renewed = answer.json["access_token"]
    assert header_of(renewed)["kid"] != header_of(old.access_token)["kid"]

    dropped = create_app(replace(config, secret_key=new_key), store).test_client()
    assert status_with(dropped, renewed) == 200
    assert status_with(dropped, old.access_token) == 401
    assert status_with(client, renewed) == 401  # a server that has not heard of the new key


def test_more_tokens_than_are_remembered_all_count(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "_REMEMBERED_MAX", 2)
    tokens = [new_customer(client, name).access_token for name in ("alice", "bobby", "carol")]
    for _ in range(2):
        assert [status_with(client, token) for token in tokens] == [200, 200, 200]
