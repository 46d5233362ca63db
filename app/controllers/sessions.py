"""Carrying sessions on, listing them and ending them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from app.domain.actor import Actor
from app.domain.audit import Party, Subject
from app.domain.errors import NotAuthenticated, NotFound
from app.domain.ids import random_id
from app.domain.paging import Page
from app.domain.sessions import Grant, Session
from app.domain.users import User
from app.models import access

if TYPE_CHECKING:
    from app.models.store import Store

_log = structlog.get_logger("bank.auth")


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session, and whether it is the one that asks."""

    session: Session
    current: bool


def refresh(store: Store, *, session_id: str, user_id: str, jti: str) -> Grant:
    """Exchange the newest refresh token of a session for its successor, after RFC 9700.

    The last token but one brings the same successor again for ten seconds: the first answer may have been lost. Any
    other use of a spent token means that two hold the session, so it ends for both.

    Raises:
        NotAuthenticated: the session is over, the user was changed since the login, or the token was spent.
    """
    now = store.clock.now()
    session, user = _live(store, session_id, user_id, now=now)
    if session.current_jti == jti:
        lifetime_end = session.created_at + store.config.session_lifetime_max
        expires_at = min(now + store.config.refresh_token_lifetime, lifetime_end)
        rotated = store.sessions.rotate(session, random_id(), now=now, expires_at=expires_at)
        if rotated is not None:
            return Grant(user, rotated)
        session, user = _live(store, session_id, user_id, now=now)  # somebody else was quicker with the same token
    if session.is_retry(jti, now):
        return Grant(user, session)
    audited = store.audit.also("auth.refresh_reuse", Party(user.id, user.role), Subject("session", session_id))
    access.end_session(store, session_id, user_id, also=audited)
    _log.warning("refresh_token_reused", user_id=user_id, session_id=session_id)
    raise NotAuthenticated


def log_out(store: Store, actor: Actor) -> None:
    """End the caller's session."""
    audited = store.audit.also("auth.logout", actor, Subject("session", actor.session_id))
    access.end_session(store, actor.session_id, actor.user_id, also=audited)
    _log.info("logged_out", user_id=actor.user_id, session_id=actor.session_id)


def list_sessions(store: Store, actor: Actor, *, limit: int, cursor: str | None) -> Page[ListedSession]:
    """Return a page of the caller's live sessions, newest first."""
    user = store.users.get(actor.user_id)
    found = store.sessions.page_of_user(user, now=store.clock.now(), limit=limit + 1, after=cursor)
    items = [ListedSession(session, session.id == actor.session_id) for session in found[:limit]]
    return Page(items, found[limit - 1].id if len(found) > limit else None)


def end_session(store: Store, actor: Actor, session_id: str) -> None:
    """End one of the caller's sessions.

    Raises:
        NotFound: there is none of this id, or it is somebody else's, or it is over.
    """
    audited = store.audit.also("auth.session_end", actor, Subject("session", session_id))
    if not access.end_session(store, session_id, actor.user_id, also=audited):
        raise NotFound
    _log.info("session_ended", user_id=actor.user_id, session_id=session_id)


def _live(store: Store, session_id: str, user_id: str, *, now: datetime) -> tuple[Session, User]:
    """Return a session that may go on, and its user.

    Raises:
        NotAuthenticated: it has ended or expired, or its user was disabled or changed since the login.
    """
    session = store.sessions.find_live(session_id, now=now)
    if session is None or session.user_id != user_id:
        raise NotAuthenticated
    user = store.users.get(user_id)
    if user.disabled or session.epoch != user.epoch:
        raise NotAuthenticated
    return session, user
