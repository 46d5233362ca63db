"""Tests of the tests: defects planted in a copy of the ledger's door, each of which a named test has to catch.

`python -m tests.mutants` tries them all. `planted` lists them, `mutant` is one of them, `trial` tries one.
"""
