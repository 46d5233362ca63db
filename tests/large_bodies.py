"""Bodies that are far larger than the server takes, sent in whatever way HTTP has for it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SIZE = 10_000_000
_PIECE = b"x" * 65_536
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a large body was answered with; status 0 where the connection was broken off without a word."""

    status: int
    media_type: str = ""
    code: str = ""


def send(port: int, headers: Mapping[str, str], *, chunked: bool, size: int = SIZE) -> Refusal:
    """Send a deposit with so large a body, and read the answer even where it comes before the body is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
    try:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request(
                "POST",
                "/deposit",
                body=_pieces(size),
                headers={"Content-Type": "application/json", **headers, **length},
                encode_chunked=chunked,
            )
        response = http.client.HTTPResponse(connection.sock, method="POST")
        response.begin()
        return Refusal(response.status, response.headers.get_content_type(), json.loads(response.read())["code"])
    except (OSError, http.client.HTTPException):
        return Refusal(0)
    finally:
        connection.close()


def peak_memory_mib(pid: int) -> float:
    """Return how much memory a process has held at most so far (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def _pieces(size: int) -> Iterator[bytes]:
    for begin in range(0, size, len(_PIECE)):
        yield _PIECE[: size - begin]
