"""The README's tour works as pasted."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from app.models.connection import connect
from tests.live import serving
from tests.processes import PROJECT, environment, processes_of, wait_until

TOUR_S_MAX = 120


def tour() -> str:
    """Return the commands between the README's two marks."""
    text = (PROJECT / "README.md").read_text()
    between = text[text.index("<!-- tour:") : text.index("<!-- end of tour -->")]
    return "\n".join(re.findall(r"```sh\n(.*?)```", between, re.S))


def test_the_tour_with_curl_works_as_pasted(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        script = tour().replace("http://127.0.0.1:5000", server.url)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=PROJECT,
            env=environment(DATA_DIR=tmp_path),
            capture_output=True,
            text=True,
            timeout=TOUR_S_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        output = done.stdout
        client = connect(server.database_uri(), timeout_ms=2_000)
        balances = [
            account["balance"] for account in client["bank"]["accounts"].find({"kind": "customer", "seq": {"$gt": 0}})
        ]
        client.close()
        assert server.stop() == 0
    wait_until(lambda: not processes_of(tmp_path))
    assert '"balance":"100.00"' in output.replace(" ", "")
    assert "Idempotent-Replayed: true" in output or "idempotent-replayed: true" in output
    assert '"insufficient_funds"' in output
    assert '"validation_failed"' in output
    assert '"D*** D***"' in output
    assert '"maker_is_checker"' in output
    assert '"executed"' in output
    assert "The ledger is sound" in output
    assert '"step_up_required"' in output
    assert '"confirmed"' in output
    assert sorted(balances) == [500, 11_750]
