"""The blueprint of this API: smorest's documentation, with strict parsing and an audience.

smorest's decorators document an operation; what runs is ours, for theirs cost a good part of a short request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from json import JSONEncoder
from types import MappingProxyType
from typing import Any, TypeVar

import flask_smorest
from flask import Request
from marshmallow import Schema

from app.domain.actor import Role
from app.domain.errors import BankError, MfaEnrolmentRequired
from app.schemas.base import OutSchema
from app.views import refusals
from app.views.http import this_request
from app.views.openapi import BEARER, ETAG, IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, IF_MATCH, asking
from app.views.parsing import JSON_TYPE, is_optional, read_json, read_query
from app.views.response import WholeResponse

View = TypeVar("View", bound=Callable[..., Any])
ASKED = 202
"""Instead of what an operation does: it waits for a second person."""
NOTHING_ELSE: Mapping[int, type[OutSchema]] = MappingProxyType({})
Read = Callable[[Schema, Request], Any]
_READERS: Mapping[str, Read] = {"json": read_json, "query": read_query}
_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a blueprint serves; without roles, everyone, logged in or not.

    `may_enrol` lets in whoever is still without the second factor that the bank insists on.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    may_enrol: bool = False

    @property
    def needs_second_factor_of_staff(self) -> bool:
        """Tell whether staff who must have a second factor, and have given none, are kept out before all else."""
        return bool(self.roles) and not self.may_enrol


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]  # smorest is untyped
    """A group of operations for one audience; `guards.guard` says which, and nothing is registered without."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.audience: Audience | None = None
        self._prepare_doc_cbks.append(self._prepare_refusals_doc)

    def arguments(
        self, schema: type[Schema], *, location: str = "json", read: Read | None = None, **options: Any
    ) -> Callable[[View], Any]:
        """Read the body (or the `query`) into the schema and hand it to the view, after earlier ones.

        `read` reads it in another way than a schema's own.
        """
        shape = schema()
        parse = read or _READERS[location]
        needed = {"required": read is not None or not is_optional(shape)}
        document = super().arguments(shape, location=location, **needed, **options)

        def decorate(view: View) -> Any:
            @wraps(document(view))
            def call(*arguments: Any, **named: Any) -> Any:
                return view(*arguments, parse(shape, this_request()), **named)

            return call

        return decorate

    def response(
        self,
        status_code: int,
        schema: type[OutSchema] | None = None,
        *,
        instead: Mapping[int, type[OutSchema]] = NOTHING_ELSE,
        **options: Any,
    ) -> Callable[[View], Any]:
        """Answer with what the view returns, as the schema lists it; the view may add (status, headers).

        `instead` names the other successes that the view may answer with, by their status.
        """
        shape = schema() if schema else None
        others = {status: other() for status, other in instead.items()}
        document = super().response(status_code, shape, **options)
        document_others = [
            self.alt_response(status, schema=other, headers=asking() if status == ASKED else None)
            for status, other in others.items()
        ]

        def decorate(view: View) -> Any:
            documented = document(view)
            for document_other in document_others:
                documented = document_other(documented)

            @wraps(documented)
            def call(*arguments: Any, **named: Any) -> WholeResponse:
                result, status, headers = view(*arguments, **named), status_code, None
                if type(result) is tuple:  # a record may be a named tuple: that is the result itself
                    result, status, headers = result
                if shape is None:
                    return _empty(status)
                content = others.get(status, shape).dump(result)
                return WholeResponse(_encode(content), status, headers, content_type=JSON_TYPE)

            return call

        return decorate

    def refuses(self, *errors: type[BankError]) -> Callable[[View], View]:
        """Document that an operation may answer with these errors, beside those that its shape and guard imply."""

        def decorate(view: View) -> View:
            _documented(view).setdefault("refusals", []).extend(errors)
            return view

        return decorate

    def moves_money(self, view: View) -> View:
        """Document that an operation takes an `Idempotency-Key`, and what that can lead to."""
        documented = _documented(view)
        documented.setdefault("refusals", []).extend(refusals.BY_MOVING_MONEY)
        documented["is_replayable"] = True
        return view

    def versioned(self, view: View) -> View:
        """Document that an operation answers with a record's `ETag`; see `etags`."""
        _documented(view)["is_versioned"] = True
        return view

    def changes_version(self, view: View) -> View:
        """Document that an operation asks for `If-Match` and answers with the new `ETag`; see `etags`."""
        documented = _documented(view)
        documented.setdefault("refusals", []).extend(refusals.BY_CHANGING_A_VERSION)
        documented["is_versioned"] = documented["asks_for_version"] = True
        return view

    def _store_endpoint_docs(self, endpoint: str, *arguments: Any, **options: Any) -> None:
        super()._store_endpoint_docs(endpoint, *arguments, **options)
        for documented in self._docs[endpoint].values():
            if documented is not None:
                documented.setdefault("manual_doc", {})["operationId"] = f"{self.name}.{endpoint}"

    def _prepare_refusals_doc(self, doc: dict[str, Any], documented: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Describe who may call, the retry key where money moves, and every problem the operation can answer with."""
        roles = self.audience.roles if self.audience else frozenset()
        doc["security"] = [{BEARER: []}] if roles else []
        possible = (*refusals.implied(doc, roles), *documented.get("refusals", ()))
        if self.audience and self.audience.needs_second_factor_of_staff:
            possible = (MfaEnrolmentRequired, *possible)
        if documented.get("is_replayable"):
            doc.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
            _add_header(doc, "Idempotent-Replayed", IDEMPOTENT_REPLAYED)
        if documented.get("asks_for_version"):
            doc.setdefault("parameters", []).append(IF_MATCH)
        if documented.get("is_versioned"):
            _add_header(doc, "ETag", ETAG)
        doc["responses"] = dict(sorted({**doc["responses"], **refusals.described(possible)}.items()))
        return doc


def _documented(view: Any) -> dict[str, Any]:
    """Return where smorest keeps what it knows of a view; its decorators copy it on."""
    view._apidoc = dict(getattr(view, "_apidoc", {}))
    found: dict[str, Any] = view._apidoc
    return found


def _add_header(doc: dict[str, Any], name: str, header: dict[str, Any]) -> None:
    """Describe a header of the operation's own answers."""
    for response in doc["responses"].values():
        if isinstance(response, dict):
            response.setdefault("headers", {})[name] = header


def _empty(status: int) -> WholeResponse:
    response = WholeResponse(status=status)
    del response.headers["Content-Type"]
    return response
