"""A real nginx in front of a server, with the very file that operators are given: deploy/nginx.conf."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from app.models.mongod import free_port
from tests.processes import PROJECT, TIMEOUT_S, wait_until

_FILE = PROJECT / "deploy" / "nginx.conf"


def missing() -> str:
    """Say why there is none on this machine; nothing where there is one."""
    if shutil.which("nginx") is None:
        return "needs nginx (Debian: apt install nginx-light)"
    return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "needs root, for nginx's own folders"


@contextmanager
def running(folder: Path, *, server_port: int) -> Iterator[int]:
    """Run it until the block ends, then let it finish what it took; give its port."""
    folder.mkdir(exist_ok=True)
    port, pid = free_port(), folder / "nginx.pid"
    text = _FILE.read_text()
    for ours, here in (
        ("127.0.0.1:8080", f"127.0.0.1:{port}"),
        ("127.0.0.1:5000", f"127.0.0.1:{server_port}"),
        ("/run/nginx.pid", str(pid)),
        ("/var/log/nginx/error.log", str(folder / "nginx.log")),
    ):
        assert text.count(ours) == 1, ours
        text = text.replace(ours, here)
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-g", "daemon off;"])
    try:
        wait_until(lambda: _answers(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "nginx.log").read_text()
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(TIMEOUT_S)
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=TIMEOUT_S).status_code == 200
    except httpx.TransportError:
        return False
