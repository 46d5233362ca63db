"""What every intent tells of the request that it stems from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from app.domain.actor import Actor
from app.domain.ids import random_id, transaction_id


def intent_facts(actor: Actor, key: str | None, route: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an intent's id, fingerprint and initiator.

    Without a key one is made up, so that even then a caller can be told how to retry. `route` and `body` are what was
    sent, amounts in minor units, before any default is filled in. A customer acts for themselves; staff act with the
    bank's authority, at the counter.
    """
    key = key or random_id()
    return {
        "id": transaction_id(actor.user_id, key),
        "fingerprint": fingerprint(route, body),
        "idempotency_key": key,
        "initiated_by": actor.user_id,
        "channel": "counter" if actor.is_staff else "api",
        "customer_id": actor.customer_id,
        "branch": actor.branch,
    }


def fingerprint(route: str, body: Mapping[str, Any]) -> str:
    """Digest a request, to tell a repeated one from another under the same key."""
    return hashlib.sha256(json.dumps([route, body], sort_keys=True).encode()).hexdigest()
