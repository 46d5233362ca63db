"""Each rule of the house finds the defect that it is about, lets pass what is right, and asks for reasons elsewhere."""

from __future__ import annotations

import pytest

from house_rules.rules import RULES
from house_rules.source import Finding, Source, check

MODEL = """
class Store:
    def __init__(self, database: Database[Document]) -> None:
        self.accounts = Accounts(database)
        self.notes = Notes()

class Notes:
    def insert(self, note: str) -> None:
        self.notes.append(note)

class Accounts:
    def __init__(self, database: Database[Document]) -> None:
        self._collection = database["accounts"]

    def insert(self, account: Account, *, session: ClientSession | None) -> None:
        self._collection.insert_one(document(account), session=session)

    def find_by_name(self, name: str) -> Account | None:
        return self._collection.find_one({"name": name})

def find_by_ids(collection: Collection, ids: list[str], *, session: ClientSession | None = None) -> Cursor:
    return collection.find({"_id": {"$in": ids}}, session=session)
"""


def findings(rule: str, text: str, path: str) -> list[Finding]:
    """Return what one rule finds in a module that stands beside a model."""
    sources = [Source("app/models/accounts.py", MODEL), Source(path, text)]
    return [finding for finding in check(sources, {rule: RULES[rule]}) if finding.path == path]


def model(body: str, *, takes: str = "self") -> str:
    """Return a module with one method of a model."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return f"""
