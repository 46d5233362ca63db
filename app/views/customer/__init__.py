"""What customers may do with their own accounts."""

from app.views.customer import accounts, balance, deposit, transactions, withdraw

BLUEPRINTS = (accounts.bp, balance.bp, deposit.bp, withdraw.bp, transactions.bp)
