"""Who gets in: authentication and role hang on a blueprint, and a blueprint without a guard can't be registered."""

from __future__ import annotations

from functools import partial

import flask_smorest
from flask import Flask, g

from app.domain.actor import Role
from app.domain.errors import Forbidden, MfaEnrolmentRequired
from app.views.authentication import authenticate, verified_token
from app.views.blueprint import Audience, Blueprint
from app.views.http import config

PUBLIC = Audience("public")
LOGGED_IN = Audience("logged in", frozenset(Role))
ENROLLING = Audience("enrolling", frozenset(Role), may_enrol=True)
CUSTOMER = Audience("customer", frozenset({Role.CUSTOMER}))
BANKER = Audience("banker", frozenset({Role.BANKER, Role.ADMIN}))
ADMIN = Audience("admin", frozenset({Role.ADMIN}))


class Unguarded(Exception):
    """A mistake of ours, found at start: a route that nobody has decided about."""


def guard(blueprint: Blueprint, audience: Audience) -> None:
    """Let only this audience reach the blueprint's routes, whatever the method."""
    blueprint.audience = audience
    if audience is not PUBLIC:
        blueprint.before_request(partial(_admit, audience))


def register(api: flask_smorest.Api, blueprint: Blueprint) -> None:
    """Add a guarded blueprint to the application and its documentation.

    Raises:
        Unguarded: nobody has said whom it serves.
    """
    if blueprint.audience is None:
        raise Unguarded(f"The blueprint {blueprint.name} has no guard.")
    api.register_blueprint(blueprint)


def refuse_unguarded_routes(app: Flask) -> None:
    """Check that every route of the finished application belongs to a guarded blueprint.

    Raises:
        Unguarded: naming the route that does not.
    """
    for rule in app.url_map.iter_rules():
        blueprint = app.blueprints.get(rule.endpoint.rpartition(".")[0])
        if getattr(blueprint, "audience", None) is None:
            raise Unguarded(f"The route {rule.rule} has no guard.")


def _admit(audience: Audience) -> None:
    g.actor = actor = authenticate()
    if actor.is_staff and not (audience.may_enrol or verified_token().second_factor or not config().require_staff_mfa):
        raise MfaEnrolmentRequired
    if actor.role not in audience.roles:
        raise Forbidden
