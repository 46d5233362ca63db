"""Users to try a new development database with; their passwords are made up each time and shown once."""

from __future__ import annotations

import secrets

from app.controllers.registration import create_staff, register
from app.domain.actor import Role
from app.models.store import Store

_CUSTOMERS = {"alice": "Alice Archer", "bob": "Bob Baker"}
_STAFF = {"banker": Role.BANKER, "banker2": Role.BANKER, "admin": Role.ADMIN}
"""Two bankers, for what one asks for another one approves."""
_PASSWORD_BYTES = 12


def create_demo_users(store: Store) -> dict[str, str]:
    """Create two customers, two bankers and an administrator where there is no user yet; return names and passwords."""
    if not store.users.is_empty():
        return {}
    passwords = {name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in (*_CUSTOMERS, *_STAFF)}
    for name, full_name in _CUSTOMERS.items():
        register(store, name, passwords[name], full_name=full_name)
    for name, role in _STAFF.items():
        create_staff(store, name, passwords[name], role)
    return passwords
