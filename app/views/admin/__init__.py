"""What administrators maintain."""

from __future__ import annotations

from app.views.admin import audit, branches, fx_rates, policies, products, system, users
from app.views.blueprint import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = (fx_rates.bp, branches.bp, products.bp, audit.bp, policies.bp, system.bp, users.bp)
