"""Try all planted mutants, or those whose defect holds a given text: `python -m tests.mutants [text]`."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.planted import PLANTED
from tests.mutants.trial import Verdict, failing_unchanged, try_mutant


def main(text: str = "") -> int:
    """Print a verdict for each, the overall one last; return the exit code, which is not 0 where one is not caught."""
    chosen = [mutant for mutant in PLANTED if text in mutant.defect]
    if not chosen:
        print(f"No planted mutant has {text!r} in the name of its defect; tests/mutants/planted.py names them all.")
        return 1
    unsound = failing_unchanged({mutant.caught_by for mutant in chosen})
    for test in sorted(unsound):
        print(f"fails without any defect: {test}", flush=True)
    caught = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for mutant, trial in zip(chosen, pool.map(try_mutant, chosen), strict=True):
            is_caught = trial.verdict is Verdict.CAUGHT and mutant.caught_by not in unsound
            caught += is_caught
            print(f"{trial.verdict:9} {mutant.defect} [{mutant.file}]", flush=True)
            if not is_caught:
                print(trial.output)
    passed = caught == len(chosen) and not unsound
    print(f"{caught} of {len(chosen)} planted mutants are caught: {'passed' if passed else 'FAILED'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
