"""Wire shapes of what administrators see of the running system: jobs, settings, health."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import fields, validate

from app.schemas.base import OutSchema
from app.schemas.fields import TimestampOut

JOB_RESULTS = ["never", "running", "ok", "failed"]


class JobOut(OutSchema):
    """A job, its last run, and when it is due next (null before it has ever been)."""

    EXAMPLE = {
        "name": "seal-audit",
        "description": "Seal the audit trail's new records.",
        "every_s": 2,
        "result": "ok",
        "message": "3 sealed",
        "started_at": "2026-01-31T12:00:00.000Z",
        "ended_at": "2026-01-31T12:00:00.020Z",
        "due_at": "2026-01-31T12:00:02.000Z",
        "overdue": False,
    }

    name = fields.String(attribute="job.name")
    description = fields.String(attribute="job.description")
    every_s = fields.Integer(attribute="every_s")
    result = fields.String(
        validate=validate.OneOf(JOB_RESULTS), metadata={"description": "How the last run ended, or `running`."}
    )
    message = fields.String(attribute="state.message", dump_default=None, allow_none=True)
    started_at = TimestampOut(attribute="state.started_at", dump_default=None, allow_none=True)
    ended_at = TimestampOut(attribute="state.ended_at", dump_default=None, allow_none=True)
    due_at = TimestampOut(attribute="state.due_at", dump_default=None, allow_none=True)
    overdue = fields.Boolean(attribute="is_overdue", metadata={"description": "Nobody has run it for over a minute."})


class SettingOut(OutSchema):
    """A setting by the name of its variable, with the value in force."""

    EXAMPLE = {"name": "BANK_CURRENCY", "value": "USD"}

    name = fields.String()
    value = fields.Raw(metadata={"description": "Text, a number, true or false, or a list of texts."})


class DatabaseStateOut(OutSchema):
    """The database server that answers."""

    EXAMPLE = {
        "status": "up",
        "replica_set": "bank",
        "primary": True,
        "members": 3,
        "round_trip_ms": 0.42,
    }

    status = fields.Function(lambda _: "up", metadata={"type": "string", "enum": ["up"]})
    replica_set = fields.String(allow_none=True)
    primary = fields.Boolean(attribute="is_primary")
    members = fields.Integer()
    round_trip_ms = fields.Float()


class ClockStateOut(OutSchema):
    """How this machine's clock stands to the clocks of the database's members."""

    EXAMPLE = {"right": True, "skew_s": 0.002, "members_apart_s": 0.011}

    right = fields.Boolean(attribute="is_right", metadata={"description": "If not, this process moves no money."})
    skew_s = fields.Float(
        allow_none=True,
        metadata={"description": "Seconds it is ahead; at least half of the members are as close, or closer."},
    )
    members_apart_s = fields.Float(metadata={"description": "How far the members' clocks are from each other."})


class SystemStateOut(OutSchema):
    """The state of each part of the system, as this process sees it."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "status": "ok",
        "version": "0.1.0",
        "uptime_s": 86400,
        "database": DatabaseStateOut.EXAMPLE,
        "clock": ClockStateOut.EXAMPLE,
        "journal_queue_depth": 0,
        "audit_unsealed": 3,
        "jobs_overdue": [],
        "jobs_failed": [],
    }

    status = fields.Function(
        lambda state: "ok" if state.is_well else "degraded", metadata={"type": "string", "enum": ["ok", "degraded"]}
    )
    version = fields.String()
    uptime_s = fields.Integer()
    database = fields.Nested(DatabaseStateOut, allow_none=True, metadata={"description": "Null: nobody answers."})
    clock = fields.Nested(ClockStateOut)
    journal_queue_depth = fields.Integer(metadata={"description": "Postings that wait in this process."})
    audit_unsealed = fields.Integer(metadata={"description": "Audit records without a seal; counted up to 10,000."})
    jobs_overdue = fields.List(fields.String())
    jobs_failed = fields.List(fields.String(), metadata={"description": "Those whose last run failed."})
