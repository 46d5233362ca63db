"""The faults of disks: a primary whose fsync takes long, and one whose disk is full."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.faults import preloaded
from tests.faults.cluster import ELECTION_TIMEOUT_MS_RECOMMENDED, SIZE, ClusterSettings, Member, MemberSettings
from tests.faults.history import Recorded
from tests.faults.nemesis import Fault, Field, Layout
from tests.faults.outcome import FinalState

_POLL_S = 0.1


class SlowFsync(Fault):
    name = "slow-fsync"
    about = "Every fsync of the primary takes 400 ms longer, for 20 s"
    delay_ms = 400
    lasts_s = 20.0

    def missing(self) -> str:
        return preloaded.missing()

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        library = preloaded.build("fsync_delay", folder)
        self._delays = {number: folder / f"fsync{number}" for number in range(SIZE)}
        members = {
            number: MemberSettings(prefix=("env", f"LD_PRELOAD={library}", f"FSYNC_DELAY_FILE={delay}"))
            for number, delay in self._delays.items()
        }
        yield Layout(ClusterSettings(election_timeout_ms=ELECTION_TIMEOUT_MS_RECOMMENDED, members=members))

    def strike(self, field: Field) -> None:
        struck = field.cluster.wait_for_primary()
        self._delays[struck.number].write_text(str(self.delay_ms))
        self._struck, self._before = struck, _syncs(struck)

    def hold(self, field: Field, struck_s: float) -> None:
        time.sleep(self.lasts_s)
        self._after = _syncs(self._struck)

    def heal(self, field: Field) -> None:
        for delay in self._delays.values():
            delay.unlink(missing_ok=True)

    def check(self, history: Recorded, final: FinalState) -> Sequence[str]:
        """Find that the primary did not become slow."""
        count, took_ms = (after - before for after, before in zip(self._after, self._before, strict=True))
        if not count:
            return ["the primary synced nothing"]
        # one that had begun before may be among them
        is_slow = took_ms >= self.delay_ms * (count - 1) and took_ms >= self.delay_ms
        return [] if is_slow else [f"the primary's fsync took {took_ms / count:.0f} ms"]


class FullDisk(Fault):
    name = "full-disk"
    about = "The primary's disk fills up, until there is room again and it is started anew"
    disk_mib = 700
    ends_within_s = 60.0

    def missing(self) -> str:
        return "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "needs root, to mount a small disk"

    @contextmanager
    def layout(self, folder: Path) -> Iterator[Layout]:
        disks = {number: folder / f"disk{number}" for number in range(SIZE)}
        with ExitStack() as mounted:
            for disk in disks.values():
                mounted.enter_context(_small_disk(disk, mib=self.disk_mib))
            members = {number: MemberSettings(data=disk / "data") for number, disk in disks.items()}
            yield Layout(
                ClusterSettings(
                    election_timeout_ms=ELECTION_TIMEOUT_MS_RECOMMENDED,
                    parameters={"syncdelay": 5},  # seconds between checkpoints, which need room
                    members=members,
                )
            )

    def strike(self, field: Field) -> None:
        """Fill the disk and wait until its member has noticed: it ends, as it can't keep anything any more."""
        self._struck = field.cluster.wait_for_primary()
        _fill(self._filler(self._struck))
        deadline = time.monotonic() + self.ends_within_s
        while self._struck.is_running and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        assert not self._struck.is_running, "a member with a full disk still runs"
        self._ended_s = field.history.mark("ended")

    def hold(self, field: Field, struck_s: float) -> None:
        super().hold(field, self._ended_s)

    def heal(self, field: Field) -> None:
        self._filler(self._struck).unlink()
        field.cluster.restart()

    def _filler(self, member: Member) -> Path:
        return member.data.parent / "filler"


def _syncs(member: Member) -> tuple[int, float]:
    """Return how often a member has synced its journal, and how many milliseconds that took altogether."""
    status = member.ask("serverStatus")
    assert status is not None, f"member {member.number} does not say how it does"
    log = status["wiredTiger"]["log"]
    return log["log sync operations"], log["log sync time duration (usecs)"] / 1_000


@contextmanager
def _small_disk(folder: Path, *, mib: int) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def _fill(path: Path) -> None:
    """Write to a disk until it takes no more."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


FAULTS: tuple[type[Fault], ...] = (SlowFsync, FullDisk)
