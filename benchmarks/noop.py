"""The least that the bank's own stack can be asked for: a token checked, a body read and validated, an answer shaped.

It takes in what a deposit takes in, and nothing is done with it: what a request costs besides is the work itself.
"""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import fields

from app.schemas.base import OutSchema
from app.schemas.transactions import MovementIn
from app.serving import load_app
from app.views.blueprint import Blueprint
from app.views.guards import CUSTOMER, guard


class NoopOut(OutSchema):
    """What was sent."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"amount": "100.00", "account": "482915306750", "description": None}

    amount = fields.String()
    account = fields.String(allow_none=True)
    description = fields.String(allow_none=True)


bp = Blueprint("noop", __name__, url_prefix="/noop")
guard(bp, CUSTOMER)


@bp.post("")
@bp.arguments(MovementIn)
@bp.response(200, NoopOut)
def noop(body: dict[str, str]) -> Any:
    """Do nothing."""
    return {"account": None, "description": None, **body}


app = load_app()
app.register_blueprint(bp)
