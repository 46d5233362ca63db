"""Try all planted mutants, or those whose defect holds a given text: `python -m tests.mutants [text]`."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.planted import PLANTED
from tests.mutants.trial import UnchangedFails, Verdict, require_passing, try_mutant


def main(text: str = "") -> int:
    """Print a verdict for each, the overall one last; return the exit code, which is not 0 where one is not caught."""
    chosen = [mutant for mutant in PLANTED if text in mutant.defect]
    if not chosen:
        print(f"No planted mutant is about {text!r}.")
        return 1
    try:
        require_passing(mutant.caught_by for mutant in chosen)
    except UnchangedFails as failed:
        print(failed)
        return 1
    missed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, verdict in zip(chosen, pool.map(try_mutant, chosen), strict=True):
            missed += verdict is not Verdict.CAUGHT
            print(f"{verdict:9} {mutant.defect} [{mutant.file}]", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} planted mutants are caught" + (": FAILED" if missed else "."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
