"""What the guarantees name as their proof is there."""

from __future__ import annotations

import re

from tests.processes import PROJECT


def test_every_proof_that_is_named_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (PROJECT / "docs" / "guarantees.md").read_text()))
    sources = (path.read_text() for path in (PROJECT / "tests").rglob("test_*.py"))
    defined = {name for text in sources for name in re.findall(r"^def (test_\w+)", text, re.M)}
    assert len(named) > 50
    assert named - defined == set()
