"""What administrators maintain."""

from __future__ import annotations

from app.views.blueprint import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
