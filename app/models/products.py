"""Products, by their code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import Int64
from pymongo import ASCENDING, IndexModel
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from app.domain.accounts import AccountType, Limits
from app.domain.errors import CodeTaken, NotFound, PreconditionFailed
from app.domain.money import AMOUNT_MINOR_MAX
from app.domain.paging import Page
from app.domain.products import FEES_MAX, Fee, Product, ProductStatus, default_product_code
from app.models.collection import CollectionSpec, Document

_AMOUNT = {"bsonType": "long", "minimum": 0, "maximum": AMOUNT_MINOR_MAX}
_NAME = {"bsonType": "string", "minLength": 1, "maxLength": 100}

SPEC = CollectionSpec(
    "products",
    indexes=(
        IndexModel(
            [("self_service", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)], name="offered_to_customers"
        ),
        IndexModel([("status", ASCENDING), ("_id", ASCENDING)], name="offered"),
    ),
    schema={
        "required": ["name", "type", "currency", "minimum_balance", "overdraft_max", "limits", "interest_rate", "fees",
                     "self_service", "status", "version", "created_at", "updated_at"],
        "additionalProperties": False,
        "properties": {
            "_id": {"bsonType": "string", "minLength": 1, "maxLength": 32},
            "name": _NAME,
            "type": {"enum": [str(type_) for type_ in AccountType if type_ is not AccountType.INTERNAL]},
            "currency": {"bsonType": "string", "pattern": "^[A-Z]{3}$"},
            "minimum_balance": _AMOUNT,
            "overdraft_max": _AMOUNT,
            "limits": {
                "bsonType": "object",
                "additionalProperties": False,
                "properties": dict.fromkeys(Limits._fields, _AMOUNT),
            },
            "interest_rate": {"bsonType": "string", "pattern": r"^-?[0-9]{1,3}(\.[0-9]{1,6})?$"},
            "fees": {
                "bsonType": "array",
                "maxItems": FEES_MAX,
                "items": {
                    "bsonType": "object",
                    "required": ["name", "amount"],
                    "additionalProperties": False,
                    "properties": {"name": _NAME, "amount": _AMOUNT},
                },
            },
            "self_service": {"bsonType": "bool"},
            "status": {"enum": [str(status) for status in ProductStatus]},
            "version": {"bsonType": "long", "minimum": 1},
            "created_at": {"bsonType": "date"},
            "updated_at": {"bsonType": "date"},
        },
    },
)  # fmt: skip


class Products:
    """What the bank offers, and what it used to offer."""

    def __init__(self, database: Database[Document]) -> None:
        self._collection = database[SPEC.name]

    def ensure_default(self, currency: str, *, now: datetime) -> None:
        """Add the product of first accounts in this currency, where it is missing."""
        if self.find(default_product_code(currency)) is None:
            try:
                self.insert(Product.default(currency, now=now))
            except CodeTaken:
                return  # another process started at the same time

    def insert(self, product: Product, *, session: ClientSession | None = None) -> None:
        """Add a new product.

        Raises:
            CodeTaken: there is one of this code.
        """
        try:
            self._collection.insert_one(_document(product), session=session)
        except DuplicateKeyError:
            raise CodeTaken from None

    def find(self, code: str) -> Product | None:
        """Return the product of this code, or None."""
        found = self._collection.find_one({"_id": code})
        return _product(found) if found else None

    def get(self, code: str) -> Product:
        """Return the product of this code.

        Raises:
            NotFound: there is none.
        """
        product = self.find(code)
        if product is None:
            raise NotFound
        return product

    def page(
        self, *, status: ProductStatus | None = None, self_service: bool | None = None, limit: int, cursor: str | None
    ) -> Page[Product]:
        """Return the products behind `cursor` (a code) that are wanted, by code."""
        wanted = {"self_service": self_service, "status": status and str(status)}
        query: Document = {name: value for name, value in wanted.items() if value is not None}
        query |= {"_id": {"$gt": cursor}} if cursor else {}
        found = [_product(each) for each in self._collection.find(query).sort("_id", ASCENDING).limit(limit + 1)]
        return Page(found[:limit], found[limit - 1].code if len(found) > limit else None)

    def replace(self, product: Product, *, version: int, session: ClientSession | None = None) -> None:
        """Write a product over its own `version`.

        Raises:
            PreconditionFailed: somebody else has changed it.
        """
        as_read = {"_id": product.code, "version": version}
        written = self._collection.replace_one(as_read, _document(product), session=session)
        if not written.matched_count:
            raise PreconditionFailed


def _document(product: Product) -> Document:
    return {
        "_id": product.code,
        "name": product.name,
        "type": str(product.type),
        "currency": product.currency,
        "minimum_balance": Int64(product.minimum_balance),
        "overdraft_max": Int64(product.overdraft_max),
        "limits": {name: Int64(bound) for name, bound in product.limits._asdict().items() if bound is not None},
        "interest_rate": product.interest_rate,
        "fees": [{"name": fee.name, "amount": Int64(fee.amount)} for fee in product.fees],
        "self_service": product.self_service,
        "status": str(product.status),
        "version": Int64(product.version),
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def _product(found: Mapping[str, Any]) -> Product:
    return Product(
        code=found["_id"],
        name=found["name"],
        type=AccountType(found["type"]),
        currency=found["currency"],
        minimum_balance=int(found["minimum_balance"]),
        overdraft_max=int(found["overdraft_max"]),
        limits=Limits(**{name: int(bound) for name, bound in found["limits"].items()}),
        interest_rate=found["interest_rate"],
        fees=tuple(Fee(fee["name"], int(fee["amount"])) for fee in found["fees"]),
        self_service=found["self_service"],
        status=ProductStatus(found["status"]),
        version=int(found["version"]),
        created_at=found["created_at"],
        updated_at=found["updated_at"],
    )
