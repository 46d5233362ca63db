"""A planted defect: one small change of one file, and the test that must fail because of it."""

from __future__ import annotations

from dataclasses import dataclass


class DoesNotApply(Exception):
    """The code has changed, so that the mutant says nothing about it any more: write the mutant anew."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """`old` stands exactly once in `file` and becomes `new`; `caught_by` is a test below tests/, as pytest names it."""

    defect: str
    file: str
    old: str
    new: str
    caught_by: str

    def planted_in(self, text: str) -> str:
        """Return the file's text with the defect.

        Raises:
            DoesNotApply: the old text is not there, or more than once.
        """
        found = text.count(self.old)
        if found != 1:
            raise DoesNotApply(f"{self.defect}: {self.old!r} stands {found} times in {self.file}, not once")
        return text.replace(self.old, self.new)
