"""How fast the bank is over HTTP, beside yardsticks that were measured in the same run: `make bench`.

Real servers as `make run` starts them, on the embedded mongod, every posting on a majority and in the journal; 64
connections of wrk. After each load that moves money the ledger is reconciled, and its sums have to be exactly what was
acknowledged. The verdicts come last; the exit code is 1 where one is not met. With --peers (`make bench-peers`) others
who do a comparable work are measured, too, beside the default layout alone.

    python -m benchmarks [--seconds S] [--layouts 1,2,4x32,...] [--peers] [--write docs/benchmarks.md]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dotenv import dotenv_values

from app.logs import configure_logs
from app.models import embedded
from benchmarks import machine, report
from benchmarks.figures import Layout, Peers, Yardsticks
from benchmarks.layouts import Plan, measure_layout
from benchmarks.peers import measure_peers
from benchmarks.verdicts import MANY_WORKERS, Verdict, judge, judge_books, judge_many_workers, judge_peers
from config import Config

RAW_SECONDS_MAX = 2.0
_PROJECT = Path(__file__).parents[1]
_TOKEN_MINUTES = 60
_STARTED = time.monotonic()


def main() -> int:
    options = _options()
    if shutil.which("wrk") is None or not Path("/proc/self/smaps_rollup").exists():
        print("Linux and wrk are needed; Debian: apt-get install wrk", file=sys.stderr)
        return 2
    configure_logs("WARNING")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # servers end with us, by any end
    with tempfile.TemporaryDirectory(prefix="bank-bench-") as folder:
        if machine.file_system(Path(folder)) in machine.IN_MEMORY:
            print("TMPDIR has to be a folder on a disk: in memory a journal costs nothing.", file=sys.stderr)
            return 2
        return _run(options, folder)


def _run(options: argparse.Namespace, folder: str) -> int:
    about = machine.described(Path(folder))
    defaults = Config.from_env({"FLASK_ENV": "testing", "DATA_DIR": folder})
    with embedded.start(Path(folder), cache_mib=defaults.embedded_cache_mib) as server:
        environment = _environment(folder, server.uri)
        raw = [_raw(server.uri, options.seconds)]
        layouts: list[Layout] = []
        for workers, threads in _chosen(options, defaults):
            plan = Plan(
                environment=environment,
                workers=workers,
                threads=threads,
                seconds=options.seconds,
                has_open_loads=workers == defaults.workers,
                say=_say,
            )
            layouts.append(measure_layout(plan))
            raw.append(_raw(server.uri, options.seconds))
        peers = measure_peers(server.uri, seconds=options.seconds, say=_say) if options.peers else None
    yardsticks = Yardsticks.median(raw)
    default = next((each for each in layouts if each.workers == defaults.workers), layouts[0])
    verdicts = _verdicts(default, layouts, yardsticks, peers)
    text = _text(about, default, layouts, yardsticks, peers)
    print(text, end="\n\n")
    print(*verdicts, sep="\n")
    if options.write:
        name = "make bench-peers" if options.peers else "make bench"
        report.put_into(options.write, name, f"{text}\n\n{report.verdict_table(verdicts)}")
    return 0 if all(verdict.is_met for verdict in verdicts) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="for each load (default: 8)")
    parser.add_argument("--layouts", type=_layouts, help="processes, or processes x threads (default: 1,2,4)")
    parser.add_argument("--peers", action="store_true", help="measure medici and PostgreSQL as well")
    parser.add_argument("--write", type=Path, help="put the figures into this document, too, between its marks")
    return parser.parse_args()


def _layouts(text: str) -> list[tuple[int, int | None]]:
    """Read what was asked for, such as `1,2x64`: processes, and threads where they are named."""
    try:
        parts = [layout.partition("x") for layout in text.split(",")]
        return [(int(workers), int(threads) if threads else None) for workers, _, threads in parts]
    except ValueError:
        raise argparse.ArgumentTypeError(f"write 2 or 2x64, separated by commas, and not {text!r}") from None


def _chosen(options: argparse.Namespace, defaults: Config) -> list[tuple[int, int]]:
    """Return the layouts to measure; by default the one that is the default, and with it 1, 2 and 4 processes."""
    if options.layouts is None and options.peers:
        return [(defaults.workers, defaults.threads)]
    return [(workers, threads or defaults.threads) for workers, threads in options.layouts or _layouts("1,2,4")]


def _environment(folder: str, uri: str) -> dict[str, str]:
    """Return the settings of `make run`, on our own database and without demo data; tokens last for the whole run."""
    fixed = {"FLASK_ENV": "development", "DATA_DIR": folder, "MONGO_URI": uri, "DEMO_DATA": "false"}
    fixed |= {"HOST": "127.0.0.1", "ACCESS_TOKEN_MINUTES": str(_TOKEN_MINUTES)}
    written = {name: value for name, value in dotenv_values(_PROJECT / ".env").items() if value}
    return {**written, **os.environ, **fixed}


def _raw(uri: str, seconds: float) -> dict[str, float]:
    _say("yardsticks without HTTP")
    command = [sys.executable, "-m", "benchmarks.yardstick", uri, str(min(seconds, RAW_SECONDS_MAX))]
    measured: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return measured


def _verdicts(default: Layout, layouts: list[Layout], yardsticks: Yardsticks, peers: Peers | None) -> list[Verdict]:
    verdicts = judge(default, yardsticks)
    if peers is None:
        verdicts += judge_many_workers(next((each for each in layouts if each.workers == MANY_WORKERS), None))
    else:
        verdicts += judge_peers(default, peers)
    return verdicts + judge_books(layouts)


def _text(about: str, default: Layout, layouts: list[Layout], yardsticks: Yardsticks, peers: Peers | None) -> str:
    parts = [about, report.yardstick_table(yardsticks)]
    for layout in layouts:
        parts += [f"**{layout.name}** (processes x threads)", report.layout_table(layout, yardsticks)]
        parts += layout.problems
    if len(layouts) > 1:
        best = report.best_layout(layouts)
        parts += [report.comparison_table(layouts), f"Best by the mean: {best.name}. Default: {default.name}."]
    if peers is not None:
        parts.append(report.peers_table(peers))
    return "\n\n".join(parts)


def _say(text: str) -> None:
    print(f"{time.monotonic() - _STARTED:5.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
