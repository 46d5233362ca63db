"""Opening accounts over HTTP, and who is needed for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.domain.actor import Role
from app.models.store import Store
from tests.factories.customers import customer_of, decide, identify
from tests.factories.users import Login, new_customer, new_staff


@dataclass(frozen=True)
class Bank:
    """A banker and an administrator, and what they do over HTTP."""

    client: FlaskClient
    banker: Login
    admin: Login

    @classmethod
    def staffed(cls, client: FlaskClient, store: Store) -> Bank:
        return cls(
            client,
            new_staff(client, store, "bella", Role.BANKER),
            new_staff(client, store, "adam", Role.ADMIN),
        )

    def offer(self, code: str = "SAVER", **facts: Any) -> None:
        """Offer a product that customers may open by themselves, unless said otherwise."""
        body = {"code": code, "name": code, "type": "savings", "currency": "USD", "self_service": True, **facts}
        answer = self.client.post("/admin/products", json=body, headers=self.admin.headers)
        assert answer.status_code == 201, answer.text

    def verified(self, username: str = "alice") -> tuple[Login, str]:
        """Register a customer whom the bank knows; return their session and their id."""
        login = new_customer(self.client, username)
        customer_id = customer_of(self.client, self.banker, username)
        identify(self.client, self.banker, customer_id)
        assert decide(self.client, self.banker, customer_id, "kyc/verify").status_code == 200
        return login, customer_id

    def open_for(self, customer_id: str, *, key: str | None = None, **facts: Any) -> TestResponse:
        """Let the banker open an account of the product SAVER and return the answer, whatever it is."""
        body = {"customer": customer_id, "product": "SAVER", **facts}
        return self.client.post(
            "/banker/accounts",
            json={name: value for name, value in body.items() if value is not None},
            headers=self.banker.headers | ({"Idempotency-Key": key} if key else {}),
        )

    def act(self, number: str, action: str, **body: Any) -> TestResponse:
        """Let the banker freeze, close ... an account and return the answer, whatever it is."""
        return self.client.post(f"/banker/accounts/{number}/{action}", json=body, headers=self.banker.headers)


def open_own(client: FlaskClient, who: Login, *, key: str | None = None, **body: Any) -> TestResponse:
    """Let a customer open an account of the product SAVER and return the answer, whatever it is."""
    headers = who.headers | ({"Idempotency-Key": key} if key else {})
    return client.post("/accounts", json={"product": "SAVER", **body}, headers=headers)


def numbers_of(client: FlaskClient, who: Login) -> list[str]:
    """Return the numbers of a customer's accounts."""
    return [account["number"] for account in client.get("/accounts", headers=who.headers).json["items"]]
