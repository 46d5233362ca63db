"""What bankers can open for customers."""

from __future__ import annotations

from typing import Any

from app.controllers.products import list_offered
from app.domain.paging import Page
from app.domain.products import Product
from app.schemas.base import page_of
from app.schemas.products import ProductOut, ProductsQuery
from app.views.blueprint import Blueprint
from app.views.guards import BANKER, guard
from app.views.http import store

bp = Blueprint(
    "banker_products", __name__, url_prefix="/banker/products", description="What bankers can open for customers."
)
guard(bp, BANKER)


@bp.get("")
@bp.arguments(ProductsQuery, location="query")
@bp.response(200, page_of(ProductOut))
def list_products(query: dict[str, Any]) -> Page[Product]:
    """List what can be opened for customers, by code."""
    return list_offered(store(), **query)
