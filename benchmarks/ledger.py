"""How fast the journal posts, spread over many accounts and on one hot account, beside one transaction per call.

Every cell of a round runs for the same time, and rounds are repeated, so that a busy machine disturbs all cells alike;
the figures are medians over the rounds, and the verdicts are ratios within this one run. A rate is what was
acknowledged, by the time from the first start to the last end. A transaction is a transfer: key look-up, two postings,
two entries, w=majority and journal. A file of payments is read, checked, kept and posted to its last line, each line a
transfer. Exits with 1 where a target is missed, where the books hold anything but what was acknowledged, and where a
call fails in another way than by a refusal.

    python -m benchmarks.ledger [--seconds S] [--rounds N] [--data-dir DIR]
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import track
from rich.table import Table

from app.controllers.bulk import pay
from app.domain.accounts import Account, AccountKind, AccountType, new_account_number
from app.domain.actor import Actor, Role
from app.domain.bulk_files import LINES_MAX, BulkMode, BulkOrder
from app.domain.errors import BankError, OutcomeUnknown
from app.domain.ids import random_id, transaction_id
from app.domain.ledger.book import Recorded
from app.domain.ledger.intents import Leg, Post
from app.domain.ledger.records import TransactionType
from app.domain.operations.base import OperationName
from app.domain.policies import Policy, Rule
from app.logs import configure_logs
from app.models import embedded
from app.models.posting import Fault, Poster, Request, classify
from app.models.store import Store
from app.schemas.bulk_csv import read_csv
from app.serving import spare_the_collector
from benchmarks import machine
from benchmarks.bank import Bank, read_books
from benchmarks.sums import Claim, Kind, differences
from config import Config

ACCOUNTS = 1_000
THREADS = 64
BATCH = 1_000
FUNDING_MINOR = 10**12
AMOUNT_MINOR = 100
CURRENCY = "USD"
BANKER = Actor("bench", "bench", Role.BANKER, "bench")
NAIVE_PAUSE_S_MAX = 0.05
SETTLE_S = 0.5  # what one cell leaves to be written must not burden the next


@dataclass(frozen=True)
class Cell:
    """One way of loading the journal: threads dealt out to processes, on spread accounts or a hot one."""

    name: str
    threads: int
    processes: int = 1
    hot: bool = False
    naive: bool = False
    batch: int = 1
    file: bool = False

    @property
    def first_posts(self) -> int:
        """How many transfers are posted before the start: one in each process of its own."""
        return self.processes if self.processes > 1 else 0


@dataclass(frozen=True, slots=True)
class Posted:
    """What came of some calls: when the first began and the last ended, what they posted, and how long each took.

    `unknown` are those of the refusals that may have been posted all the same.
    """

    began: float
    ended: float
    acknowledged: int
    refused: int = 0
    unknown: int = 0
    times: Sequence[float] = ()

    @property
    def rate(self) -> float:
        """Acknowledged transactions per second, by a clock on the wall."""
        return self.acknowledged / (self.ended - self.began)

    @property
    def p99_ms(self) -> float:
        return 1000 * (statistics.quantiles(self.times, n=100)[98] if len(self.times) > 1 else self.times[0])


def sum_of(parts: Sequence[Posted]) -> Posted:
    """Return what came of calls that were one after the other, or at once in threads or processes."""
    return Posted(
        min(part.began for part in parts),
        max(part.ended for part in parts),
        sum(part.acknowledged for part in parts),
        sum(part.refused for part in parts),
        sum(part.unknown for part in parts),
        [time_s for part in parts for time_s in part.times],
    )


@dataclass(frozen=True)
class Figure:
    """What a cell reached: acknowledged transactions per second, the 99th percentile of a call, refusals."""

    rate: float
    p99_ms: float
    refused: int


CELLS = (
    Cell("1 thread, spread", 1),
    Cell("1 thread, hot", 1, hot=True),
    Cell("16 threads, spread", 16),
    Cell("16 threads, hot", 16, hot=True),
    Cell("64 threads, spread", THREADS),
    Cell("64 threads, hot", THREADS, hot=True),
    Cell(f"ready batches of {BATCH:,}, spread", 1, batch=BATCH),
    Cell(f"files of {LINES_MAX:,} lines", 1, batch=LINES_MAX, file=True),
    Cell("naive, 16 threads, spread", 16, naive=True),
    Cell("naive, 16 threads, hot", 16, hot=True, naive=True),
    Cell("naive, 64 threads, spread", THREADS, naive=True),
    Cell("naive, 64 threads, hot", THREADS, hot=True, naive=True),
    Cell("64 threads in 2 processes, spread", THREADS, processes=2),
    Cell("64 threads in 2 processes, hot", THREADS, processes=2, hot=True),
    Cell("64 threads in 4 processes, spread", THREADS, processes=4),
    Cell("64 threads in 4 processes, hot", THREADS, processes=4, hot=True),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ledger", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="for each cell (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the medians count (default: 3)")
    parser.add_argument("--data-dir", type=Path, help="where the database lies (default: a folder for this once)")
    options = parser.parse_args()
    configure_logs("WARNING")
    with tempfile.TemporaryDirectory(prefix="bank-bench-") as scratch:
        folder = options.data_dir or Path(scratch)
        if sys.platform == "linux":  # elsewhere nobody tells us
            if machine.file_system(folder) in machine.IN_MEMORY:
                sys.exit(f"{folder} is in memory, where a journal costs nothing: give --data-dir on a disk.")
            print(machine.described(folder))
        with embedded.start(folder) as server:
            return _run(_config(server.uri), seconds=options.seconds, rounds=options.rounds)


def _run(config: Config, *, seconds: float, rounds: int) -> int:
    spare_the_collector()  # as the server does
    console = Console()
    store = Store.open(config)
    store.client.drop_database(config.mongo_database)
    store.prepare()
    store.policies.change(
        store.policies.get(OperationName.BULK_POSTING), Policy(OperationName.BULK_POSTING, Rule.NEVER), session=None
    )
    numbers = _open_accounts(store)
    bank = Bank([], numbers)
    before = read_books(store, bank, hot=numbers[0])
    measured: dict[str, list[Posted]] = {cell.name: [] for cell in CELLS}
    todo = [cell for _ in range(rounds) for cell in CELLS]
    for cell in track(todo, "Posting", console=Console(stderr=True), transient=True):
        time.sleep(SETTLE_S)
        measured[cell.name].append(_measure(cell, store, numbers, seconds))
    figures = {
        name: Figure(
            statistics.median(each.rate for each in found),
            statistics.median(each.p99_ms for each in found),
            sum(each.refused for each in found),
        )
        for name, found in measured.items()
    }
    console.print(_table(figures))
    verdicts = _verdicts(figures)
    for text, is_met in verdicts:
        console.print(("[green]met[/]    " if is_met else "[red]MISSED[/] ") + text)
    claim = _claim(todo, [each for found in measured.values() for each in found])
    problems = differences(claim, before, read_books(store, bank, hot=numbers[0]))
    for problem in problems:
        console.print(f"[red]MISSED[/] {problem}")
    if not problems:
        console.print(f"[green]met[/]    the books hold each acknowledged transfer once: {claim.acknowledged:,}")
    store.close()
    return 0 if not problems and all(is_met for _, is_met in verdicts) else 1


def _claim(cells: Sequence[Cell], posted: Sequence[Posted]) -> Claim:
    """Return what the books have to hold: what was acknowledged while it was measured, and before that."""
    return Claim(
        Kind.TRANSFER,
        AMOUNT_MINOR,
        is_hot=False,
        acknowledged=sum(each.acknowledged for each in posted) + sum(cell.first_posts for cell in cells),
        unknown=sum(each.unknown for each in posted),
    )


def _measure(cell: Cell, store: Store, numbers: Sequence[str], seconds: float) -> Posted:
    if cell.processes == 1:
        return load(cell, store, numbers, seconds, threads=cell.threads)
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(cell.processes)
    with context.Pool(cell.processes, initializer=_share_barrier, initargs=(ready,)) as pool:
        work = (cell, store.config, numbers, seconds)
        return sum_of(pool.starmap(_load_process, [work] * cell.processes, chunksize=1))


_barrier: threading.Barrier


def _share_barrier(barrier: threading.Barrier) -> None:
    global _barrier  # a pool hands a barrier to its processes in no other way
    _barrier = barrier


def _load_process(cell: Cell, config: Config, numbers: Sequence[str], seconds: float) -> Posted:
    configure_logs("WARNING")
    spare_the_collector()
    store = Store.open(config)
    try:
        store.journal.post(_transfer(*random.sample(numbers, 2)))  # connections and threads are up before the start
        _barrier.wait(timeout=60)
        return load(cell, store, numbers, seconds, threads=cell.threads // cell.processes)
    finally:
        store.close()


def load(cell: Cell, store: Store, numbers: Sequence[str], seconds: float, *, threads: int) -> Posted:
    """Post from many threads until the time is over, and wait for the last of them.

    Raises:
        BaseExceptionGroup: what ended any of them before its time.
    """
    end = time.perf_counter() + seconds
    if cell.file:
        return _load_files(store, numbers, end)
    post = _naively(store) if cell.naive else _through(store)

    def work() -> Posted:
        calls: list[Posted] = []
        while not calls or time.perf_counter() < end:
            requests = [Request(_transfer(*_pair(cell, numbers))) for _ in range(cell.batch)]
            began = time.perf_counter()
            outcomes = post(requests)
            ended = time.perf_counter()
            refusals = [outcome for outcome in outcomes if isinstance(outcome, BankError)]
            calls.append(
                Posted(
                    began,
                    ended,
                    acknowledged=cell.batch - len(refusals),
                    refused=len(refusals),
                    unknown=sum(isinstance(refusal, OutcomeUnknown) for refusal in refusals),
                    times=[ended - began],
                )
            )
        return sum_of(calls)

    with ThreadPoolExecutor(threads) as pool:
        workers = [pool.submit(work) for _ in range(threads)]
    failures = [failure for worker in workers if (failure := worker.exception()) is not None]
    if failures:
        raise BaseExceptionGroup(f"{cell.name}: {len(failures)} of {threads} threads failed", failures)
    return sum_of([worker.result() for worker in workers])


def _load_files(store: Store, numbers: Sequence[str], end: float) -> Posted:
    """Send files by one after another; a call takes from a file's bytes to its last line's result."""
    calls: list[Posted] = []
    while not calls or time.perf_counter() < end:
        source, *payees = numbers
        rows = "".join(f"{random.choice(payees)},1.00,Salary,{line}\n" for line in range(LINES_MAX))
        file = io.BytesIO(f"to,amount,description,reference\n{rows}".encode())
        began = time.perf_counter()
        order = BulkOrder(source=source, mode=BulkMode.PER_LINE, lines=read_csv(file), idempotency_key=random_id())
        taken = pay(store, BANKER, order)
        store.bulk_poster.take(taken.bulk.id).wait()
        ended = time.perf_counter()
        bulk = store.bulks.get(taken.bulk.id)
        calls.append(Posted(began, ended, bulk.posted, bulk.refused, times=[ended - began]))
    return sum_of(calls)


def _through(store: Store) -> Callable[[list[Request]], list[Recorded | BankError]]:
    return store.journal.post_many


def _naively(store: Store) -> Callable[[list[Request]], list[Recorded | BankError]]:
    """One transaction per call, tried again after a conflict with growing, jittered pauses: the usual recipe."""
    poster = Poster(store.client, store.database, clock=store.clock, timezone=ZoneInfo(store.config.bank_timezone))

    def post(requests: list[Request]) -> list[Recorded | BankError]:
        pause_s = 0.001
        while True:
            try:
                return poster.post(requests, stripe=0, timeout_s=30)
            except Exception as error:
                if classify(error) is not Fault.CONFLICT:
                    raise
                time.sleep(random.uniform(0, pause_s))
                pause_s = min(2 * pause_s, NAIVE_PAUSE_S_MAX)

    return post


def _pair(cell: Cell, numbers: Sequence[str]) -> tuple[str, str]:
    """Choose two accounts; in a hot cell one of them is always the same."""
    if not cell.hot:
        first, second = random.sample(numbers, 2)
        return first, second
    other = numbers[random.randrange(1, len(numbers))]
    return (numbers[0], other) if random.random() < 0.5 else (other, numbers[0])


def _transfer(debited: str, credited: str) -> Post:
    key = random_id()
    return Post(
        id=transaction_id("bench", key),
        fingerprint=key,
        idempotency_key=key,
        initiated_by="bench",
        channel="bench",
        customer_id="bench",
        type=TransactionType.TRANSFER,
        account_id=debited,
        legs=(Leg(debited, -AMOUNT_MINOR, CURRENCY), Leg(credited, AMOUNT_MINOR, CURRENCY)),
    )


def _open_accounts(store: Store) -> list[str]:
    """Open the accounts and fund each by a real posting."""
    accounts = [
        Account(
            id=new_account_number(),
            kind=AccountKind.CUSTOMER,
            holders=("bench",),
            type=AccountType.CHECKING,
            currency=CURRENCY,
            opened_at=store.clock.now(),
        )
        for _ in range(ACCOUNTS)
    ]
    for account in accounts:
        store.accounts.insert(account, session=None)
    outcomes = store.journal.post_many([Request(_funding(account.id)) for account in accounts])
    for outcome in outcomes:
        if isinstance(outcome, BankError):
            raise outcome
    return [account.id for account in accounts]


def _funding(number: str) -> Post:
    return Post(
        id=random_id(),
        fingerprint="funding",
        initiated_by="bench",
        channel="bench",
        type=TransactionType.DEPOSIT,
        account_id=number,
        legs=(Leg(number, FUNDING_MINOR, CURRENCY), Leg(f"cash-{CURRENCY}", -FUNDING_MINOR, CURRENCY)),
    )


def _verdicts(figures: dict[str, Figure]) -> list[tuple[str, bool]]:
    verdicts = []
    for threads in (16, THREADS):
        hot, spread = figures[f"{threads} threads, hot"], figures[f"{threads} threads, spread"]
        verdicts.append(_at_least(f"hot / spread, {threads} threads", hot.rate / spread.rate, 0.9))
        verdicts.append(_at_most(f"p99 hot / spread, {threads} threads", hot.p99_ms / spread.p99_ms, 2.0))
    spread, hot = figures["64 threads, spread"], figures["64 threads, hot"]
    for name, coalesced, target in (("spread", spread, 4.0), ("hot", hot, 15.0)):
        naive = max(figures[f"naive, {threads} threads, {name}"].rate for threads in (16, THREADS))
        verdicts.append(_at_least(f"64 threads / the better naive, {name}", coalesced.rate / naive, target))
    batches = figures[f"ready batches of {BATCH:,}, spread"]
    verdicts.append(_at_least(f"batches of {BATCH:,} / 64 threads, spread", batches.rate / spread.rate, 2.0))
    files = figures[f"files of {LINES_MAX:,} lines"]
    verdicts.append(_at_least(f"lines of files / batches of {BATCH:,}", files.rate / batches.rate, 0.6))
    return verdicts


def _at_least(name: str, ratio: float, target: float) -> tuple[str, bool]:
    return f"{name}: {ratio:.2f}, at least {target}", ratio >= target


def _at_most(name: str, ratio: float, target: float) -> tuple[str, bool]:
    return f"{name}: {ratio:.2f}, at most {target}", ratio <= target


def _table(figures: dict[str, Figure]) -> Table:
    table = Table("load", "transactions/s", "p99 ms", "refused", title="The ledger, in one run")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, figure in figures.items():
        table.add_row(name, f"{figure.rate:,.0f}", f"{figure.p99_ms:,.1f}", str(figure.refused))
    return table


def _config(uri: str) -> Config:
    unused = token_hex(32)
    return Config(
        env="testing",
        secret_key=unused,
        password_peppers={1: unused},
        mongo_uri=uri,
        mongo_database="bank_benchmark",
    )


if __name__ == "__main__":
    sys.exit(main())
