"""Whether anything gets slower or larger as the bank grows: the same questions put to a small bank and a large one.

Both are seeded by the journal's own bulk path into one database server, each is served by a process of its own, and
they are asked in turn, over HTTP, one request at a time. Every figure of the large bank must stay within 1.3 times
that of the small one, and the memory of whatever reads all of it within a few MiB. Prints Markdown, the verdicts last,
and exits with 1 where one is missed. The data lie in a temporary folder and are removed at the end, also on Ctrl-C.

    python -m benchmarks.scale [--entries N] [--accounts N] [--logins N] [--rounds N] [--samples N]
        [--folder DIR] [--write docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.logs import configure_logs
from app.models import embedded
from app.models.embedded import EmbeddedServer, home_of
from app.models.keeper import try_lock
from app.models.store import Store
from app.serving import spare_the_collector
from benchmarks import machine
from benchmarks.report import put_into, verdict_table
from benchmarks.scale_load import OPERATIONS, Bank, Figure, find_late_cursors, measure
from benchmarks.scale_seed import SeedClock, Seeded, Shape, seed
from benchmarks.server import BANK, serving
from benchmarks.verdicts import Verdict
from config import Config

SMALL = Shape("small", entries=50_000, accounts=1_000, long_history=25_000, logins=1_000)
LARGE = Shape("large", entries=5_000_000, accounts=100_000, long_history=25_000, logins=1_000)
RATIO_MAX = 1.3
MEMORY_RATIO_MAX, MEMORY_SPARE_MIB = 1.15, 4.0
BYTES_PER_ENTRY = 1_200
"""On disk, with its share of transactions, indexes, journal and oplog; what is asked for before the seeding begins."""
END_S_MAX = 60
PROJECT = Path(__file__).parents[1]
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "flask reconcile": ("reconcile",),
    "flask reconcile --account (the long one)": ("reconcile", "--account", "{long}"),
    "flask audit verify": ("audit", "verify"),
    "flask audit export-head": ("audit", "export-head", "{folder}/heads"),
    "flask db init": ("db", "init"),
    "flask db check": ("db", "check"),
    "flask jobs run": ("jobs", "run"),
}
"""Whatever reads the whole bank, or might: every command but those for one user."""


@dataclass(frozen=True)
class Run:
    """How much memory a command had at most, and how long it took."""

    peak_mib: float
    seconds: float


def main() -> int:
    options = _options()
    configure_logs("WARNING")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the data are removed then, too
    if sys.platform != "linux":
        sys.exit("Linux is needed, which tells what memory and disks are used.")
    small = replace(SMALL, logins=options.logins)
    if machine.file_system(options.folder) in machine.IN_MEMORY:
        sys.exit(f"{options.folder} is in memory, where a journal costs nothing: give --folder on a disk.")
    large = replace(LARGE, entries=options.entries, accounts=options.accounts, logins=options.logins)
    begun = time.monotonic()
    try:
        with _scratch(options.folder, large) as folder:
            return _run(folder, (small, large), options, begun)
    except KeyboardInterrupt:
        print("Interrupted; the data are removed.", file=sys.stderr)
        return 128 + signal.SIGINT


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=LARGE.entries, help="of the large bank (%(default)s)")
    parser.add_argument("--accounts", type=int, default=LARGE.accounts, help="of the large bank (%(default)s)")
    parser.add_argument("--logins", type=int, default=LARGE.logins, help="how many customers ask (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="of which the medians count (%(default)s)")
    parser.add_argument("--samples", type=int, default=400, help="of each operation in a round (%(default)s)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the result there, between its marks")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the data may lie")
    options = parser.parse_args()
    if options.entries < SMALL.entries or options.accounts < SMALL.accounts:
        parser.error(f"the small bank has {SMALL.entries:,} entries and {SMALL.accounts:,} accounts: give no fewer")
    if options.write and (options.entries, options.accounts) != (LARGE.entries, LARGE.accounts):
        parser.error("a bank of another size is for a look: its figures are not written down")
    return options


def _run(folder: Path, shapes: Sequence[Shape], options: argparse.Namespace, begun: float) -> int:
    with _database(folder) as server:
        seeded, rates = {}, {}
        with _progress() as bars:
            for shape in shapes:
                start = time.monotonic()
                seeded[shape.name] = _seed(folder, server, shape, bars)
                rates[shape.name] = (shape.entries + shape.long_history) / (time.monotonic() - start)
            figures = _measure(folder, server, seeded, options, bars)
            memory = _memory(folder, server, seeded, bars)
        verdicts = [*_ratio_verdicts(figures), *_memory_verdicts(memory)]
        about = _about(folder, server, shapes, rates, options)
    took = f"The run took {(time.monotonic() - begun) / 60:.0f} minutes."
    tables = (_figures_table(figures), _memory_table(memory), verdict_table(verdicts))
    text = "\n\n".join((about, *tables, took))
    print(text)
    if options.write is not None:
        put_into(options.write, "make bench-scale", text)
    short = [each for each in verdicts if not each.is_met]
    print("", *short, f"{len(verdicts) - len(short)} of {len(verdicts)} verdicts are met.", sep="\n")
    return 1 if short else 0


# ---- the banks -------------------------------------------------------------------------------------------------------


@contextmanager
def _scratch(parent: Path, large: Shape) -> Iterator[Path]:
    """A folder for the data, removed at the end whatever happens."""
    needed = large.entries * BYTES_PER_ENTRY
    free = shutil.disk_usage(parent).free
    if free < needed:
        sys.exit(f"{parent} has {free / 2**30:.1f} GiB free, and {needed / 2**30:.1f} are needed: give --folder.")
    folder = Path(tempfile.mkdtemp(prefix="bank-scale-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _database(folder: Path) -> Iterator[EmbeddedServer]:
    """The embedded server with its usual cache; when this ends it has ended, and nothing writes to its folder."""
    with embedded.start(folder, cache_mib=Config.__dataclass_fields__["embedded_cache_mib"].default) as server:
        yield server
    lock = os.open(home_of(folder).clients_lock, os.O_RDWR)
    try:
        try_lock(lock, fcntl.LOCK_EX, timeout_s=END_S_MAX)
    finally:
        os.close(lock)


def _seed(folder: Path, server: EmbeddedServer, shape: Shape, bars: Progress) -> Seeded:
    clock = SeedClock()
    bar = bars.add_task(f"Seeding the {shape.name} bank", total=shape.entries + shape.long_history)
    with closing(Store.open(Config.from_env(_settings(folder, server, shape.name)), clock=clock)) as store:
        spare_the_collector()  # as the server does
        store.prepare()
        return seed(store, clock, shape, on_progress=lambda made: bars.advance(bar, made))


def _settings(folder: Path, server: EmbeddedServer, name: str) -> dict[str, str]:
    """Return the variables of a bank's server: one process, as a single client needs no more."""
    return {
        "FLASK_ENV": "testing",
        "FLASK_APP": "run",
        "DATA_DIR": str(folder),
        "MONGO_URI": server.uri,
        "MONGO_DATABASE": f"bank_{name}",
        "WORKERS": "1",
        "LOG_LEVEL": "WARNING",
        "ACCESS_TOKEN_MINUTES": "60",
    }


