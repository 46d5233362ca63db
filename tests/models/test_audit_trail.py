"""The audit trail over the real database: what is kept, how it is sealed, and that every tampering is named."""

from __future__ import annotations

from typing import Any

import pytest
from bson import Int64
from pymongo.errors import WriteError

from app.domain.actor import Actor, Role
from app.domain.audit import AuditFilter, Stream, Subject
from app.domain.audit_chain import Head, seal_after
from app.domain.errors import InsufficientFunds
from app.domain.ids import session_id
from app.models.audit_seals import AuditSeals, seal_audit, seal_document
from app.models.audit_verification import AuditVerification, Report
from app.models.ledger_reader import LedgerReader
from app.models.store import Store
from tests.factories.ledger import an_account, withdrawal
from tests.parallel import at_once

BELLA = Actor("bella-id", "bella", Role.BANKER, "session")
SECRET = "a signing key for tests, long enough"


def a_record(store: Store, number: int = 0, *, action: str = "staff.product_changed", **facts: Any) -> None:
    store.audit.write(action, BELLA, Subject("product", f"P{number}"), **facts)


def verified(store: Store, *heads: Head) -> Report:
    return AuditVerification(store.audit_seals, LedgerReader(store.client, store.database), heads=heads).run()


def finding(store: Store, *heads: Head) -> str:
    return str(verified(store, *heads).finding)


def record_ids(store: Store) -> list[str]:
    return [each["_id"] for each in store.database["audit"].find().sort("_id", 1)]


@pytest.fixture
def sealed(store: Store) -> Store:
    """A trail of nine records under three seals of one stream."""
    for seal in range(3):
        for number in range(3):
            a_record(store, 3 * seal + number)
        seal_audit(store)
    assert (verified(store).seals, verified(store).records, verified(store).finding) == (3, 9, None)
    return store


# ---- what is kept ----------------------------------------------------------------------------------------------------


def test_a_record_says_who_did_what_to_what_when_and_from_where(store: Store) -> None:
    a_record(store, 7, before={"name": "Basic", "fee": 1}, after={"name": "Plus", "fee": 1})
    (found,) = store.audit.page(AuditFilter(), limit=10, cursor=None).items
    assert (found.action, found.stream, found.user_id, found.role) == (
        "staff.product_changed", Stream.STAFF, "bella-id", "banker",
    )  # fmt: skip
    assert (found.subject, found.result, found.address) == (Subject("product", "P7"), "ok", "local")
    assert (found.before, found.after) == ({"name": "Basic"}, {"name": "Plus"})
    assert abs((store.clock.now() - found.at).total_seconds()) < 60


@pytest.mark.security("S70")
def test_a_record_commits_with_its_posting_and_falls_with_it(store: Store) -> None:
    account = an_account(store, balance=1_000)
    audited = store.audit.append("money.withdrawal", BELLA, Subject("account", account), after={"amount": "10.00"})
    store.journal.post(withdrawal(account, 400, key="once"), also=audited)
    again = store.audit.append("money.withdrawal", BELLA, Subject("account", account), after={"amount": "10.00"})
    store.journal.post(withdrawal(account, 400, key="once"), also=again)
    refused = store.audit.append("money.withdrawal", BELLA, Subject("account", "another"))
    with pytest.raises(InsufficientFunds):
        store.journal.post(withdrawal(account, 9_000), also=refused)
    (found,) = store.audit.page(AuditFilter(), limit=10, cursor=None).items
    assert found.subject == Subject("account", account)
    assert store.audit_seals.backlog(count_max=10) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "violet harbour"),
        ("password_hash", "$2b$04$x"),
        ("totp_seed", "JBSWY3DP"),
        ("secret", "s3cr3t"),
        ("refresh_token", "aaa.bbb.ccc"),
        ("recovery_codes", ["wxyz-1111", "wxyz-2222"]),
        ("current_jti", "of theirs"),
        ("email", "alice@example.com"),
        ("phone", "+15551234567"),
    ],
)
def test_no_secret_and_no_whole_contact_gets_into_the_trail(store: Store, name: str, value: Any) -> None:
    a_record(store, before={}, after={name: value, "inner": {name: value}, "rows": [{name: value}]})
    kept = str(store.database["audit"].find_one())
    for secret in value if isinstance(value, list) else [value]:
        assert secret not in kept


