"""What customers may do with their own accounts."""

from app.views.customer import accounts, balance, deposit, me, payees, products, quotes, transactions, transfers, withdraw

BLUEPRINTS = (
    me.bp,
    accounts.bp,
    balance.bp,
    deposit.bp,
    withdraw.bp,
    transfers.bp,
    quotes.bp,
    payees.bp,
    transactions.bp,
    products.bp,
)
