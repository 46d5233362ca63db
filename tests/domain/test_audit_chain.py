"""The chain of seals: whatever is changed in it, left out of it or cut off its end is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from app.domain.audit import Stream
from app.domain.audit_chain import (
    BEFORE_THE_FIRST,
    Covered,
    Damage,
    Finding,
    Head,
    Seal,
    check_head,
    check_record,
    check_seal,
    export_heads,
    read_heads,
    seal_after,
)

AT = datetime(2026, 11, 20, 12, 0, 0, 125_000, tzinfo=UTC)
COVERED = (Covered("r1", "d1"), Covered("r2", "d2"))
BEGINNING = Head(Stream.STAFF)
SECRET = "a signing key for tests, long enough"
EXPORTED = (
    '{"format": "bank audit heads 1", "at": "2026-11-20T12:00:00.125+00:00", "heads": [{"stream": '
    '"staff", "n": 1, "hash": "a8e10e153020f292235f959706c51619583660ec30193b3ce65bbed5254776d6"}, '
    '{"stream": "money", "n": 0, "hash": '
    '"0000000000000000000000000000000000000000000000000000000000000000"}], "signature": '
    '"27abf9f743c9173b2363e2585ca0fe2dffa941e8c586fd038a9a48656d353aae"}'
)
"""What an earlier release has exported."""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def damages(seal: Seal, before: Head = BEGINNING) -> list[Damage]:
    return [finding.damage for finding in check_seal(seal, before)]


@pytest.mark.usefixtures("machine_in_tokyo")
def test_a_seal_is_made_over_its_records_and_the_seal_before_it_alike_in_every_release() -> None:
    seal = seal_after(BEGINNING, list(COVERED), at=AT)
    digest = sha256("r1 d1\nr2 d2\n")
    assert (seal.stream, seal.n, seal.covered, seal.at) == (Stream.STAFF, 1, COVERED, AT)
    assert (seal.digest, seal.previous) == (digest, "0" * 64)
    assert seal.hash == sha256(f"staff\n1\n{digest}\n{BEFORE_THE_FIRST}\n2026-11-20T12:00:00.125+00:00\n")
    assert seal.head == Head(Stream.STAFF, 1, seal.hash)
    assert str(seal) == "seal 1 of staff"


def test_a_seal_says_the_same_in_whatever_time_zone_it_is_read() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    assert seal_after(BEGINNING, COVERED, at=elsewhere).hash == seal_after(BEGINNING, COVERED, at=AT).hash


def test_a_sound_chain_is_found_sound() -> None:
    head = BEGINNING
    for number in range(3):
        seal = seal_after(head, [Covered(f"r{number}", "d")], at=AT + timedelta(seconds=number))
        assert damages(seal, head) == []
        head = seal.head
    assert head.n == 3


def resealed(seal: Seal) -> Seal:
    """Return a seal as somebody would forge it who makes it fit in itself."""
    return seal_after(Head(seal.stream, seal.n - 1, seal.previous), seal.covered, at=seal.at)


SEAL = seal_after(BEGINNING, COVERED, at=AT)
DAMAGED: list[tuple[Seal, list[Damage]]] = [
    (replace(SEAL, covered=COVERED[:1]), [Damage.SEAL_CONTENT]),
    (replace(SEAL, covered=COVERED[::-1]), [Damage.SEAL_CONTENT]),
    (replace(SEAL, digest="d"), [Damage.SEAL_CONTENT, Damage.SEAL_CONTENT]),
    (replace(SEAL, at=AT + timedelta(milliseconds=1)), [Damage.SEAL_CONTENT]),
    (replace(SEAL, stream=Stream.AUTH), [Damage.SEAL_CONTENT]),
    (replace(SEAL, hash="h"), [Damage.SEAL_CONTENT]),
    (replace(SEAL, n=2), [Damage.SEAL_NUMBER, Damage.SEAL_CONTENT]),
    (resealed(replace(SEAL, n=2)), [Damage.SEAL_NUMBER]),
    (resealed(replace(SEAL, previous="p")), [Damage.SEAL_LINK]),
    (replace(SEAL, previous="p"), [Damage.SEAL_CONTENT, Damage.SEAL_LINK]),
]


@pytest.mark.parametrize(("seal", "found"), DAMAGED)
def test_a_seal_that_was_changed_or_put_elsewhere_is_named(seal: Seal, found: list[Damage]) -> None:
    assert damages(seal) == found


def test_a_finding_says_what_was_expected_and_what_is_there() -> None:
    (number,) = check_seal(resealed(replace(SEAL, n=3)), BEGINNING)
    assert number == Finding(Damage.SEAL_NUMBER, "staff", "seal 1", "seal 3")
    assert str(number) == "seal numbering: staff: expected seal 1, found seal 3"
    (link,) = check_seal(resealed(replace(SEAL, previous="p")), BEGINNING)
    assert link == Finding(Damage.SEAL_LINK, "seal 1 of staff", f"after {BEFORE_THE_FIRST}", "after p")
    (content,) = check_seal(replace(SEAL, covered=COVERED[:1]), BEGINNING)
    assert content == Finding(Damage.SEAL_CONTENT, "seal 1 of staff", f"digest {SEAL.digest}", sha256("r1 d1\n"))
    (hashed,) = check_seal(replace(SEAL, hash="h"), BEGINNING)
    assert hashed == Finding(Damage.SEAL_CONTENT, "seal 1 of staff", "hash h", SEAL.hash)


def test_a_record_is_compared_with_its_digest() -> None:
    covered = Covered("r1", "d1")
    assert list(check_record(covered, SEAL, "d1")) == []
    assert list(check_record(covered, SEAL, None)) == [
        Finding(Damage.RECORD_MISSING, "record r1 under seal 1 of staff", "a record", "none")
    ]
    assert list(check_record(covered, None, "other")) == [
        Finding(Damage.RECORD_CONTENT, "record r1", "digest d1", "other")
    ]


def test_an_exported_head_is_looked_for_in_the_chain() -> None:
    exported = SEAL.head
    assert list(check_head(exported, exported)) == []
    (cut,) = check_head(exported, None)
    assert cut == Finding(Damage.HEAD, "seal 1 of staff", f"hash {SEAL.hash}", "none")
    (rewritten,) = check_head(exported, replace(exported, hash="h"))
    assert rewritten == Finding(Damage.HEAD, "seal 1 of staff", f"hash {SEAL.hash}", "hash h")


# ---- exported heads --------------------------------------------------------------------------------------------------


HEADS = [Head(Stream.STAFF, 1, SEAL.hash), Head(Stream.MONEY)]


def test_heads_are_exported_and_read_back() -> None:
    text = export_heads(HEADS, secret=SECRET, at=AT)
    assert read_heads(text, secrets=[SECRET]) == HEADS
    assert text.endswith("}\n")
    assert "\n" not in text[:-1]


@pytest.mark.usefixtures("machine_in_tokyo")
def test_an_export_of_an_earlier_release_is_read_and_made_again_word_for_word() -> None:
    assert export_heads(HEADS, secret=SECRET, at=AT.astimezone(timezone(timedelta(hours=9)))) == EXPORTED + "\n"
    assert read_heads(EXPORTED, secrets=[SECRET]) == HEADS


def test_heads_are_read_with_any_of_the_banks_secrets_and_no_other() -> None:
    assert read_heads(EXPORTED, secrets=["newer", SECRET]) == HEADS
    for secrets in ([], ["newer"]):
        with pytest.raises(ValueError, match="not signed"):
            read_heads(EXPORTED, secrets=secrets)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content["heads"][0].update(n=2),
        lambda content: content["heads"][0].update(hash="h"),
        lambda content: content["heads"].pop(),
        lambda content: content.update(at="2026-11-20T12:00:00.126+00:00"),
        lambda content: content.update(further="x"),
        lambda content: content.update(signature="0" * 64),
        lambda content: content.update(signature="é"),
    ],
)
def test_heads_that_were_changed_are_refused(change: Callable[[dict[str, object]], object]) -> None:
    content = json.loads(EXPORTED)
    change(content)
    with pytest.raises(ValueError, match="not signed"):
        read_heads(json.dumps(content), secrets=[SECRET])


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", "null", "7", '"x"', "[" * 100_000,
     *(json.dumps(json.loads(EXPORTED) | change) for change in (
         {"format": "bank audit heads 2"}, {"format": None}, {"signature": 7}, {"signature": None}, {"heads": None},
         {"heads": [7]}, {"heads": [{}]}, {"heads": [{"stream": "other", "n": 1, "hash": "h"}]},
         {"heads": [{"stream": "staff", "n": "x", "hash": "h"}]},
     ))],
)  # fmt: skip
def test_what_is_no_export_is_refused_as_none(text: str) -> None:
    with pytest.raises(ValueError, match="no export"):
        read_heads(text, secrets=[SECRET])
