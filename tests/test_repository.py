"""What the files around the code promise about it."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

from config import Config, _EnvironmentSchema

PROJECT = Path(__file__).parents[1]
WITHOUT_IMPORT = {"tzdata"}
"""zoneinfo finds it by itself."""
DOCUMENTS = [*PROJECT.glob("*.md"), PROJECT / ".env.example", *(PROJECT / "docs").glob("*.md")]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def direct_requirements() -> set[str]:
    """Return the names in the first block of requirements.txt; the second is what they bring with them."""
    direct, _ = (PROJECT / "requirements.txt").read_text().split("# ---- brought")
    return {normal(name) for name in re.findall(r"^([\w.-]+)==", direct, re.M)}


def imported_distributions() -> set[str]:
    files = [PROJECT / "run.py", PROJECT / "config.py", *(PROJECT / "app").rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    modules = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"app", "config", "run"}
    known = packages_distributions()
    return {normal(known[module][0]) for module in modules if module in known}


def test_the_direct_requirements_are_just_what_the_application_imports() -> None:
    assert direct_requirements() == imported_distributions() | WITHOUT_IMPORT


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = [line.partition("#")[0].strip() for line in (PROJECT / name).read_text().splitlines()]
        unpinned = [line for line in lines if line and "==" not in line and not line.startswith("-r ")]
        assert unpinned == [], name


def test_the_example_settings_name_every_variable_and_give_no_working_secret() -> None:
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", (PROJECT / ".env.example").read_text(), re.M)
    example = {name: value for name, value in lines if name != "FLASK_APP"}
    fields = {field.data_key: attribute for attribute, field in _EnvironmentSchema().fields.items()}
    assert set(example) == set(fields)
    assert example["SECRET_KEY"] == example["PASSWORD_PEPPERS"] == ""


def test_the_example_settings_show_the_defaults() -> None:
    needed = {"FLASK_ENV": "production", "SECRET_KEY": "k" * 32, "PASSWORD_PEPPERS": f"1:{'p' * 32}", "MONGO_URI": "x"}
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", (PROJECT / ".env.example").read_text(), re.M))
    assert Config.from_env(needed | shown) == Config.from_env(needed)


def test_the_documents_name_no_make_target_that_is_not_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))
    named = {target for file in DOCUMENTS for target in re.findall(r"(?:`|^ *)make ([a-z-]+)", file.read_text(), re.M)}
    assert {"run", "test"} < named
    assert named - targets == set()


def test_the_documents_name_no_file_that_is_not_there() -> None:
    text = "\n".join(file.read_text() for file in DOCUMENTS)
    paths = set(re.findall(r"`((?:app|benchmarks|deploy|docs|house_rules|tests)/[\w./-]*)`", text))
    links = {file.parent / path for file in DOCUMENTS for path in re.findall(r"\]\(([^)#:]+)\)", file.read_text())}
    assert len(paths) > 10
    assert {path for path in [*map(PROJECT.joinpath, paths), *links] if not path.exists()} == set()
