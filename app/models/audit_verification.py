"""Prove that the audit trail is as it was written, while it is in use, in constant memory; name what is not first.

What is proved: every document has its form; the seals of each stream are numbered without a gap and each names the one
before; every sealed record is there and says what it said when it was written; every other record has the marker that
was written with it; and with exported heads, that each chain still holds the seal that was its end at the export.

What nothing shows: a record removed together with its marker before its seal, and a chain cut off or written anew
behind the last export. So seal often, and export the heads to where the database's operators can't write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.domain.audit import Stream
from app.domain.audit_chain import Damage, Finding, Head, Seal, check_head, check_record, check_seal
from app.models import audit, audit_seals
from app.models.audit_seals import AuditSeals
from app.models.ledger_reader import LedgerReader


@dataclass(slots=True)
class Report:
    """How much has been checked, and the first thing that is wrong, if anything is."""

    seals: int = 0
    records: int = 0
    unsealed: int = 0
    finding: Finding | None = None


class AuditVerification:
    """One run over the trail. `on_progress` hears after every batch what has been checked so far."""

    def __init__(
        self,
        seals: AuditSeals,
        reader: LedgerReader,
        *,
        heads: Sequence[Head] = (),
        on_progress: Callable[[Report], None] = lambda _: None,
    ) -> None:
        self._seals = seals
        self._reader = reader
        self._heads = heads
        self._on_progress = on_progress
        self._report = Report()

    def run(self) -> Report:
        """Check the whole trail, up to the first finding."""
        self._report.finding = next(self._findings(), None)
        return self._report

    def _findings(self) -> Iterator[Finding]:
        for spec in (audit.SPEC, audit.UNSEALED, audit_seals.SPEC):
            malformed = self._reader.find_malformed(spec, {})
            if malformed is not None:
                yield Finding(
                    Damage.MALFORMED, f"{spec.name} {malformed}", "the form its validator asks for", "another"
                )
        for stream in Stream:
            yield from self._check_chain(stream)
        for exported in self._heads:
            yield from check_head(exported, self._seals.find_head(exported.stream, exported.n))
        yield from self._strays()

    def _check_chain(self, stream: Stream) -> Iterator[Finding]:
        before = Head(stream)
        for seal in self._seals.seals(stream):
            yield from check_seal(seal, before)
            yield from self._check_records(seal)
            before = seal.head
            self._report.seals += 1
            self._on_progress(self._report)

    def _check_records(self, seal: Seal) -> Iterator[Finding]:
        found = self._seals.digests_of(each.record_id for each in seal.covered)
        for each in seal.covered:
            yield from check_record(each, seal, found.get(each.record_id))

    def _strays(self) -> Iterator[Finding]:
        """Check the records that wait for their seal, and look for those that nobody wrote through the bank."""
        for batch in self._seals.record_ids():
            waiting, strays = self._seals.not_sealed(batch)
            for record_id in strays:
                yield Finding(Damage.RECORD_STRAY, f"record {record_id}", "a seal or its marker", "neither")
            found = self._seals.digests_of(each.record_id for each in waiting)
            for each in waiting:
                yield from check_record(each, None, found.get(each.record_id))
            self._report.records += len(batch)
            self._report.unsealed += len(waiting)
            self._on_progress(self._report)
