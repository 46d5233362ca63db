"""Wire shapes of transfers."""

from __future__ import annotations

from app.schemas.base import BaseSchema
from app.schemas.fields import AccountNumber, AmountIn, Text
from app.schemas.transactions import DESCRIPTION_LENGTH_MAX

REFERENCE_LENGTH_MAX = 35
"""As long as an end-to-end reference in ISO 20022 may be."""


class CounterTransferIn(BaseSchema):
    """Money from one customer's account to another."""

    EXAMPLE = {
        "from": "482915306750",
        "to": "730184652996",
        "amount": "25.00",
        "description": "Rent for May",
        "reference": "RENT-2026-05",
    }

    source = AccountNumber(required=True, data_key="from")
    to = AccountNumber(required=True)
    amount = AmountIn(required=True, metadata={"description": "In the currency of the account that it comes from."})
    description = Text(max_length=DESCRIPTION_LENGTH_MAX, metadata={"description": "Shown in both histories."})
    reference = Text(
        min_length=1, max_length=REFERENCE_LENGTH_MAX, metadata={"description": "Shown in both histories, unchanged."}
    )


class TransferIn(CounterTransferIn):
    """Money from one of the caller's accounts to another, of theirs or of anyone's."""

    source = AccountNumber(data_key="from", metadata={"description": "Without it, the primary account."})
    quote = Text(
        min_length=1,
        max_length=64,
        metadata={"description": "The id of a quote, which a payment into another currency needs."},
    )
    confirmation = Text(
        min_length=1,
        max_length=64,
        metadata={"description": "The id of its confirmation, where it is large or to somebody new."},
    )
