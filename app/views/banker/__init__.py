"""What bankers oversee and do at the counter."""

from app.views.banker import accounts, transactions

BLUEPRINTS = (accounts.bp, transactions.bp)
