"""Throw every fault at the bank, print what came of each and, last, the verdict.

    python -m tests.faults [--times N] [--seed SEED] [--faults NAME,NAME...] [--allow-skipped] [--folder PATH] [--list]

The exit code is 0 when every run passed, and 1 when one fell short, had too few acknowledged writes to tell ("unknown")
or was skipped because this machine lacks something; with `--allow-skipped` a skipped run is named and counts for
nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from tests.faults.catalogue import CATALOGUE
from tests.faults.run import run
from tests.faults.verdict import COLUMNS, Result, conclude, row

_SHOWN_MAX = 10


def main(words: Sequence[str]) -> int:
    arguments = _parse(words)
    if arguments.list:
        for fault in CATALOGUE.values():
            click.echo(f"{fault.name:<22} {fault.about}")
        return 0
    folder = Path(arguments.folder or tempfile.mkdtemp(prefix="bank-faults-"))
    began_s = time.monotonic()
    results = []
    for name in arguments.faults:
        for seed in range(arguments.seed, arguments.seed + arguments.times):
            result = _run(name, seed, folder / f"{name}-{seed}")
            results.append(result)
            _tell(result)
    minutes = (time.monotonic() - began_s) / 60
    table = Table(*COLUMNS)
    for result in results:
        table.add_row(*row(result))
    Console(width=160).print(table)
    click.echo(
        f"{len(results)} runs in {minutes:.1f} minutes on {os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}."
    )
    is_pass, sentences = conclude(results, allow_skipped=arguments.allow_skipped)
    if arguments.folder or any(result.fell_short for result in results):
        click.echo(f"Histories and logs are in {folder}.")
    else:
        shutil.rmtree(folder)
    click.echo("\n".join(sentences))
    return 0 if is_pass else 1


def _parse(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=1, help="how often each fault is thrown")
    parser.add_argument("--seed", type=int, default=1, help="the first run's seed; the others count on from it")
    parser.add_argument("--faults", type=_names, default=list(CATALOGUE), help="names, separated by commas")
    parser.add_argument("--allow-skipped", action="store_true", help="pass although some faults were skipped")
    parser.add_argument("--folder", help="keep histories and logs here; without it, those of a failure alone are kept")
    parser.add_argument("--list", action="store_true", help="name the faults and end")
    return parser.parse_args(words)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(unknown)}; see --list")
    return names


def _run(name: str, seed: int, folder: Path) -> Result:
    """Throw one fault; a run that breaks down is no pass. Its history and logs stay, its databases do not."""
    folder.mkdir(parents=True)
    try:
        return run(CATALOGUE[name](), seed=seed, folder=folder)
    except Exception as failure:
        (folder / "breakdown.txt").write_text(traceback.format_exc())
        return Result(name, seed, unsafe=[f"the run broke down: {type(failure).__name__}: {failure}"])
    finally:
        for data in folder.glob("cluster/member?"):
            shutil.rmtree(data)


def _tell(result: Result) -> None:
    click.echo(f"{result.fault} (seed {result.seed}): {result.verdict}")
    found = [*result.unsafe, *result.slow]
    for sentence in found[:_SHOWN_MAX]:
        click.echo(f"    {sentence}")
    if len(found) > _SHOWN_MAX:
        click.echo(f"    and {len(found) - _SHOWN_MAX} more")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended on the way out
    sys.exit(main(sys.argv[1:]))
