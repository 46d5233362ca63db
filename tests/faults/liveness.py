"""Asks every server ten times a second whether it lives, as an orchestrator would, on a new connection each time."""

from __future__ import annotations

import http.client
import threading
import time

from tests.faults.bank import Bank
from tests.faults.history import POLL_INTERVAL_S, History

_TIMEOUT_S = 5.0


class Liveness:
    """Polls until it is stopped.

    A poll takes until it was answered, however often it had to be sent again; one that never was, until the stop.
    """

    def __init__(self, bank: Bank, history: History) -> None:
        self._bank = bank
        self._history = history
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in bank.numbers]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        while not self._stop.wait(POLL_INTERVAL_S):
            asked_s = self._history.now_s()
            while self._bank.is_up(number):
                if self._answers(number) or self._stop.is_set():
                    # one that was restarted meanwhile is another, younger one
                    self._history.live(number, asked_s=asked_s, took_s=self._history.now_s() - asked_s)
                    break
                time.sleep(0.01)

    def _answers(self, number: int) -> bool:
        port = self._bank.port(number)
        if port is None:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