def test_what_is_huge_odd_or_hostile_is_bounded_and_kept_plain(store: Store) -> None:
    odd = {"$gt": "", "a.b": 1, "deep": [[[[[[1]]]]]], "n": 2**70, "x": object(), "s": "\ud800\0", "b": b"raw"}
    a_record(store, after={**odd, **{f"f{n}": "y" * 10_000 for n in range(100)}})
    a_record(store, after=odd)
    seal_audit(store)
    assert verified(store).finding is None
    assert max(len(str(each)) for each in store.database["audit"].find()) < 10_000


def test_the_database_refuses_a_record_of_another_form(store: Store) -> None:
    with pytest.raises(WriteError):
        store.database["audit"].insert_one({"_id": session_id(store.clock.now()), "action": "staff.x", "extra": 1})


# ---- sealing ---------------------------------------------------------------------------------------------------------


def test_two_who_seal_at_once_do_not_fork_the_chain(store: Store) -> None:
    for round_ in range(5):
        for number in range(4):
            a_record(store, number, action="auth.login" if number % 2 else "staff.product_changed")
        at_once(4, lambda _: seal_audit(store))
        assert store.audit_seals.backlog(count_max=10) == 0, round_
    report = verified(store)
    assert (report.finding, report.records, report.unsealed) == (None, 20, 0)


@pytest.mark.security("S71")
def test_sealing_while_records_are_written_leaves_none_out_and_raises_no_alarm(store: Store) -> None:
    def work(number: int) -> None:
        for each in range(15):
            if number % 3 == 0:
                a_record(store, each)
            elif number % 3 == 1:
                seal_audit(store)
            else:
                assert verified(store).finding is None

    at_once(6, work)
    seal_audit(store)
    assert (verified(store).finding, verified(store).records) == (None, 30)


def test_a_backlog_longer_than_a_seal_is_sealed_in_one_run(store: Store) -> None:
    rows = [store.audit.append("staff.x", BELLA, Subject("product", str(n))) for n in range(1_203)]
    for position in (0, 1):
        store.database[rows[0][position].collection].insert_many(row[position].document for row in rows)
    assert seal_audit(store) == "1203 sealed"
    assert (verified(store).seals, verified(store).records, verified(store).finding) == (3, 1_203, None)


# ---- tampering -------------------------------------------------------------------------------------------------------


@pytest.mark.security("S71")
def test_an_edited_record_is_named(sealed: Store) -> None:
    victim = record_ids(sealed)[4]
    sealed.database["audit"].update_one({"_id": victim}, {"$set": {"user_id": "somebody-else"}})
    assert finding(sealed).startswith(f"record content: record {victim} under seal 2 of staff: expected digest ")


@pytest.mark.security("S71")
def test_a_record_edited_before_its_seal_is_named_before_and_after(store: Store) -> None:
    a_record(store)
    (victim,) = record_ids(store)
    store.database["audit"].update_one({"_id": victim}, {"$set": {"result": "forbidden"}})
    assert finding(store).startswith(f"record content: record {victim}: expected digest ")
    seal_audit(store)
    assert finding(store).startswith(f"record content: record {victim} under seal 1 of staff")


@pytest.mark.security("S71")
def test_a_record_deleted_from_the_middle_is_named(sealed: Store) -> None:
    victim = record_ids(sealed)[4]
    sealed.database["audit"].delete_one({"_id": victim})
    assert finding(sealed) == f"missing record: record {victim} under seal 2 of staff: expected a record, found none"


@pytest.mark.security("S71")
def test_a_record_deleted_before_its_seal_is_named_when_it_is_sealed(store: Store) -> None:
    a_record(store)
    (victim,) = record_ids(store)
    store.database["audit"].delete_one({"_id": victim})
    seal_audit(store)
    assert finding(store) == f"missing record: record {victim} under seal 1 of staff: expected a record, found none"


@pytest.mark.security("S71")
def test_a_seal_deleted_from_the_middle_is_named(sealed: Store) -> None:
    sealed.database["audit_seals"].delete_one({"n": 2})
    assert finding(sealed) == "seal numbering: staff: expected seal 2, found seal 3"


@pytest.mark.security("S71")
def test_a_deleted_tail_is_named_by_the_records_or_by_the_exported_head(sealed: Store) -> None:
    head = sealed.audit_seals.head(Stream.STAFF)
    last = record_ids(sealed)[6]
    sealed.database["audit_seals"].delete_one({"n": 3})
    assert finding(sealed) == f"record without seal: record {last}: expected a seal or its marker, found neither"
    sealed.database["audit"].delete_many({"_id": {"$gte": last}})
    assert verified(sealed).finding is None  # which is why heads are exported
    assert finding(sealed, head) == f"exported head: seal 3 of staff: expected hash {head.hash}, found none"


