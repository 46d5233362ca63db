"""The ledger's rules: pure functions from account states and intents to new states, transactions and entries."""
