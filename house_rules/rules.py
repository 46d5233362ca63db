"""The rules by their names."""

from __future__ import annotations

from house_rules.money import float_money
from house_rules.queries import code_in_query, foreign_filter, pattern_from_data
from house_rules.sessions import missing_session
from house_rules.shapes import raw_request, shapeless_field
from house_rules.source import Rule

RULES: dict[str, Rule] = {
    "missing-session": missing_session,
    "float-money": float_money,
    "foreign-filter": foreign_filter,
    "code-in-query": code_in_query,
    "pattern-from-data": pattern_from_data,
    "raw-request": raw_request,
    "shapeless-field": shapeless_field,
}
