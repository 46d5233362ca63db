"""`python -m tests.postman NEWMAN`: run the Postman collection against a new bank of its own, as it is served."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.live import serving
from tests.processes import PROJECT, environment, processes_of, wait_until

BANKER, ADMIN = "postman.banker", "postman.admin"


def main(newman: str) -> int:
    """Run the collection as it is imported, then twice over with staff; return newman's first failing exit code."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        as_imported = {"baseUrl": server.url}
        banker = {"bankerUsername": BANKER, "bankerPassword": new_staff(Path(folder), BANKER, "banker")}
        admin = {"adminUsername": ADMIN, "adminPassword": new_staff(Path(folder), ADMIN, "admin")}
        code = run(newman, as_imported) or run(newman, {**as_imported, **banker, **admin}, "--iteration-count", "2")
        server.stop()
        wait_until(lambda: not processes_of(Path(folder)))
    return code


def run(newman: str, variables: Mapping[str, str], *options: str) -> int:
    """Return newman's exit code: 0 if every request was answered as the collection says."""
    settings = [part for name, value in variables.items() for part in ("--env-var", f"{name}={value}")]
    collection = PROJECT / "docs" / "postman_collection.json"
    command = [newman, "run", str(collection), *settings, *options, "--bail", "--reporters", "cli", "--color", "off"]
    return subprocess.run(command, cwd=PROJECT, check=False).returncode


def new_staff(data_dir: Path, name: str, role: str) -> str:
    """Make a banker or an administrator as an operator does, and return the password that was shown."""
    command = [sys.executable, "-m", "flask", "--app", "run.py", "users", "create", name, "--role", role]
    settings = environment(FLASK_ENV="development", DATA_DIR=data_dir)
    made = subprocess.run(
        [*command, "--generate"], cwd=PROJECT, env=settings, capture_output=True, text=True, check=False
    )
    found = re.search(r"^Password, shown only now: (\S+)$", made.stdout, re.M)
    if found is None:
        raise SystemExit(f"No {role} could be made:\n{made.stdout}{made.stderr}")
    return found[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
