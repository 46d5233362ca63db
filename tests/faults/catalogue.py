"""All faults by name. A file of faults has its own tuple `FAULTS`, which gets a line here."""

from __future__ import annotations

from tests.faults import nemesis, network_faults
from tests.faults.nemesis import Fault

CATALOGUE: dict[str, type[Fault]] = {fault.name: fault for fault in (*nemesis.FAULTS, *network_faults.FAULTS)}
