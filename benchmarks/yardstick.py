"""The yardsticks: what the bare tools do on this machine. FROZEN, for a target must not move with our own code.

A test pins this file's digest. It imports nothing of the application: `hello` is the least that can be made with Flask,
`bare` the least that a WSGI server can be asked for, and `main` measures what the database gives a PyMongo client
without HTTP, 64 threads in one process, every write on a majority and in the journal: a read of one document by its
key, and a bare counter, in one document and spread over 1,000.

    python -m benchmarks.yardstick URI SECONDS
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from pymongo import MongoClient
from pymongo.collection import Collection

THREADS = 64
DOCUMENTS = 1_000
WARM_UP_S = 0.5
DATABASE = "yardstick"

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Counters = Collection[dict[str, Any]]


hello = Flask("hello")


@hello.get("/")
def say_hello() -> str:
    """Answer with five bytes."""
    return "hello"


def bare(_environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer any request with five bytes."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def find_one(counters: Counters) -> None:
    counters.find_one({"_id": random.randrange(DOCUMENTS)})


def increment_one(counters: Counters) -> None:
    counters.update_one({"_id": 0}, {"$inc": {"balance": 1}})


def increment_spread(counters: Counters) -> None:
    counters.update_one({"_id": random.randrange(DOCUMENTS)}, {"$inc": {"balance": 1}})


def measure(work: Callable[[Counters], None], counters: Counters, seconds: float) -> float:
    """Return how often a second all threads together get the work done."""
    done = [0] * THREADS
    warm = threading.Event()
    over = threading.Event()

    def repeat(place: int) -> None:
        while not over.is_set():
            work(counters)
            if warm.is_set():
                done[place] += 1

    threads = [threading.Thread(target=repeat, args=(place,)) for place in range(THREADS)]
    for thread in threads:
        thread.start()
    time.sleep(WARM_UP_S)
    started = time.monotonic()
    warm.set()
    time.sleep(seconds)
    over.set()
    elapsed = time.monotonic() - started
    counted = sum(done)
    for thread in threads:
        thread.join()
    return counted / elapsed


def main() -> None:
    uri, seconds = sys.argv[1], float(sys.argv[2])
    client: MongoClient[dict[str, Any]] = MongoClient(uri, w="majority", journal=True, maxPoolSize=THREADS)
    client.drop_database(DATABASE)
    counters = client[DATABASE]["counters"]
    counters.insert_many([{"_id": each, "balance": 0} for each in range(DOCUMENTS)])
    rates = {work.__name__: measure(work, counters, seconds) for work in (find_one, increment_one, increment_spread)}
    client.drop_database(DATABASE)
    client.close()
    print(json.dumps(rates))


if __name__ == "__main__":
    main()
