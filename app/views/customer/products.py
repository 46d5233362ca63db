"""What customers can open by themselves."""

from __future__ import annotations

from typing import Any

from app.controllers.products import list_offered
from app.domain.paging import Page
from app.domain.products import Product
from app.schemas.base import page_of
from app.schemas.products import ProductOut, ProductsQuery
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard
from app.views.http import store

bp = Blueprint("products", __name__, url_prefix="/products", description="What customers can open by themselves.")
guard(bp, CUSTOMER)


@bp.get("")
@bp.arguments(ProductsQuery, location="query")
@bp.response(200, page_of(ProductOut))
def list_products(query: dict[str, Any]) -> Page[Product]:
    """List what customers may open by themselves, by code."""
    return list_offered(store(), **query, self_service=True)
