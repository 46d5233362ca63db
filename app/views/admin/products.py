"""Maintaining what the bank offers."""

from __future__ import annotations

from typing import Any

from app.controllers import products
from app.domain.errors import CodeTaken, NotFound, PreconditionFailed, StateConflict
from app.domain.paging import Page
from app.domain.products import Product
from app.schemas.base import page_of
from app.schemas.products import MaintainedProductOut, ProductChangeIn, ProductIn, ProductsQuery
from app.views.blueprint import Blueprint
from app.views.etags import if_match, tagged
from app.views.guards import ADMIN, guard
from app.views.http import actor, store

bp = Blueprint("admin_products", __name__, url_prefix="/admin/products", description="What the bank offers.")
guard(bp, ADMIN)


@bp.get("")
@bp.arguments(ProductsQuery, location="query")
@bp.response(200, page_of(MaintainedProductOut))
def list_products(query: dict[str, Any]) -> Page[Product]:
    """List all products, also those that are offered no more, by code."""
    return products.list_products(store(), **query)


@bp.post("")
@bp.arguments(ProductIn)
@bp.versioned
@bp.refuses(CodeTaken)
@bp.response(201, MaintainedProductOut)
def create_product(body: dict[str, Any]) -> Any:
    """Offer a new product."""
    return tagged(products.create_product(store(), actor(), body), 201)


@bp.get("/<code>")
@bp.versioned
@bp.refuses(NotFound)
@bp.response(200, MaintainedProductOut)
def show_product(code: str) -> Any:
    """Show a product."""
    return tagged(products.get_product(store(), code))


@bp.patch("/<code>")
@bp.arguments(ProductChangeIn)
@bp.changes_version
@bp.refuses(NotFound, StateConflict)
@bp.response(200, MaintainedProductOut)
def change_product(body: dict[str, Any], code: str) -> Any:
    """Change a product's terms, for accounts that are opened from then on."""
    return tagged(products.change_product(store(), actor(), code, body, version=if_match()))


@bp.post("/<code>/withdraw")
@bp.versioned
@bp.refuses(NotFound, StateConflict, PreconditionFailed)
@bp.response(200, MaintainedProductOut)
def withdraw_product(code: str) -> Any:
    """Offer a product no more; accounts of it stay as they are."""
    return tagged(products.withdraw_product(store(), actor(), code))
