"""Answers, in the form in which the server sends them quickest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response
from werkzeug.wsgi import ClosingIterator

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class WholeResponse(Response):
    """An answer that hands over all its body at once where it is there already.

    WSGI asks for something to iterate over, and Werkzeug makes an iterator. For each piece of that, and for its end,
    our server goes back to one of Python's threads; a list it sends as it is.
    """

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        pieces = super().get_app_iter(environ)
        if not (self.is_sequence and isinstance(pieces, ClosingIterator)):
            return pieces
        try:
            return list(pieces)
        finally:
            pieces.close()