@pytest.mark.security("S71")
def test_two_records_that_changed_places_are_named(sealed: Store) -> None:
    first, second = record_ids(sealed)[3:5]
    trail = sealed.database["audit"]
    one, two = trail.find_one({"_id": first}), trail.find_one({"_id": second})
    assert one is not None
    assert two is not None
    trail.replace_one({"_id": first}, {**two, "_id": first})
    trail.replace_one({"_id": second}, {**one, "_id": second})
    assert finding(sealed).startswith(f"record content: record {first} under seal 2 of staff")


@pytest.mark.security("S71")
def test_an_order_changed_within_a_seal_is_named(sealed: Store) -> None:
    found = sealed.database["audit_seals"].find_one({"n": 2})
    assert found is not None
    change = {"record_ids": found["record_ids"][::-1], "digests": found["digests"][::-1]}
    sealed.database["audit_seals"].update_one({"n": 2}, {"$set": change})
    assert finding(sealed).startswith("seal content: seal 2 of staff: expected digest ")


@pytest.mark.security("S71")
def test_seals_that_changed_places_are_named(sealed: Store) -> None:
    seals = sealed.database["audit_seals"]
    for old, new in ((2, 99), (3, 2), (99, 3)):
        seals.update_one({"n": Int64(old)}, {"$set": {"n": Int64(new)}})
    assert finding(sealed).startswith("seal content: seal 2 of staff: expected hash ")


def test_a_seal_made_fit_by_hand_breaks_the_link_behind_it(sealed: Store) -> None:
    rewritten(sealed, upto=1)
    assert finding(sealed).startswith("seal link: seal 2 of staff: expected after ")


@pytest.mark.security("S71")
def test_a_record_slipped_in_past_the_markers_is_named(sealed: Store) -> None:
    (append, _) = sealed.audit.append("staff.role_changed", BELLA, Subject("user", "mallory"))
    sealed.database["audit"].insert_one(append.document)
    slipped_in = append.document["_id"]
    assert finding(sealed) == f"record without seal: record {slipped_in}: expected a seal or its marker, found neither"


@pytest.mark.security("S71")
def test_a_record_slipped_into_a_seal_is_named(sealed: Store) -> None:
    (append, _) = sealed.audit.append("staff.role_changed", BELLA, Subject("user", "mallory"))
    sealed.database["audit"].insert_one(append.document)
    sealed.database["audit_seals"].update_one({"n": 2}, {"$push": {"record_ids": append.document["_id"]}})
    assert finding(sealed).startswith("seal content: seal 2 of staff: expected digest ")


@pytest.mark.security("S71")
def test_a_trail_written_anew_from_one_end_to_the_other_is_named_by_the_exported_head(sealed: Store) -> None:
    head = sealed.audit_seals.head(Stream.STAFF)
    rewritten(sealed, upto=3)
    assert verified(sealed).finding is None
    assert finding(sealed, head).startswith(f"exported head: seal 3 of staff: expected hash {head.hash}, found hash ")


def test_a_document_of_another_form_is_named(sealed: Store) -> None:
    sealed.database.command("collMod", "audit_seals", validationLevel="off")
    try:
        sealed.database["audit_seals"].update_one({"n": 2}, {"$unset": {"digest": 1}})
        assert finding(sealed).startswith("malformed document: audit_seals staff-000000000002: expected the form")
    finally:
        sealed.database.command("collMod", "audit_seals", validationLevel="strict")


def rewritten(store: Store, *, upto: int) -> None:
    """Change every record up to a seal, and make the seals fit: what somebody with the database could do."""
    seals, trail = store.database["audit_seals"], store.database["audit"]
    head = Head(Stream.STAFF)
    for old in list(store.audit_seals.seals(Stream.STAFF))[:upto]:
        ids = [each.record_id for each in old.covered]
        trail.update_many({"_id": {"$in": ids}}, {"$set": {"user_id": "somebody-else"}})
        now = AuditSeals(store.database).digests_of(ids)
        seal = seal_after(head, [type(each)(each.record_id, now[each.record_id]) for each in old.covered], at=old.at)
        seals.replace_one({"n": old.n}, seal_document(seal))
        head = seal.head
