"""A module as the rules see it: its tree, who contains whom, and the comments that explain exceptions."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

_EXPLANATION = re.compile(r"#\s*([a-z]+(?:-[a-z]+)+): +\S")


@dataclass(frozen=True, order=True)
class Finding:
    """One line that breaks one rule."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Source:
    """One module of the program."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Return the syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Return what contains each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def _explanations(self) -> Mapping[str, frozenset[int]]:
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        lines = defaultdict(set)
        for token in tokens:
            for name in _EXPLANATION.findall(token.string) if token.type == tokenize.COMMENT else ():
                stands_alone = token.line.lstrip().startswith("#")
                lines[name].add(token.start[0] + stands_alone)  # above the line that it is about, where that is long
        return {name: frozenset(found) for name, found in lines.items()}

    def explained(self, rule: str) -> frozenset[int]:
        """Return the lines on which a comment explains why a rule does not hold there."""
        return self._explanations.get(rule, frozenset())

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what contains a node, the innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def is_in(self, folder: str) -> bool:
        """Tell whether the module is somewhere in a folder."""
        return Path(folder) in Path(self.path).parents

    def nodes(self) -> Iterator[ast.AST]:
        """Yield all nodes."""
        return ast.walk(self.tree)


Node = ast.expr | ast.stmt | ast.arg


class Breach(NamedTuple):
    """A node that breaks a rule, and what to do about it."""

    source: Source
    node: Node
    message: str


Rule = Callable[[Sequence[Source]], Iterator[Breach]]
"""Looks at all modules, and names what breaks it."""


def check(sources: Iterable[Source], rules: Mapping[str, Rule]) -> list[Finding]:
    """Return what breaks a rule and is not explained, and explanations of nothing."""
    known = list(sources)
    findings = [finding for name, rule in rules.items() for finding in _check(known, name, rule)]
    return sorted(findings)


def _check(known: list[Source], name: str, rule: Rule) -> Iterator[Finding]:
    unused = {(source.path, line) for source in known for line in source.explained(name)}
    for source, node, message in rule(known):
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        explained = source.explained(name).intersection(lines)
        unused -= {(source.path, line) for line in explained}
        if not explained:
            yield Finding(source.path, node.lineno, name, message)
    for path, line in unused:
        yield Finding(path, line, name, "There is nothing to explain here: remove the comment.")
