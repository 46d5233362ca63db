"""How many cases the tests of the domain make up, where they are run by the thousand (`make mutation`)."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("mutation", max_examples=20, derandomize=True, deadline=None, database=None)
