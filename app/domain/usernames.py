"""User names: what may be one, and when two are the same. After UTS 39, with the standard library's data alone."""

from __future__ import annotations

import unicodedata

from app.domain.errors import ValidationFailed

LENGTH_MIN = 3
LENGTH_MAX = 32
TYPED_LENGTH_MAX = 64
"""Longer input is refused before it is looked at."""

_ASCII_DIGITS = frozenset("0123456789")
_SEPARATORS = frozenset("._-")
_LATIN_BASES = frozenset("abcdefghijklmnopqrstuvwxyzæðøþđħłŋœŧ")
"""Latin letters come from these, with or without accents: dotless, script and phonetic look-alikes do not."""
_LATIN_LOOKALIKES = frozenset("аеорсухіјѕһԛԝӏԁѵ" + "ανοριτυκγχ")  # noqa: RUF001  # Cyrillic and Greek, on purpose


def displayed_username(text: str) -> str:
    """Return a name as its owner typed it, in composed characters (NFC)."""
    return unicodedata.normalize("NFC", text)


def canonical_username(text: str) -> str:
    """Return the form in which a name is unique: compatibility characters and case folded away (NFKC, casefold).

    Raises:
        ValidationFailed: too short or long, not letters of one script with digits and `.` `_` `-`, or deceptive:
            invisible or combining characters, scripts mixed, or a foreign script that reads as Latin throughout.
    """
    if len(text) > TYPED_LENGTH_MAX:
        raise _refused(f"Use {LENGTH_MIN} to {LENGTH_MAX} characters.")
    name = _folded(text)
    if not LENGTH_MIN <= len(name) <= LENGTH_MAX:
        raise _refused(f"Use {LENGTH_MIN} to {LENGTH_MAX} characters.")
    letters = set(name) - _ASCII_DIGITS - _SEPARATORS
    if not all(_is_plain_letter(letter) for letter in letters):
        raise _refused("Use only letters, the digits 0 to 9, and . _ - between them.")
    if not letters or name[0] in _SEPARATORS or name[-1] in _SEPARATORS:
        raise _refused("Begin and end with a letter or a digit, and use at least one letter.")
    if len({_script(letter) for letter in letters}) > 1:
        raise _refused("Use the letters of one script only.")
    if letters <= _LATIN_LOOKALIKES:
        raise _refused("These letters could be mistaken for Latin ones.")
    return name


def attempted_username(text: str) -> str:
    """Return what stands for a name in the count of failed logins, also where it can't be anybody's."""
    return _folded(text)


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded)


def _is_plain_letter(character: str) -> bool:
    """Tell whether this is a letter that stands for itself: no mark, no modifier, no filler, and stable when folded."""
    if unicodedata.category(character) not in ("Ll", "Lo") or _folded(character) != character:
        return False
    name = unicodedata.name(character, "")
    if "FILLER" in name or (name.startswith("HANGUL") and "SYLLABLE" not in name):
        return False
    return _script(character) != "LATIN" or unicodedata.normalize("NFD", character)[0] in _LATIN_BASES


def _script(letter: str) -> str:
    """Name the script of a letter; Unicode's names begin with it."""
    return unicodedata.name(letter).partition(" ")[0]


def _refused(message: str) -> ValidationFailed:
    return ValidationFailed(errors={"username": [message]})
