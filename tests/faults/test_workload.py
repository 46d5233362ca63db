"""Clients meet every worker of a server again and again, for none stays on one connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from tests.faults.bank import Bank, Customer
from tests.faults.history import BALANCE, History, Operation
from tests.faults.workload import KEPT_FOR, Parties, Teller

CUSTOMER = Customer("c", "token", "1001")


class Desk(BaseHTTPRequestHandler):
    """Tells everybody the same balance, and keeps connections."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b'{"balance": "1.00"}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class OneServer(ThreadingHTTPServer):
    """A bank with one server, which counts the connections that it takes."""

    connections = 0

    def process_request(self, *connection: object) -> None:
        self.connections += 1
        super().process_request(*connection)

    def port(self, number: int) -> int:
        return self.server_port


@pytest.fixture
def server() -> Iterator[OneServer]:
    with OneServer(("127.0.0.1", 0), Desk) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_connection_is_kept_for_some_requests_and_no_more(server: OneServer, tmp_path: Path) -> None:
    parties = Parties(CUSTOMER, CUSTOMER, (), {CUSTOMER.account: CUSTOMER})
    with History(tmp_path / "history.jsonl") as book:
        teller = Teller(cast(Bank, server), parties, book, process="p")
        asked = [teller.send(Operation(f"k{each}", BALANCE, CUSTOMER.account), 0) for each in range(2 * KEPT_FOR + 1)]
        teller.close()
    assert [answer.status for answer in asked if answer] == [200] * len(asked)
    assert server.connections == 3
