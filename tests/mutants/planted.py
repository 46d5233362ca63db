"""The planted mutants: what a hurried change of the ledger's door might get wrong, and the test that must see it."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

JOURNAL = "app/models/journal.py"
LANES = "app/models/group_commit.py"
POSTING = "app/models/posting.py"
ACCOUNTS = "app/models/accounts.py"
ENTRIES = "app/models/entries.py"
TRANSACTIONS = "app/models/transactions.py"
CONNECTION = "app/models/connection.py"
HOLDS = "app/models/holds.py"
RULES = "app/domain/ledger/rules.py"

_COMMANDS = "models/test_posting_commands.py::test_"
_POSTING = "models/test_posting.py::test_"
_LANES = "models/test_lanes.py::test_"
_GROUP = "models/test_group_commit.py::test_"
_GUARDS = "models/test_guarded_writes.py::test_"
_ONE_TRANSACTION = f"{_COMMANDS}every_command_of_a_posting_belongs_to_its_one_transaction"
_CONCERNS = f"{_COMMANDS}a_posting_reads_one_snapshot_and_is_committed_on_a_majority_and_journaled"
_CLASSIFIED = f"{_COMMANDS}an_error_tells_what_to_do_next"
_UNCHANGED_BATCH = f"{_LANES}a_batch_of_unknown_outcome_stays_as_it_is_whatever_comes_next"
_REPLAY = f"{_POSTING}a_replay_gives_the_first_answer_with_its_entries"


def _without_session(what: str, before: str, file: str = POSTING) -> Mutant:
    return Mutant(f"no session: {what}", file, f"{before}session=session", f"{before}session=None", _ONE_TRANSACTION)


OUTSIDE_OF_THE_TRANSACTION = (
    _without_session("known transactions are looked up outside", "reversed_ids=originals, "),
    _without_session("accounts are read outside", "find_many(needed, "),
    _without_session("holds are read outside", "find_many(hold_ids, "),
    _without_session("entries of replays are read outside", "find_many(missing, "),
    _without_session("accounts are claimed outside", "claim(named, "),
    _without_session("accounts are written outside", "whole=book.changed_terms, "),
    _without_session("new accounts are inserted outside", "for name in book.new_accounts], "),
    _without_session("holds are written outside", "for name in book.changed_holds], "),
    _without_session("transactions, which are the keys, are inserted outside", "(book.new_transactions, "),
    _without_session("entries are inserted outside", "(book.new_entries, "),
    _without_session("guarded documents are changed outside", "write.update or {}, "),
    _without_session("guarded documents are looked for outside", '{"_id": 1}, '),
    _without_session("guarded documents are inserted outside", "insert_one(write.insert, "),
    _without_session("documents are appended outside", "insert_many(documents, "),
    _without_session("the update command leaves its session out", "updates=updates, ", ACCOUNTS),
    _without_session("the entries' insert leaves its session out", "for each in entries], ", ENTRIES),
    _without_session("the transactions' insert leaves its session out", "for each in transactions], ", TRANSACTIONS),
)

DURABILITY = (
    Mutant(
        "commits wait for one member",
        CONNECTION,
        'WriteConcern("majority", j=True)',
        "WriteConcern(1, j=True)",
        _CONCERNS,
    ),
    Mutant(
        "commits wait for one member, and a primary alone is rolled back",
        CONNECTION,
        'WriteConcern("majority"',
        "WriteConcern(1",
        "faults/test_rollback.py::test_what_a_primary_without_followers_was_asked_for_is_acknowledged_by_none_that_loses_it",
    ),
    Mutant(
        "commits wait for no journal",
        CONNECTION,
        'WriteConcern("majority", j=True)',
        'WriteConcern("majority")',
        _CONCERNS,
    ),
    Mutant(
        "the transaction says no concern",
        POSTING,
        'start_transaction(ReadConcern("snapshot"), MAJORITY)',
        "start_transaction()",
        _CONCERNS,
    ),
    Mutant("reads are of no snapshot", POSTING, 'ReadConcern("snapshot")', 'ReadConcern("local")', _CONCERNS),
    Mutant(
        "answered without a commit",
        POSTING,
        "                        _commit(session)\n",
        "",
        f"{_POSTING}what_is_answered_is_what_is_stored",
    ),
)

COMMITS = (
    Mutant(
        "a commit without an answer is not asked for again",
        POSTING,
        "or time.monotonic() > give_up:",
        "or True:",
        f"{_COMMANDS}a_commit_without_an_answer_is_asked_for_again_before_anything_is_done_anew",
    ),
    Mutant(
        "a commit is asked for again without an end",
        POSTING,
        'if not labels.has_error_label("UnknownTransactionCommitResult") or time.monotonic() > give_up:',
        'if not labels.has_error_label("UnknownTransactionCommitResult"):',
        f"{_COMMANDS}a_commit_that_stays_without_an_answer_is_of_unknown_outcome",
    ),
    Mutant(
        "a commit's error is taken for a failure",
        POSTING,
        "raise CommitUnanswered from error",
        "raise",
        f"{_GROUP}an_outcome_that_stays_unknown_names_the_key_and_a_retry_has_one_effect",
    ),
    Mutant(
        "a commit of a transaction given up is taken for unknown",
        POSTING,
        'if labels.has_error_label("TransientTransactionError"):',
        "if False:",
        f"{_COMMANDS}a_commit_of_a_transaction_that_the_server_gave_up_did_not_happen",
    ),
    Mutant(
        "an unknown outcome is given up at once",
        LANES,
        "self._put_aside(_Group(batch, whole=True))",
        "[u.future.set_result(u.outcome_unknown()) for u in batch]",
        _UNCHANGED_BATCH,
    ),
    Mutant(
        "a batch of unknown outcome is split",
        LANES,
        "self._put_aside(_Group(batch, whole=True))",
        "todo.extend([unit] for unit in batch)",
        _UNCHANGED_BATCH,
    ),
    Mutant(
        "a batch of unknown outcome takes newcomers in",
        LANES,
        "if not g.whole and not g.touches",
        "if not g.touches",
        _UNCHANGED_BATCH,
    ),
    Mutant(
        "a batch of unknown outcome is taken apart by poison",
        LANES,
        "elif fault is Fault.POISON and not group.whole:",
        "elif fault is Fault.POISON:",
        _UNCHANGED_BATCH,
    ),
    Mutant(
        "a batch of unknown outcome goes by the present time",
        LANES,
        "batch[0].tried_at if batch[0].trouble is Fault.UNKNOWN else self._poster.now()",
        "self._poster.now()",
        f"{_GROUP}a_batch_of_unknown_outcome_is_tried_again_as_of_the_same_time",
    ),
    Mutant(
        "a later error hides that the outcome is unknown",
        LANES,
        "if unit.trouble is not Fault.UNKNOWN:",
        "if True:",
        _UNCHANGED_BATCH,
    ),
    Mutant(
        "a batch of unknown outcome is refused at its deadline as certain",
        LANES,
        "if not group.whole:",
        "if True:",
        f"{_LANES}what_stays_unknown_to_the_end_is_answered_so_whatever_the_last_attempt_said",
    ),
    Mutant(
        "a commit lost in the lane aside is forgotten",
        LANES,
        "            group.whole = True\n",
        "            pass\n",
        f"{_LANES}a_commit_that_gets_lost_after_a_conflict_leaves_an_unknown_outcome_too",
    ),
    Mutant(
        "a batch of unknown outcome claims its accounts",
        LANES,
        "claims=not group.whole and group.is_large",
        "claims=group.is_large",
        f"{_LANES}a_batch_of_unknown_outcome_claims_nothing",
    ),
    Mutant(
        "the first effect is called a replay",
        LANES,
        "outcome = replace(outcome, replayed=False)",
        "pass",
        f"{_LANES}an_effect_found_after_a_lost_commit_is_the_requests_own_and_no_replay",
    ),
    Mutant(
        "a replay is called the first effect",
        LANES,
        "if self.trouble is Fault.UNKNOWN and isinstance",
        "if isinstance",
        f"{_LANES}an_effect_found_after_a_lost_commit_is_the_requests_own_and_no_replay",
    ),
)

ATTEMPTS = (
    Mutant(
        "the rules go by another time than they are given",
        POSTING,
        "now or self.now()",
        "self.now()",
        f"{_COMMANDS}the_rules_go_by_the_time_that_is_given",
    ),
    Mutant(
        "an attempt has no end",
        POSTING,
        "pymongo.timeout(max(TIMEOUT_S_MIN, give_up - time.monotonic()))",
        "pymongo.timeout(60)",
        f"{_COMMANDS}an_attempt_ends_in_the_time_that_it_is_given",
    ),
    Mutant(
        "an abort is waited for as long as it takes",
        POSTING,
        "with pymongo.timeout(ABORT_S):",
        "with pymongo.timeout(60):",
        f"{_COMMANDS}a_transaction_that_can_not_be_aborted_is_not_waited_for",
    ),
    Mutant(
        "what was not committed stays open",
        POSTING,
        "        with pymongo.timeout(ABORT_S):\n            session.abort_transaction()",
        "        session._transaction.reset()",
        f"{_COMMANDS}what_was_not_committed_is_let_go_at_once",
    ),
    Mutant(
        "an attempt gets more time than its requests have",
        LANES,
        "max(ATTEMPT_S_MIN, max(unit.deadline for unit in batch) - time.monotonic())",
        "60.0",
        f"{_LANES}an_attempt_gets_the_time_that_its_requests_have_left",
    ),
    Mutant(
        "known transactions are not looked up",
        POSTING,
        "ids = [intent.id for intent in intents] + originals",
        "ids = originals",
        _REPLAY,
    ),
    Mutant(
        "replays are looked for after the rules",
        RULES,
        "if known is not None:",
        "if known is not None and _RULES[type(intent)](book.copy(), intent, moment):",
        f"{_POSTING}a_replay_is_answered_before_any_rule_is_asked",
    ),
    Mutant(
        "another request under a used key is answered with the first",
        RULES,
        "if known.fingerprint != intent.fingerprint:",
        "if False:",
        f"{_POSTING}another_request_under_a_used_key_moves_nothing",
    ),
    Mutant(
        "reversals are not looked up",
        TRANSACTIONS,
        "if originals:",
        "if False:",
        f"{_POSTING}a_transaction_reversed_by_two_writers_at_once_is_reversed_once",
    ),
    Mutant(
        "the database takes two reversals of one transaction",
        TRANSACTIONS,
        "unique=True",
        "unique=False",
        f"{_COMMANDS}the_database_itself_refuses_a_second_reversal_and_a_second_entry_of_one_number",
    ),
    Mutant(
        "the database takes two entries of one number",
        ENTRIES,
        "unique=True",
        "unique=False",
        f"{_COMMANDS}the_database_itself_refuses_a_second_reversal_and_a_second_entry_of_one_number",
    ),
    Mutant("replays come without their entries", POSTING, "if missing:", "if False:", _REPLAY),
)

WRITES = (
    Mutant(
        "a refused write of accounts is passed over",
        ACCOUNTS,
        'reply.get("writeErrors", ())',
        "()",
        f"{_COMMANDS}accounts_that_vanish_or_are_refused_by_their_validator_fail_the_posting",
    ),
    Mutant(
        "accounts that were not written are passed over",
        ACCOUNTS,
        'if reply["n"] != len(updates):',
        "if False:",
        f"{_COMMANDS}accounts_that_vanish_or_are_refused_by_their_validator_fail_the_posting",
    ),
    Mutant(
        "terms are not written",
        POSTING,
        "whole=book.changed_terms",
        "whole=set()",
        f"{_POSTING}holds_and_states_are_stored",
    ),
    Mutant(
        "what is held is not written",
        ACCOUNTS,
        '        "held": Int64(account.held),\n        "spent": {',
        '        "spent": {',
        f"{_POSTING}holds_and_states_are_stored",
    ),
    Mutant(
        "the time of the last entry is not written",
        ACCOUNTS,
        "if account.last_entry_at is not None:",
        "if False:",
        f"{_POSTING}time_never_falls_along_an_account_while_the_clock_does",
    ),
    Mutant(
        "an amount is a float",
        ENTRIES,
        '"amount": Int64(entry.amount)',
        '"amount": float(entry.amount)',
        f"{_POSTING}what_is_answered_is_what_is_stored",
    ),
    Mutant(
        "a balance is a float",
        ACCOUNTS,
        '        "balance": Int64(account.balance),\n        "held": Int64(account.held),\n        "spent"',
        '        "balance": float(account.balance),\n        "held": Int64(account.held),\n        "spent"',
        f"{_POSTING}what_is_answered_is_what_is_stored",
    ),
    Mutant(
        "the database takes entries with floats",
        ENTRIES,
        '"amount": {"bsonType": "long"',
        '"amount": {"bsonType": "number"',
        f"{_POSTING}the_database_itself_refuses_money_that_is_not_whole_or_out_of_range",
    ),
    Mutant(
        "holds are not written",
        POSTING,
        "if book.changed_holds:",
        "if False:",
        f"{_POSTING}holds_and_states_are_stored",
    ),
    Mutant(
        "a large read takes several commands",
        "app/models/collection.py",
        ", batch_size=len(wanted) + 1",
        "",
        f"{_POSTING}two_hundred_intents_take_as_many_commands_as_one",
    ),
)

GUARDS = (
    Mutant(
        "guards are left out",
        JOURNAL,
        "Request(intent, tuple(also))",
        "Request(intent)",
        f"{_GUARDS}a_document_is_changed_with_the_posting",
    ),
    Mutant(
        "a guard is not checked",
        POSTING,
        "return written.matched_count == 1",
        "return True",
        f"{_GUARDS}nothing_moves_where_the_document_is_not_as_relied_upon",
    ),
    Mutant(
        "a guard is checked before the update and not by it",
        POSTING,
        "update_one(write.guard,",
        'update_one({"_id": write.guard["_id"]},',
        f"{_GUARDS}what_many_callers_would_use_up_at_once_is_used_once",
    ),
    Mutant(
        "a guarded write that changes nothing is accepted",
        POSTING,
        "if written.matched_count > written.modified_count:",
        "if False:",
        f"{_GUARDS}a_guard_that_would_let_others_change_its_document_unseen_is_a_fault_of_the_program",
    ),
    Mutant(
        "what was written before a missed guard stays",
        POSTING,
        "if position == 0:",
        "if True:",
        f"{_GUARDS}a_second_write_that_does_not_hold_undoes_the_first",
    ),
    Mutant(
        "a missed guard leaves the money moved",
        POSTING,
        "trial, outcome = book, refusal",
        "outcome = refusal",
        f"{_GUARDS}nothing_moves_where_the_document_is_not_as_relied_upon",
    ),
    Mutant(
        "a request is tried on the book itself",
        POSTING,
        "book.copy() if guarded else book",
        "book",
        f"{_GUARDS}nothing_moves_where_the_document_is_not_as_relied_upon",
    ),
    Mutant(
        "a replay uses its guards up again",
        POSTING,
        "isinstance(outcome, Recorded) and not outcome.replayed:",
        "isinstance(outcome, Recorded):",
        f"{_GUARDS}a_replay_uses_nothing_up_again",
    ),
    Mutant(
        "what is there already is inserted again",
        POSTING,
        "session=session) is not None:",
        "session=session) is False:",
        f"{_GUARDS}many_who_would_add_what_is_there_cost_one_transaction_not_one_each",
    ),
    Mutant(
        "a document that another index refuses troubles its neighbours",
        POSTING,
        "raise _GuardMissed(index, write.refusal) from taken",
        "raise",
        f"{_GUARDS}a_document_that_another_unique_index_refuses_refuses_its_own_intent_and_no_neighbour",
    ),
    Mutant(
        "nothing is appended",
        POSTING,
        "self._append(appended, session)",
        "pass",
        f"{_GUARDS}what_is_appended_stands_and_falls_with_its_own_posting",
    ),
    Mutant(
        "what goes with a refused posting is appended",
        POSTING,
        "                else:\n                    appended +=",
        "                if True:\n                    appended +=",
        f"{_GUARDS}what_is_appended_stands_and_falls_with_its_own_posting",
    ),
)

CLASSES = (
    Mutant("a used key is taken for poison", POSTING, "isinstance(error, DuplicateKeyError) or", "", _CLASSIFIED),
    Mutant("a used key in a bulk is taken for poison", POSTING, " or _is_duplicate(error)", "", _CLASSIFIED),
    Mutant(
        "whatever fails in a bulk is taken for a used key",
        POSTING,
        "or _is_duplicate(error)",
        "or isinstance(error, BulkWriteError)",
        _CLASSIFIED,
    ),
    Mutant(
        "a conflict is taken for an outage",
        CONNECTION,
        "frozenset({24, 112, 246, 251})",
        "frozenset({24, 246, 251})",
        f"{_GROUP}neighbours_in_the_same_batch_as_a_held_account_are_posted",
    ),
    Mutant(
        "a transaction given up is taken for poison",
        CONNECTION,
        "frozenset({24, 112, 246, 251})",
        "frozenset({24, 112, 246})",
        _CLASSIFIED,
    ),
    Mutant(
        "an outage is taken for a conflict",
        POSTING,
        "return Fault.UNAVAILABLE",
        "return Fault.CONFLICT",
        f"{_GROUP}a_database_that_does_not_answer_is_told_in_time_and_nothing_moves",
    ),
    Mutant(
        "an outage is taken for poison",
        POSTING,
        "return Fault.UNAVAILABLE",
        "return Fault.POISON",
        f"{_LANES}a_batch_waits_together_for_a_database_that_is_away",
    ),
    Mutant(
        "a fault of the program is tried again without an end",
        POSTING,
        "        return Fault.POISON\n    if isinstance(error, D",
        "        return Fault.UNAVAILABLE\n    if isinstance(error, D",
        _CLASSIFIED,
    ),
)

NEIGHBOURS = (
    Mutant(
        "all requests meet at the bank's own accounts",
        POSTING,
        "names = {account_id for account_id in intent.accounts if not is_internal(account_id)}",
        "names = set(intent.accounts)",
        f"{_GROUP}neighbours_in_the_same_batch_as_a_held_account_are_posted",
    ),
    Mutant(
        "guarded documents are no reason to keep apart",
        POSTING,
        """return names | {f"{write.collection}/{write.guard['_id']}" for write in request.guarded}""",
        "return names",
        f"{_COMMANDS}a_request_conflicts_over_its_accounts_what_it_refers_to_and_what_it_guards",
    ),
    Mutant(
        "holds and originals are no reason to keep apart",
        POSTING,
        "if intent.refers_to is not None:",
        "if False:",
        f"{_COMMANDS}a_request_conflicts_over_its_accounts_what_it_refers_to_and_what_it_guards",
    ),
    Mutant(
        "a batch in conflict is not split",
        LANES,
        "        if len(groups) > 1:",
        "        if False:",
        f"{_GROUP}neighbours_in_the_same_batch_as_a_held_account_are_posted",
    ),
    Mutant(
        "a batch with poison is not split",
        LANES,
        "        if len(groups) > 1:",
        "        if len(groups) > 1 and fault is Fault.CONFLICT:",
        f"{_GROUP}poison_fails_alone",
    ),
    Mutant(
        "those who share an account are split",
        LANES,
        "_neighbours(batch) if fault is Fault.CONFLICT else [[unit] for unit in batch]",
        "[[unit] for unit in batch]",
        f"{_LANES}those_who_share_an_account_stay_together_and_in_order_through_a_conflict",
    ),
    Mutant(
        "those who share an account change places",
        LANES,
        "members = others + members",
        "members = members + others",
        f"{_LANES}those_who_share_an_account_stay_together_and_in_order_through_a_conflict",
    ),
    Mutant(
        "an account in trouble is tried in the main lane",
        LANES,
        "if self._stuck.isdisjoint(unit.touches):",
        "if True:",
        f"{_LANES}requests_for_an_account_in_trouble_wait_aside_without_a_try_in_the_main_lane",
    ),
    Mutant(
        "many accounts are not claimed",
        LANES,
        "claims=not group.whole and group.is_large",
        "claims=False",
        f"{_LANES}who_touches_many_accounts_claims_them_once_it_waits_aside",
    ),
    Mutant(
        "claims are left out",
        POSTING,
        "if claims:",
        "if False:",
        f"{_COMMANDS}accounts_are_claimed_before_anything_is_read",
    ),
    Mutant(
        "poison aside fails all who wait with it",
        LANES,
        "if len(group.units) == 1:\n            group.units.pop().future.set_exception(error)\n            return",
        "while group.units:\n            group.units.pop().future.set_exception(error)",
        f"{_LANES}poison_is_found_and_fails_alone_in_either_lane",
    ),
    Mutant(
        "lanes share a stripe",
        JOURNAL,
        "return first, first + 1",
        "return first, first",
        f"{_LANES}journals_and_their_lanes_post_to_stripes_of_their_own",
    ),
    Mutant(
        "processes share stripes",
        JOURNAL,
        '2 * int(counter["n"]) % STRIPES',
        "2",
        f"{_LANES}journals_and_their_lanes_post_to_stripes_of_their_own",
    ),
)

LIMITS_AND_ENDS = (
    Mutant(
        "the queue has no end",
        LANES,
        "self._closing or self.depth + len(units) > self._queue_max",
        "self._closing",
        f"{_LANES}the_queue_takes_no_more_than_it_holds",
    ),
    Mutant(
        "a batch has no end",
        LANES,
        "while self._queue and len(taken) < self._batch_max:",
        "while self._queue:",
        f"{_LANES}the_queue_takes_no_more_than_it_holds",
    ),
    Mutant(
        "requests are taken in while closing",
        LANES,
        "self._closing or self.depth + len(units) > self._queue_max",
        "self.depth + len(units) > self._queue_max",
        f"{_LANES}closed_lanes_take_nothing",
    ),
    Mutant(
        "closing drops who is queued",
        LANES,
        "            while not self._queue:\n                if self._closing:",
        "            while not self._queue or self._closing:\n                if self._closing:",
        f"{_LANES}all_that_was_accepted_is_answered_before_the_lanes_end",
    ),
    Mutant(
        "closing drops who has yet to go aside",
        LANES,
        "if self._closing and self._main_done:",
        "if self._closing:",
        f"{_LANES}all_that_was_accepted_is_answered_before_the_lanes_end",
    ),
    Mutant(
        "deadlines mean nothing",
        LANES,
        "if unit.deadline > now:",
        "if True:",
        f"{_LANES}whose_time_was_over_while_queued_is_refused_and_not_posted",
    ),
    Mutant(
        "who gave up is posted all the same",
        LANES,
        "if not unit.future.set_running_or_notify_cancel():\n                    continue",
        "unit.future.set_running_or_notify_cancel()",
        f"{_LANES}who_gave_up_while_queued_is_not_posted_and_troubles_no_neighbour",
    ),
    Mutant(
        "a conflict at the deadline is told as a full queue",
        LANES,
        "            Fault.CONFLICT: AccountBusy,\n",
        "",
        f"{_LANES}a_conflict_that_lasts_to_the_deadline_is_told_as_such",
    ),
    Mutant(
        "an outage at the deadline is told as a full queue",
        LANES,
        "            Fault.UNAVAILABLE: DatabaseUnavailable,\n",
        "",
        f"{_LANES}a_database_that_stays_away_is_told_as_such",
    ),
    Mutant(
        "a request takes longer than it has",
        JOURNAL,
        "deadline_within(self._deadline_s)",
        "time.monotonic() + self._deadline_s",
        "models/test_budget.py::test_a_slow_read_leaves_a_posting_only_the_rest_of_the_requests_time",
    ),
    Mutant(
        "who is being posted is told that nothing happened",
        JOURNAL,
        "if unit.future.done() else unit.outcome_unknown()",
        "if unit.future.done() else ServerBusy(retry_after_s=1)",
        f"{_GROUP}many_requests_handed_in_at_once_are_answered_as_soon_as_one",
    ),
    Mutant(
        "a fault of a lane leaves its callers waiting",
        LANES,
        "                self._answer_after(fault, units)",
        "                pass",
        f"{_GROUP}a_fault_of_a_lane_itself_leaves_nobody_waiting_and_the_lane_goes_on",
    ),
)

AROUND_A_POSTING = (
    Mutant(
        "who asks joins a round that is being read already",
        "app/models/lookups.py",
        """            with self._joining:
                self._next = None
            led.found = self._read(led.wanted)
