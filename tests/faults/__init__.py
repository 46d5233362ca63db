"""What the bank survives: a real replica set and real servers under load, faults thrown at them, every promise checked.

`python -m tests.faults` runs it; docs/faults.md tells what is thrown and what is checked. `cluster` is the database,
`bank` the servers and customers, `workload` the clients, `history` what they saw, `nemesis` the faults and `catalogue`
all of them, `run` one run from start to verdict, `checks` the verdict: pure functions over what was recorded.
"""
