"""How often something may happen: `20/minute`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

_PERIODS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
RATE_PATTERN = rf"([1-9][0-9]{{0,8}})/({'|'.join(_PERIODS)})\Z"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `amount` times in one `period`, counted from the first."""

    amount: int
    period: timedelta

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a rate such as `20/minute`.

        Raises:
            ValueError: it has another form.
        """
        match = re.match(RATE_PATTERN, text)
        if match is None:
            raise ValueError(f"{text!r} is not a rate such as 20/minute")
        return cls(int(match[1]), timedelta(seconds=_PERIODS[match[2]]))
