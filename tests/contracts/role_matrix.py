"""Who gets in where: a row for every route and method. A route without a row is a failing test, not an open door."""

from __future__ import annotations

CUSTOMER, BANKER, ADMIN = "customer", "banker", "admin"
ANYONE = frozenset({"anonymous", CUSTOMER, BANKER, ADMIN, "logged out"})
LOGGED_IN = frozenset({CUSTOMER, BANKER, ADMIN})
CUSTOMERS = frozenset({CUSTOMER})
STAFF = frozenset({BANKER, ADMIN})

ROLE_MATRIX: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/health"): ANYONE,
    ("GET", "/health/live"): ANYONE,
    ("GET", "/health/ready"): ANYONE,
    ("GET", "/"): ANYONE,
    ("GET", "/openapi.json"): ANYONE,
    ("GET", "/docs"): ANYONE,
    ("GET", "/docs/<name>"): ANYONE,
    ("POST", "/auth/register"): ANYONE,
    ("POST", "/auth/login"): ANYONE,
    ("POST", "/auth/refresh"): ANYONE,
    ("POST", "/auth/logout"): LOGGED_IN,
    ("POST", "/auth/password"): LOGGED_IN,
    ("GET", "/auth/me"): LOGGED_IN,
    ("GET", "/auth/verify"): LOGGED_IN,
    ("GET", "/auth/sessions"): LOGGED_IN,
    ("DELETE", "/auth/sessions/<session_id>"): LOGGED_IN,
    ("GET", "/accounts"): CUSTOMERS,
    ("GET", "/accounts/<number>"): CUSTOMERS,
    ("GET", "/balance"): CUSTOMERS,
    ("POST", "/deposit"): CUSTOMERS,
    ("POST", "/withdraw"): CUSTOMERS,
    ("GET", "/transactions"): CUSTOMERS,
    ("GET", "/transactions/<entry_id>"): CUSTOMERS,
    ("GET", "/banker/accounts"): STAFF,
    ("GET", "/banker/accounts/<number>"): STAFF,
    ("GET", "/banker/accounts/<number>/transactions"): STAFF,
    ("POST", "/banker/accounts/<number>/deposit"): STAFF,
    ("POST", "/banker/accounts/<number>/withdraw"): STAFF,
    ("GET", "/banker/transactions"): STAFF,
    ("GET", "/banker/transactions/<transaction_id>"): STAFF,
}
