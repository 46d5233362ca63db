"""Which parts of many were refused, as their common transaction keeps it in its metadata."""

from __future__ import annotations

from collections.abc import Mapping

_NAME = "refused"


def noted(refused: Mapping[int, str]) -> dict[str, str]:
    """Return the metadata that tells of refused parts: position and code of each. Nothing where none was refused."""
    return {_NAME: " ".join(f"{position}:{code}" for position, code in refused.items())} if refused else {}


def told_by(metadata: Mapping[str, str]) -> dict[int, str]:
    """Return the code of each refused part, by its position."""
    pairs = (each.split(":") for each in metadata.get(_NAME, "").split())
    return {int(position): code for position, code in pairs}