# ---- measuring -------------------------------------------------------------------------------------------------------


@contextmanager
def _served(name: str, settings: Mapping[str, str], seeded: Seeded) -> Iterator[Bank]:
    """A bank that is served, with the cursors of its long account's late pages."""
    with closing(Store.open(Config.from_env(settings))) as store:
        cursors = find_late_cursors(store.database, seeded.long_login[1])
    with serving(BANK, {**os.environ, **settings}) as server, closing(Bank(name, server.url, seeded)) as bank:
        bank.late_cursors = cursors
        yield bank


def _measure(
    folder: Path, server: EmbeddedServer, seeded: Mapping[str, Seeded], options: argparse.Namespace, bars: Progress
) -> dict[str, dict[str, Figure]]:
    with ExitStack() as stack:
        banks = []
        for name, known in seeded.items():
            settings = _settings(folder, server, name)
            bank = stack.enter_context(_served(name, settings, known))
            bar = bars.add_task(f"Logging in at the {name} bank", total=len(known.logins))
            bank.log_in(lambda bar=bar: bars.advance(bar))  # type: ignore[misc]  # each its own bar
            banks.append(bank)
        bar = bars.add_task("Asking both in turn", total=options.rounds * options.samples)
        return measure(
            banks, OPERATIONS, rounds=options.rounds, samples=options.samples, on_progress=lambda: bars.advance(bar)
        )


