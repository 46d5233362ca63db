"""Payments from one account to many: a payroll, say."""

from __future__ import annotations

from typing import Any

from app.controllers import bulk
from app.domain.approvals import Answered
from app.domain.bulk import Bulk, LineResult
from app.domain.errors import MalformedCsv, NotFound
from app.domain.paging import Page
from app.schemas.approvals import ApprovalOut
from app.schemas.base import page_of
from app.schemas.bulk import BulkIn, BulkLineOut, BulkLinesQuery, BulkOut, BulkQuery, BulksQuery
from app.views.blueprint import Blueprint
from app.views.bulk_body import CSV_TYPE, BulkFile, order_of, read_bulk
from app.views.guards import BANKER, guard
from app.views.http import REPLAYED_HEADER, actor, asked, idempotency_key, store

bp = Blueprint("bulk", __name__, url_prefix="/banker/bulk", description="Payments from one account to many.")
guard(bp, BANKER)
_CSV = {"schema": {"type": "string"}, "example": "to,amount,description,reference\n730184652996,1250.00,Salary,P1\n"}


@bp.post("")
@bp.arguments(BulkQuery, location="query")
@bp.arguments(BulkIn, read=read_bulk)
@bp.moves_money
@bp.refuses(MalformedCsv, NotFound)
@bp.doc(requestBody={"content": {CSV_TYPE: _CSV}})
@bp.response(201, BulkOut, instead={202: ApprovalOut})
def create_bulk(query: dict[str, str], file: BulkFile) -> Any:
    """Pay up to 10,000 from one account, each by itself or all together; a large total a second person approves.

    A file that is not in order from its first line to its last is refused whole. Each line then has its own result.
    A long file is answered while it is being posted. The same file with the same key, or without one on the same day,
    is the same bulk payment: it goes on where it was, and nobody is paid twice.
    """
    answer = bulk.pay(store(), actor(), order_of(query, file, key=idempotency_key()))
    if isinstance(answer, Answered):
        return asked(answer)
    return answer.bulk, 201, {REPLAYED_HEADER: "true"} if answer.replayed else {}


@bp.get("")
@bp.arguments(BulksQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(BulkOut))
def list_bulks(query: dict[str, Any]) -> Page[Bulk]:
    """List bulk payments, the newest first."""
    return bulk.list_bulks(store(), **query)


@bp.get("/<bulk_id>")
@bp.refuses(NotFound)
@bp.response(200, BulkOut)
def show_bulk(bulk_id: str) -> Bulk:
    """Show a bulk payment and how far it is."""
    return bulk.get_bulk(store(), bulk_id)


@bp.get("/<bulk_id>/lines")
@bp.arguments(BulkLinesQuery, location="query")
@bp.refuses(NotFound)
@bp.response(200, page_of(BulkLineOut))
def list_bulk_lines(query: dict[str, Any], bulk_id: str) -> Page[LineResult]:
    """List the lines of a bulk payment with what became of each."""
    return bulk.list_lines(store(), bulk_id, **query)
