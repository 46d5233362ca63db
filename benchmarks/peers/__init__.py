"""Others who do a comparable work, measured on the same machine in the same run, where they install."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.figures import Peers
from benchmarks.peers import medici, tpcb

ACCOUNTS = 1_000
HOT_ACCOUNTS = 2


def measure_peers(uri: str, *, seconds: float, say: Callable[[str], None]) -> Peers:
    """Measure each peer that is installed or can be; say why another one can't."""
    spread = hot = tpcb_rate = None
    obstacle = medici.install()
    if obstacle is None:
        say(f"medici, {ACCOUNTS:,} accounts")
        spread = medici.measure(uri, seconds=seconds, accounts=ACCOUNTS)
        say(f"medici, {HOT_ACCOUNTS} accounts")
        hot = medici.measure(uri, seconds=seconds, accounts=HOT_ACCOUNTS)
    else:
        say(f"medici is not installed: {obstacle}")
    programs = tpcb.find_programs()
    if programs is not None:
        say("pgbench, TPC-B-like")
        tpcb_rate = tpcb.measure(programs, seconds=seconds)
    else:
        say("PostgreSQL is not installed: apt-get install postgresql")
    return Peers(spread, hot, tpcb_rate)
