"""Wire shapes of the health endpoints."""

from __future__ import annotations

from marshmallow import fields, validate

from app.schemas.base import OutSchema


class LiveOut(OutSchema):
    """The process answers."""

    EXAMPLE = {"status": "ok"}

    status = fields.String(validate=validate.Equal("ok"))


class HealthOut(OutSchema):
    """The state of one process and of its database."""

    EXAMPLE = {"status": "ok", "version": "0.1.0", "database": "up", "clock": "right", "queue_depth": 0}

    status = fields.String(validate=validate.OneOf(["ok", "degraded"]))
    version = fields.String()
    database = fields.String(validate=validate.OneOf(["up", "down"]))
    clock = fields.String(
        validate=validate.OneOf(["right", "wrong"]),
        metadata={"description": "Wrong: it differs from the database's, and no money is moved until it is mended."},
    )
    queue_depth = fields.Integer(
        validate=validate.Range(min=0), metadata={"description": "Postings that wait for the journal in this process."}
    )
