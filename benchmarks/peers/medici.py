"""medici 7, double entry on MongoDB in Node.js: its overdraft-safe transfers on the very mongod that the bank uses."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

_FOLDER = Path(__file__).parent
_START_S_MAX = 120


def install() -> str | None:
    """Install the pinned packages, unless they are there; return why that can't be, or None."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "Node.js and npm are needed: apt-get install nodejs npm"
    if (_FOLDER / "node_modules" / "medici").exists():
        return None
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel", "error"]
    said = subprocess.run(command, cwd=_FOLDER, capture_output=True, text=True, check=False)
    return said.stderr.strip() or "npm ci failed" if said.returncode else None


def measure(uri: str, *, seconds: float, accounts: int) -> float:
    """Return how many transfers a second 64 callers make over so many accounts."""
    command = ["node", "medici.mjs", uri, str(seconds), str(accounts)]
    said = subprocess.run(
        command, cwd=_FOLDER, capture_output=True, text=True, check=True, timeout=_START_S_MAX + seconds
    )
    return float(json.loads(said.stdout)["rate"])
