"""The documents under docs/ that are made from the code: `python -m app.documentation` writes them anew."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app import create_app
from app.documentation.errors_page import errors_page
from app.documentation.postman import postman_collection
from config import Config

FOLDER = Path(__file__).parents[2] / "docs"


def documents() -> Mapping[str, Callable[[], str]]:
    """Return what makes each document, by its file name."""
    return {
        "openapi.json": lambda: json.dumps(description(), indent=2) + "\n",
        "errors.md": errors_page,
        "postman_collection.json": lambda: postman_collection(description()),
    }


def description() -> dict[str, Any]:
    """Return the OpenAPI description of the API. It depends on the code alone: no database is touched."""
    unused = secrets.token_hex(32)
    app = create_app(
        Config(env="testing", secret_key=unused, password_peppers={1: unused}, mongo_uri="mongomock://"),
    )
    made: dict[str, Any] = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].description()
    return made


def write_documents(folder: Path) -> list[str]:
    """Bring every document in the folder up to date; return the names of those that changed."""
    changed = []
    for name, make in documents().items():
        path, text = folder / name, make()  # float-money: a path
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(name)
    return changed
