"""The documents under docs/ that are made from the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app import documentation
from app.documentation import FOLDER, documents, write_documents


@pytest.mark.parametrize("name", list(documents()))
def test_the_committed_document_is_the_one_that_the_code_makes(name: str) -> None:
    made = documents()[name]()
    assert (FOLDER / name).read_text() == made, "run `python -m app.documentation` and commit the difference"


def test_documents_are_written_where_they_differ(tmp_path: Path) -> None:
    assert write_documents(tmp_path) == list(documents())
    assert write_documents(tmp_path) == []
    (tmp_path / "errors.md").write_text("of old")
    assert write_documents(tmp_path) == ["errors.md"]


def test_the_command_names_what_it_wrote(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.documentation", str(tmp_path)]
    for said in ("Changed: openapi.json, errors.md, postman_collection.json", "Everything was up to date."):
        made = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, check=True)
        assert made.stdout.splitlines()[-1] == said


def requests_of(item: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the requests of a Postman folder and of those below it."""
    return [item["request"]] if "request" in item else [found for below in item["item"] for found in requests_of(below)]


def test_the_collection_calls_every_described_operation_and_nothing_else() -> None:
    collection = json.loads(documents()["postman_collection.json"]())
    called = {
        (request["method"], "/" + "/".join(re.sub(r"{{\w+}}", "{}", part) for part in request["url"]["path"]))
        for request in requests_of(collection)
    }
    described = {
        (method.upper(), re.sub(r"{\w+}", "{}", path))
        for path, operations in documentation.description()["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert called == described


def test_the_collection_names_every_variable_that_it_uses() -> None:
    text = documents()["postman_collection.json"]()
    used = set(re.findall(r"{{(\w+)}}", text)) | set(re.findall(r'(?:set|get)\(\\"(\w+)\\"', text))
    assert used == {variable["key"] for variable in json.loads(text)["variable"]}
