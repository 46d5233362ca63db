"""S11 to S24: which tokens are believed, how sessions are carried on, and how they end."""

from __future__ import annotations

import base64
import json
import socket
import string
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from flask import Flask
from flask.testing import FlaskClient

from app.domain.actor import Role
from app.models.store import Store
from tests.factories.authenticators import enrolled, ticket_of
from tests.factories.clock import MovableClock
from tests.factories.tokens import REMOVED, claims_of, header_of, resigned
from tests.factories.users import Login, bearer, logged_in, login_of, new_customer, new_staff
from tests.integration.test_serving import run
from tests.live import LiveServer
from tests.processes import TIMEOUT_S

REFUSED = (401, "not_authenticated")


@pytest.fixture
def login(client: FlaskClient) -> Login:
    return new_customer(client)


def answer_to(client: FlaskClient, token: str) -> tuple[int, str]:
    """Return status and code of the answer to whoever asks with this token."""
    answer = client.get("/balance", headers=bearer(token))
    return answer.status_code, (answer.json or {}).get("code", "")


def refresh_with(client: FlaskClient, token: Any) -> tuple[int, str]:
    answer = client.post("/auth/refresh", json={"refresh_token": token})
    return answer.status_code, (answer.json or {}).get("code", "")


def segment(content: Any) -> str:
    text = content if isinstance(content, str) else json.dumps(content, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def forged(token: str, key: Any, algorithm: str, **header: Any) -> str:
    """Return the token's claims under another signature."""
    kept = {name: value for name, value in {"kid": header_of(token)["kid"], **header}.items() if value is not REMOVED}
    return jwt.encode(claims_of(token), key, algorithm, headers=kept)


# ---- S11 to S13: who signed it ---------------------------------------------------------------------------------------


def keys_of_attackers() -> dict[str, Any]:
    """Return a key for every algorithm that the library knows and the bank does not use."""
    pair = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1(), "ES256K": ec.SECP256K1()}
    return {
        **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), pair),
        **{name: ec.generate_private_key(curve) for name, curve in curves.items()},
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        **dict.fromkeys(("HS384", "HS512"), b"k" * 64),
    }


def test_s11_only_tokens_of_the_one_algorithm_are_believed(app: Flask, client: FlaskClient, login: Login) -> None:
    keys = keys_of_attackers()
    assert keys.keys() == jwt.algorithms.get_default_algorithms().keys() - {"none", "HS256", "ES521"}
    signing = app.extensions["signing_keys"]
    for algorithm, key in {**keys, "HS256": b"k" * 32}.items():
        assert answer_to(client, forged(login.access_token, key, algorithm)) == REFUSED, algorithm
    for algorithm in ("HS384", "HS512"):  # even with the bank's own key
        own = signing.by_id[signing.current].ljust(64, b"\0")
        assert answer_to(client, forged(login.access_token, own, algorithm)) == REFUSED, algorithm
    assert answer_to(client, login.access_token)[0] == 200


def test_s11_a_token_that_says_it_needs_no_signature_is_refused(app: Flask, client: FlaskClient, login: Login) -> None:
    header, payload, signature = login.access_token.split(".")
    for algorithm in ("none", "None", "nOnE", "NONE", " none", "none\0", "", None, 0, [], ["none"]):
        changed = segment({**header_of(login.access_token), "alg": algorithm})
        for token in (f"{changed}.{payload}.", f"{changed}.{payload}", f"{changed}.{payload}.{signature}"):
            assert answer_to(client, token) == REFUSED, algorithm
        assert answer_to(client, resigned(app, login.access_token, header={"alg": algorithm})) == REFUSED, algorithm
    assert answer_to(client, f"{header}.{payload}.") == REFUSED


