"""Small libraries that change what a program hears from the system, compiled when they are needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def missing() -> str:
    """Say why there can be none on this machine; nothing where there can."""
    return "" if sys.platform == "linux" and shutil.which("gcc") else "needs Linux and gcc"


def build(name: str, folder: Path) -> Path:
    """Compile the source of this name, which lies beside this file, and return the library for LD_PRELOAD."""
    source, library = Path(__file__).with_name(f"{name}.c"), folder / f"{name}.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library
