"""Bank Management System: a JSON API for a bank, on a double-entry ledger in MongoDB."""