""",
        """            led.found = self._read(led.wanted)
            with self._joining:
                self._next = None
""",
        "models/test_lookups.py::test_nobody_is_told_what_was_read_before_they_asked",
    ),
    Mutant(
        "who has left an account is told what they did with it before",
        "app/models/meant_account.py",
        "    if result.replayed:\n",
        "    if False:\n",
        "views/test_holders.py::test_whoever_has_left_is_told_nothing_but_that_the_account_is_none_of_theirs",
    ),
    Mutant(
        "who has left an account is told why they can't use it",
        "app/models/meant_account.py",
        "        if refusal.status < 500:\n            store",
        "        if False:\n            store",
        "views/test_holders.py::test_whoever_has_left_is_told_nothing_but_that_the_account_is_none_of_theirs",
    ),
    Mutant(
        "what was accepted is dated by a clock that was set meanwhile",
        "app/models/clock_guard.py",
        "        now = self._clock.now()\n        self._guard.require_right()\n",
        "        now = self._clock.now()\n",
        "models/test_clock_guard.py::test_what_was_accepted_before_the_clock_was_set_is_not_dated_by_it",
    ),
    Mutant(
        "a turn is kept",
        "app/models/turns.py",
        "            lockf(shared, LOCK_UN)",
        "            pass",
        "models/test_turns.py::test_a_turn_that_is_ended_early_is_somebody_elses",
    ),
)

PLANTED = (
    *OUTSIDE_OF_THE_TRANSACTION,
    *DURABILITY,
    *COMMITS,
    *ATTEMPTS,
    *WRITES,
    *GUARDS,
    *CLASSES,
    *NEIGHBOURS,
    *LIMITS_AND_ENDS,
    *AROUND_A_POSTING,
)

AT_EVERY_RUN = tuple(
    mutant
    for mutant in PLANTED
    if mutant.defect
    in {
        "no session: entries are inserted outside",
        "commits wait for one member",
        "a commit's error is taken for a failure",
        "a later error hides that the outcome is unknown",
        "a guard is not checked",
        "closing drops who is queued",
    }
)
"""Some of most kinds; `python -m tests.mutants` tries all."""