def _memory(
    folder: Path, server: EmbeddedServer, seeded: Mapping[str, Seeded], bars: Progress
) -> dict[str, dict[str, Run]]:
    """Run every command on every bank. Reconciling proves at the same time that the money is right."""
    bar = bars.add_task("Running the commands", total=len(COMMANDS) * len(seeded))
    found: dict[str, dict[str, Run]] = {}
    for title, arguments in COMMANDS.items():
        for name, known in seeded.items():
            given = [each.format(long=known.long_login[1], folder=folder) for each in arguments]
            found.setdefault(title, {})[name] = _command(folder, _settings(folder, server, name), given)
            bars.advance(bar)
    return found


def _command(folder: Path, settings: Mapping[str, str], arguments: Sequence[str]) -> Run:
    report = folder / "peak"
    command = [sys.executable, "-m", "benchmarks.scale_memory", str(report), sys.executable, "-m", "flask", *arguments]
    start = time.monotonic()
    ended = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(f"flask {' '.join(arguments)} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    return Run(int(report.read_text()) / 1024, time.monotonic() - start)


# ---- what is told ----------------------------------------------------------------------------------------------------


def _ratio_verdicts(figures: Mapping[str, Mapping[str, Figure]]) -> list[Verdict]:
    verdicts = []
    for name, found in figures.items():
        small, large = found[SMALL.name], found[LARGE.name]
        for what, ratio in (("p50", large.p50_ms / small.p50_ms), ("p99", large.p99_ms / small.p99_ms)):
            verdicts.append(Verdict(f"{name}, {what} large / small", ratio, RATIO_MAX, at_most=True))
    return verdicts


def _memory_verdicts(memory: Mapping[str, Mapping[str, Run]]) -> list[Verdict]:
    verdicts = []
    for name, found in memory.items():
        small, large = found[SMALL.name].peak_mib, found[LARGE.name].peak_mib
        most = round(small * MEMORY_RATIO_MAX + MEMORY_SPARE_MIB)
        verdicts.append(Verdict(f"MiB of `{name}`, large", large, most, at_most=True))
    return verdicts


def _about(
    folder: Path,
    server: EmbeddedServer,
    shapes: Sequence[Shape],
    rates: Mapping[str, float],
    options: argparse.Namespace,
) -> str:
    with closing(Store.open(Config.from_env(_settings(folder, server, shapes[0].name)))) as store:
        cache = store.client.admin.command("serverStatus")["wiredTiger"]["cache"]["maximum bytes configured"]
    disk = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    banks = [
        f"- {each.name}: {each.entries:,} entries over {each.accounts:,} accounts, and one account with"
        f" {each.long_history:,} more; seeded at {rates[each.name]:,.0f} entries/s."
        for each in shapes
    ]
    return "\n".join(
        [
            f"{machine.described(folder)} The database's cache is {cache / 2**20:,.0f} MiB, its data {disk / 2**30:.1f}"
            " GiB.",
            "",
            *banks,
            "",
            f"One request at a time, at both banks in turn, {options.samples} of each kind at each bank in each of"
            f" {options.rounds} rounds; medians of the rounds, in milliseconds.",
        ]
    )


def _figures_table(figures: Mapping[str, Mapping[str, Figure]]) -> str:
    rows = [
        f"| {name} | {small.p50_ms:.2f} | {large.p50_ms:.2f} | {large.p50_ms / small.p50_ms:.2f}"
        f" | {small.p99_ms:.2f} | {large.p99_ms:.2f} | {large.p99_ms / small.p99_ms:.2f} |"
        for name, found in figures.items()
        for small, large in [(found[SMALL.name], found[LARGE.name])]
    ]
    head = "| | p50 small | p50 large | ratio | p99 small | p99 large | ratio |\n|---|---:|---:|---:|---:|---:|---:|"
    return "\n".join([head, *rows])


def _memory_table(memory: Mapping[str, Mapping[str, Run]]) -> str:
    rows = [
        f"| `{name}` | {small.peak_mib:.0f} | {large.peak_mib:.0f} | {small.seconds:.1f} | {large.seconds:.1f} |"
        for name, found in memory.items()
        for small, large in [(found[SMALL.name], found[LARGE.name])]
    ]
    head = "| | MiB at most, small | large | seconds, small | large |\n|---|---:|---:|---:|---:|"
    return "\n".join([head, *rows])


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