class Things:
    def __init__(self, database: Database[Document], accounts: Accounts) -> None:
        self._database = database
        self._collection = database["things"]
        self._accounts = accounts

    def do({takes}) -> None:
{lines}
"""


IN_SESSION = "self, session: ClientSession | None"


@pytest.mark.parametrize(
    "text",
    [
        model('self._collection.update_one({"_id": 1}, {"$inc": {"balance": 1}})', takes=IN_SESSION),
        model('self._collection.find_one({"_id": 1}, session=None)', takes=IN_SESSION),
        model('self._database["things"].delete_one({"_id": 1})', takes=IN_SESSION),
        model('self._database.command("ping")', takes=IN_SESSION),
        model("find_by_ids(self._collection, [])", takes=IN_SESSION),
        model("store.accounts.insert(account)", takes="store: Store, session: ClientSession"),
        model("self._accounts.insert(account)", takes=IN_SESSION),
        model("store.accounts.find_by_name(name)", takes="store: Store, name: str, session: ClientSession"),
        model('def inner() -> None:\n    self._collection.find({"a": 1})\ninner()', takes=IN_SESSION),
        model('with client.start_session() as own:\n    collection.insert_one({"a": 1})'),
        model('with client.start_session() as own, own.start_transaction():\n    collection.find_one({"a": 1})'),
        model("store.transaction(lambda session: store.accounts.insert(account))", takes="store: Store"),
        "def work(session: ClientSession) -> None:\n    store.accounts.insert(account)\n",
    ],
)
def test_what_does_not_get_the_session_in_reach_is_found(text: str) -> None:
    (finding,) = findings("missing-session", text, "app/models/things.py")
    assert "outside the transaction" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        model('self._collection.update_one({"_id": 1}, {"$set": {"a": 1}}, session=session)', takes=IN_SESSION),
        model('self._collection.find_one({"_id": 1})'),
        model('self._collection.find_one({"_id": session.id})', takes="self, session: Session"),
        model("find_by_ids(self._collection, [], session=session)", takes=IN_SESSION),
        model("require(store, account, session)", takes="store: Store, session: ClientSession"),
        model("names.update(other)\nname.replace(a, b)\nlist(names)\ntext.find(name)", takes=IN_SESSION),
        model('with client.start_session() as own:\n    collection.insert_one({"a": 1}, session=own)'),
        model("store.transaction(lambda session: store.accounts.insert(account, session=session))"),
        model("store.notes.insert(note)", takes="store: Store, session: ClientSession"),
        model("store.accounts.find_by_name(name)", takes="store: Store, name: str"),
    ],
)
def test_what_gets_the_session_or_has_none_in_reach_is_let_pass(text: str) -> None:
    assert findings("missing-session", text, "app/models/things.py") == []


@pytest.mark.parametrize(
    ("body", "takes"),
    [
        ("self._collection.find(query)", "self, query: dict[str, Any]"),
        ("self._collection.find_one(filter=query)", "self, query: Mapping[str, str]"),
        ("self._collection.update_one({'_id': 1}, change)", "self, change: Document"),
        ("self._collection.find({'name': name})", "self, name: Any"),
        ("self._collection.find({'name': name})", "self, name"),
        ("self._collection.find({'name': {'$in': names}})", "self, names: object"),
        ("query = {**body, 'owner': 1}\nself._collection.find(query)", "self, body: Mapping[str, Any]"),
        ("query = {**body}\nself._collection.find(query)", "self, **body: Any"),
        ("query = {name: value for name, value in body.items()}", "self, body: dict[str, Any]"),
        ("self._collection.find({field: 1})", "self, field: str"),
        ("self._collection.update_one({'_id': 1}, {'$set': {f'limits.{name}': 1}})", "self, name: str"),
    ],
)
def test_what_may_be_an_operator_or_names_a_field_is_found_in_a_query(body: str, takes: str) -> None:
    assert len(findings("foreign-filter", model(body, takes=takes), "app/models/things.py")) == 1


@pytest.mark.parametrize(
    ("body", "takes"),
    [
        ("self._collection.find({'name': name})", "self, name: str"),
        ("self._collection.find({'name': {'$in': list(names)}})", "self, names: Iterable[str]"),
        ("query = {'name': wanted.name}\nself._collection.find(query)", "self, wanted: Filter"),
        ("query = {'_id': 1}\nself._collection.find(query | more(wanted))", "self, wanted: Filter"),
        ("self._collection.find({FIELD: 1, f'{FIELD}.name': 2, Name.KIND: 3})", "self"),
        ("self._collection.find({'_id': {'$gte' if up else '$lte': name}})", "self, up: bool, name: str"),
        ("raise ValidationFailed(errors={field: ['Wrong.']})", "self, field: str"),
    ],
)
def test_a_query_of_typed_values_under_written_names_is_let_pass(body: str, takes: str) -> None:
    assert findings("foreign-filter", model(body, takes=takes), "app/models/things.py") == []


def test_a_private_function_may_be_handed_a_query_by_its_own_module() -> None:
    text = "def _first(query: Document) -> Document:\n    return collection.find_one(query)\n"
    assert findings("foreign-filter", text, "app/models/things.py") == []


@pytest.mark.parametrize("operator", ["$where", "$function", "$accumulator", "$expr"])
def test_operators_that_compute_are_found(operator: str) -> None:
    text = model(f"self._collection.find({{'{operator}': text}})", takes="self, text: str")
    assert len(findings("code-in-query", text, "app/models/things.py")) == 1


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("re.compile(text)", 1),
        ("re.search(f'^{text}', name)", 1),
        ("re.fullmatch('a' + text, name)", 1),
        ("self._collection.find({'name': {'$regex': text}})", 1),
        ("self._collection.find({'name': {'$regex': '^' + re.escape(text)}})", 1),
        ("self._collection.find({'name': {'$regex': re.escape(text)}})", 0),
        ("re.search(re.escape(text), name)", 0),
        ("re.search(PATTERN, text)", 0),
        ("re.search('[a-z]+', text)", 0),
    ],
)
def test_patterns_made_at_run_time_are_found(body: str, count: int) -> None:
    assert len(findings("pattern-from-data", model(body, takes="self, text: str"), "app/models/things.py")) == count


@pytest.mark.parametrize(
    "body",
    [
        "request.get_json()",
        "request.json['amount']",
        "dict(request.args)",
        "this_request().args",
        "req.form",
        "request.environ['wsgi.input']",
    ],
)
def test_a_view_that_reads_input_itself_is_found(body: str) -> None:
    assert len(findings("raw-request", model(body), "app/views/customer/things.py")) == 1
    assert findings("raw-request", model("request.headers.get('Origin')"), "app/views/customer/things.py") == []


@pytest.mark.parametrize("field", ["Raw", "Dict", "Mapping", "Field", "Function"])
def test_a_shape_that_lets_in_any_object_is_found(field: str) -> None:
    shape = f"class ThingIn(BaseSchema):\n    facts = fields.List(fields.{field}())\n"
    assert len(findings("shapeless-field", shape, "app/schemas/things.py")) == 1
    out = f"class ThingOut(OutSchema):\n    facts = fields.{field}()\n"
    assert findings("shapeless-field", out, "app/schemas/things.py") == []


@pytest.mark.parametrize(
    "body",
    [
        "rate = 0.5",
        "balance = float(text)",
        "share = amount_minor / 3",
        "amount_minor /= 3",
        "amount = round(amount_minor)",
        "amount = math.floor(amount_minor)",
        "amount: float = 1",
        "fee(amount, rate=0.01)",
        "if amount * 0.5 > 3:\n    wait_s = 1",
    ],
)
def test_what_makes_a_float_of_money_is_found(body: str) -> None:
    assert len(findings("float-money", model(body), "app/domain/things.py")) == 1


def test_a_parameter_or_a_result_that_is_a_float_is_found() -> None:
    text = "def share(amount: float) -> float:\n    return amount\n"
    assert len(findings("float-money", text, "app/domain/things.py")) == 2


@pytest.mark.parametrize(
    "body",
    [
        "wait_s = 0.5",
        "pause(timeout_s=0.5)",
        "left_s = deadline - time.monotonic() + 0.5",
        "with timeout(config.mongo_timeout_ms / 1000):\n    pass",
        "late = max(waits_s, default=math.inf) > longest_s",
        "path = folder / 'name'",
        "half, rest = divmod(amount_minor, 2)",
        "example = {'wait_s': 0.5}",
        "share = amount_minor // 3",
    ],
)
def test_times_paths_and_whole_numbers_are_let_pass(body: str) -> None:
    assert findings("float-money", model(body), "app/domain/things.py") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("RATE = 0.5  # float-money: a bound in the description\n", False),
        ("# float-money: a bound in the description\nRATE = 0.5\n", False),
        ("RATE = 0.5  # noqa: X1  # float-money: a bound\n", False),
        ("RATE = 0.5  # float-money:\n", True),
        ("RATE = 0.5  # foreign-filter: a bound\n", True),
        ("RATE = 0.5\n\n# float-money: too late\n", True),
    ],
)
def test_only_a_reason_on_the_line_or_above_it_lets_a_breach_pass(text: str, found: bool) -> None:
    assert any(finding.line == 1 for finding in findings("float-money", text, "app/domain/things.py")) == found


def test_a_reason_for_nothing_is_found() -> None:
    (finding,) = findings("float-money", "RATE = 5  # float-money: a bound\n", "app/domain/things.py")
    assert "nothing to explain" in finding.message


def test_a_finding_says_where_it_is_and_what_to_do() -> None:
    (finding,) = findings("float-money", "\nRATE = 0.5\n", "app/domain/things.py")
    assert str(finding).startswith("app/domain/things.py:2: float-money: Write amounts as whole minor units")
