"""Wire shapes of the second factor."""

from __future__ import annotations

from typing import Any, ClassVar

from marshmallow import fields, validate

from app.domain.second_factor import CODE_PATTERN, RECOVERY_CODE_PATTERN, RECOVERY_CODES
from app.schemas.base import BaseSchema, OutSchema
from app.schemas.fields import TimestampOut

_PASSWORD_LENGTH_MAX = 128
_TICKET_LENGTH_MAX = 64
_RECOVERY_EXAMPLES = ["mfrg-gzdf-mztw-q2lk", "nnwg-23tv-pfxx-a2lb"]
_either = validate.Regexp(
    rf"^(?:{CODE_PATTERN}|{RECOVERY_CODE_PATTERN})\Z", error="Give the six digits of a code, or a recovery code."
)


class CodeField(fields.String):
    """A code of the authenticator, or in its place a recovery code."""

    def __init__(self, **options: Any) -> None:
        pattern = rf"^(?:{CODE_PATTERN}|{RECOVERY_CODE_PATTERN})$"
        metadata = {"description": "Six digits of the authenticator, or a recovery code.", "pattern": pattern}
        super().__init__(validate=_either, metadata=metadata, **options)


class PasswordProofIn(BaseSchema):
    """The caller's password, as proof."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"password": "violet harbour 27 lanterns"}

    password = fields.String(
        required=True, validate=validate.Length(1, _PASSWORD_LENGTH_MAX), metadata={"format": "password"}
    )


class CodeIn(BaseSchema):
    """A code of the caller's authenticator."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"code": "492039"}

    code = CodeField(required=True)


class MfaDisableIn(PasswordProofIn):
    """The caller's password and a code."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"password": "violet harbour 27 lanterns", "code": "492039"}

    code = CodeField(required=True)


class MfaLoginIn(BaseSchema):
    """The ticket that /auth/login answered with, and a code."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"ticket": "Vw4q0Jr0lYw3Yd1m8cX5uQb7sT2kZp9eHf6aNg1iRjo", "code": "492039"}

    ticket = fields.String(required=True, validate=validate.Length(1, _TICKET_LENGTH_MAX))
    code = CodeField(required=True)


class MfaOut(OutSchema):
    """The caller's second factor."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "enabled": True,
        "required": False,
        "since": "2026-01-31T12:00:00.000Z",
        "recovery_codes_left": 10,
    }

    enabled = fields.Function(lambda state: state.authenticator is not None, metadata={"type": "boolean"})
    required = fields.Boolean(metadata={"description": "Whether the bank insists on one."})
    since = TimestampOut(attribute="authenticator.confirmed_at", dump_default=None, allow_none=True)
    recovery_codes_left = fields.Integer(attribute="authenticator.recovery_codes_left", dump_default=0)


class EnrolmentOut(OutSchema):
    """What an authenticator app needs, shown this once: scan the picture, or type the secret."""

    EXAMPLE: ClassVar[dict[str, Any]] = {
        "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "provisioning_uri": "otpauth://totp/Bank:carol?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Bank",
        "qr_svg": '<svg width="148" height="148" class="segno"><path class="qrline" d="M4 4.5h7"/></svg>',
    }

    secret = fields.String(metadata={"description": "In base 32."})
    provisioning_uri = fields.String()
    qr_svg = fields.String(metadata={"description": "The provisioning URI as a QR code: an SVG element."})


class RecoveryCodesOut(OutSchema):
    """Codes for the day the authenticator is lost, shown this once; each is good for one use in place of a code."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"recovery_codes": _RECOVERY_EXAMPLES * (RECOVERY_CODES // 2)}

    recovery_codes = fields.List(fields.String())
