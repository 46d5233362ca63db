"""`python -m tests.postman NEWMAN`: run the Postman collection against a new bank of its own, as it is served."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.live import serving
from tests.processes import PROJECT, processes_of, wait_until


def main(newman: str) -> int:
    """Return newman's exit code: 0 if every request was answered as the collection says."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server:
        variables = {"baseUrl": server.url, "bankerPassword": server.demo_password("banker")}
        settings = [part for name, value in variables.items() for part in ("--env-var", f"{name}={value}")]
        collection = PROJECT / "docs" / "postman_collection.json"
        command = [newman, "run", str(collection), *settings, "--bail", "--reporters", "cli", "--color", "off"]
        code = subprocess.run(command, cwd=PROJECT, check=False).returncode
        server.stop()
        wait_until(lambda: not processes_of(Path(folder)))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
