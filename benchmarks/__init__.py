"""How fast the bank is, measured over HTTP on a real server and database; see docs/benchmarks.md."""