@contextmanager
def listening() -> Iterator[tuple[int, list[bytes]]]:
    """Listen on loopback and keep what comes; nothing should."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def listen() -> None:
            with suppress(OSError):  # it was closed
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        heard.append(connection.recv(100))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield listener.getsockname()[1], heard
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_s12_keys_that_a_token_brings_along_or_points_at_are_neither_believed_nor_fetched(
    app: Flask, client: FlaskClient, login: Login
) -> None:
    pair = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    public = pair.public_key()
    own_key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public))
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with listening() as (port, heard):
        address = f"http://127.0.0.1:{port}/keys.json"
        headers: list[dict[str, Any]] = [
            {"jwk": own_key},
            {"jwk": {"kty": "oct", "k": segment("k" * 32)}},
            {"jku": address},
            {"x5u": address},
            {"x5c": [base64.b64encode(pem).decode()]},
            {"crit": ["exp"]},
            {"crit": ["jku"], "jku": address},
            {"kid": address},
            {"jku": address, "kid": REMOVED},
        ]
        for header in headers:
            for key, algorithm in ((pair, "RS256"), (b"k" * 32, "HS256")):
                assert answer_to(client, forged(login.access_token, key, algorithm, **header)) == REFUSED, header
            signed = {name: value for name, value in header.items() if value is not REMOVED}
            if signed:
                assert answer_to(client, resigned(app, login.access_token, header=signed)) == REFUSED, header
        confused = jwt.get_algorithm_by_name("HS256").sign
        body = f"{segment(header_of(login.access_token))}.{login.access_token.split('.')[1]}"
        signature = base64.urlsafe_b64encode(confused(body.encode(), pem)).rstrip(b"=").decode()
        assert answer_to(client, f"{body}.{signature}") == REFUSED  # a public key taken for a secret one
    assert heard == []


STRANGE_KEY_IDS: list[Any] = [
    "../../dev/null", "/dev/null", "' OR 1", "' UNION SELECT 'k", "$(id)", "", "0", "\0", "x" * 3_000, "default",
    {"$ne": 1}, {"$gt": ""}, None, 0, True, [], ["a"],
]  # fmt: skip


def test_s13_a_key_id_that_is_not_ours_is_refused(app: Flask, client: FlaskClient, login: Login) -> None:
    for kid in STRANGE_KEY_IDS:
        assert answer_to(client, resigned(app, login.access_token, header={"kid": kid})) == REFUSED, kid
        header = segment({**header_of(login.access_token), "kid": kid})
        message = f"{header}.{login.access_token.split('.')[1]}"
        for key in (b"", b"\0" * 32):  # what /dev/null holds
            signature = jwt.get_algorithm_by_name("HS256").sign(message.encode(), key)
            token = f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
            assert answer_to(client, token) == REFUSED, kid


# ---- S14 to S17: what it says ----------------------------------------------------------------------------------------


def test_s14_every_claim_is_required(app: Flask, client: FlaskClient, login: Login) -> None:
    for claim in ("exp", "iat", "sub", "jti", "iss", "aud", "type", "sid"):
        for value in (REMOVED, None, "", {"$ne": None}, ["x"]):
            changed = {claim: value}
            assert answer_to(client, resigned(app, login.access_token, **changed)) == REFUSED, changed
            assert refresh_with(client, resigned(app, login.refresh_token, **changed)) == REFUSED, changed
    assert answer_to(client, login.access_token)[0] == 200


def test_s15_no_token_lives_longer_than_the_bank_lets_it(app: Flask, client: FlaskClient, login: Login) -> None:
    an_hour, a_quarter = (int(time.time()) + seconds for seconds in (3_600, 90 * 86_400))
    strange: list[Any] = [10**400, 10**18, 2**63, -1, 0, True, 1e400, "9999999999", 9_999_999_999.5, None, []]
    for exp in (an_hour, *strange):
        assert answer_to(client, resigned(app, login.access_token, exp=exp)) == REFUSED, exp
    for exp in (a_quarter, *strange):
        assert refresh_with(client, resigned(app, login.refresh_token, exp=exp)) == REFUSED, exp


def test_s16_a_token_of_one_type_is_no_token_of_another(app_with: Callable[..., Flask], clock: MovableClock) -> None:
    app = app_with()
    client = app.test_client()
    first = new_customer(client)
    enrolled(client, first, clock)
    ticket = ticket_of(client)
    login = new_customer(client, "bob")
    assert answer_to(client, login.refresh_token) == REFUSED
    assert answer_to(client, ticket) == REFUSED
    for other in (login.access_token, ticket):
        assert refresh_with(client, other) == REFUSED
    for other in (login.access_token, login.refresh_token):
        answer = client.post("/auth/login/mfa", json={"ticket": other, "code": "123456"})
        assert answer.status_code in (401, 422)
    for type_ in ("refresh", "ticket", "ACCESS", "", "id"):
        assert answer_to(client, resigned(app, login.access_token, type=type_)) == REFUSED
        assert type_ == "refresh" or refresh_with(client, resigned(app, login.refresh_token, type=type_)) == REFUSED


@pytest.mark.parametrize("environment", ["development", "testing", "production"])
def test_s17_no_key_of_less_than_32_bytes_signs_tokens(environment: str) -> None:
    peppers, key = f"1:{'p' * 32}", "k" * 31
    done = run(
        "-m", "flask", "run", FLASK_APP="run.py", FLASK_ENV=environment, SECRET_KEY=key, PASSWORD_PEPPERS=peppers
    )
    assert done.returncode == 2
    assert "SECRET_KEY: Each secret in it needs at least 32 bytes." in done.stderr
    assert key not in done.stderr + done.stdout


# ---- S19 to S21: how a session goes on and ends ----------------------------------------------------------------------


def test_s19_a_spent_refresh_token_ends_the_whole_family_and_is_told_of(
    app_with: Callable[..., Flask], store: Store, clock: MovableClock, capsys: pytest.CaptureFixture[str]
) -> None:
    client = app_with().test_client()
    pairs = [new_customer(client)]
    for _ in range(3):
        pairs.append(login_of(client.post("/auth/refresh", json={"refresh_token": pairs[-1].refresh_token})))
    clock.forward(timedelta(seconds=11))
    assert refresh_with(client, pairs[0].refresh_token) == REFUSED
    for pair in pairs:
        assert refresh_with(client, pair.refresh_token) == REFUSED
        assert answer_to(client, pair.access_token) == REFUSED
    assert "refresh_token_reused" in capsys.readouterr().out
    assert store.database["audit"].count_documents({"action": "auth.refresh_reuse"}) == 1


def test_s21_with_an_idle_limit_of_five_minutes_nobody_is_logged_in_after_six(
    app_with: Callable[..., Flask], clock: MovableClock
) -> None:
    client = app_with(session_idle_minutes=5).test_client()
    idle, active = new_customer(client, "alice"), new_customer(client, "bob")
    for _ in range(3):  # whoever does something goes on
        clock.forward(timedelta(minutes=4))
        active = login_of(client.post("/auth/refresh", json={"refresh_token": active.refresh_token}))
        assert answer_to(client, active.access_token)[0] == 200
    assert answer_to(client, idle.access_token) == REFUSED
    assert refresh_with(client, idle.refresh_token) == REFUSED
    clock.forward(timedelta(minutes=6))
    assert answer_to(client, active.access_token) == REFUSED
    assert refresh_with(client, active.refresh_token) == REFUSED


# ---- S22 to S24: where it stands, and what it looks like -------------------------------------------------------------


def test_s22_a_token_counts_in_its_header_alone(server: LiveServer) -> None:
    token = httpx.post(
        f"{server.url}/auth/login",
        json={"username": "alice", "password": server.demo_password("alice")},
        timeout=TIMEOUT_S,
    ).json()["access_token"]
    for name in ("token", "access_token", "jwt", "authorization", "auth"):
        answer = httpx.get(f"{server.url}/auth/verify", params={name: token}, timeout=TIMEOUT_S)
        assert answer.status_code == 401
        cookie = {"Cookie": f"{name}={token}"}
        assert httpx.get(f"{server.url}/auth/verify", headers=cookie, timeout=TIMEOUT_S).status_code == 401
    assert httpx.get(f"{server.url}/auth/verify", headers=bearer(token), timeout=TIMEOUT_S).status_code == 200
    for part in token.split("."):
        assert part not in server.output


def test_s23_an_administrator_ends_anybodys_session(client: FlaskClient, store: Store, login: Login) -> None:
    admin, other = new_staff(client, store, "adam", Role.ADMIN), logged_in(client)
    user = client.get("/auth/me", headers=login.headers).json["id"]
    path = f"/admin/users/{user}/sessions"
    _, oldest = client.get(path, headers=admin.headers).json["items"]
    assert client.delete(f"{path}/{oldest['id']}", headers=admin.headers).status_code == 204
    assert answer_to(client, login.access_token) == REFUSED
    assert answer_to(client, other.access_token)[0] == 200
    assert client.delete(path, headers=admin.headers).status_code == 204
    assert answer_to(client, other.access_token) == REFUSED
    assert client.get(path, headers=admin.headers).json["items"] == []


def test_s24_a_token_with_any_one_character_changed_is_refused(client: FlaskClient, login: Login) -> None:
    token = login.access_token
    alphabet = string.ascii_letters + string.digits + "-_"
    for position, present in enumerate(token):
        other = alphabet[(alphabet.find(present) + 1) % len(alphabet)]
        assert answer_to(client, token[:position] + other + token[position + 1 :]) == REFUSED, position
    for position in (0, token.index("."), len(token) // 2, token.rindex(".") + 1, len(token) - 1):
        for change in ("", "=", "+", "/", "\u00e9", " ", ".."):
            assert answer_to(client, token[:position] + change + token[position + 1 :]) == REFUSED, position


def test_s24_padding_and_white_space_make_another_token(client: FlaskClient, login: Login) -> None:
    token = login.access_token
    others = [
        token + "=" * (-len(token) % 4 or 4),
        ".".join(part + "=" * (-len(part) % 4) for part in token.split(".")) + "=",
        token.replace(".", " .", 1),
        f" {token}",
        f"{token} ",
        f"\t{token}",
        token[:10] + " " + token[10:],
        token.upper(),
        token[::-1],
        token + token,
        f'"{token}"',
    ]
    assert [answer_to(client, other) for other in others] == [REFUSED] * len(others)


def test_s24_a_token_of_a_megabyte_is_refused_within_fifty_milliseconds(client: FlaskClient, login: Login) -> None:
    def seconds(token: str) -> float:
        began_s = time.thread_time()
        assert answer_to(client, token) == REFUSED
        return time.thread_time() - began_s

    padding = "A" * 2**20
    for token in ("e30." * 2**18, login.access_token + padding, f"{padding}.{login.access_token}"):
        assert min(seconds(token) for _ in range(5)) < 0.05


def test_s24_the_server_outlives_a_token_of_a_megabyte(server: LiveServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_S) as raw, suppress(OSError):
        raw.sendall(b"GET /balance HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + b"A" * 2**20)
        raw.sendall(b"\r\n\r\n")  # it need not listen to the end
        assert raw.recv(100).startswith(b"HTTP/1.1 4")
    assert server.answers()
