"""What others may see of a person or an account: enough to recognise whom one knows, too little to find out more."""

from __future__ import annotations

_SHOWN_DIGITS = 4


def masked_name(name: str) -> str:
    """Return the first letters of the first and the last word: `Alice Ann Archer` is `A*** A***`."""
    words = name.split()
    return " ".join(f"{word[0]}***" for word in (words[:1] + words[1:][-1:]))


def masked_number(number: str) -> str:
    """Return an account number of which the last four digits are shown."""
    return number[-_SHOWN_DIGITS:].rjust(len(number), "*")
