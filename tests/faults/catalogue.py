"""All faults by name. A file of faults has its own tuple `FAULTS`, and a place here."""

from __future__ import annotations

from tests.faults import clock_faults, http_faults, nemesis, network_faults, storage_faults
from tests.faults.nemesis import Fault

FILES = (nemesis, network_faults, storage_faults, clock_faults, http_faults)
CATALOGUE: dict[str, type[Fault]] = {fault.name: fault for file in FILES for fault in file.FAULTS}
