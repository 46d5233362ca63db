"""IBANs (ISO 13616): what other banks call the bank's accounts, where its country has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config import Config  # for its name alone: config reads the domain


class Ibans:
    """Makes the IBAN of an account's number, where BANK_COUNTRY and BANK_CODE say how."""

    def __init__(self, config: Config) -> None:
        self._country = config.bank_country
        self._bank_code = config.bank_code

    def of(self, number: str) -> str | None:
        """Return the IBAN of an account's number; None where the bank has none, or the number can't have one."""
        if not self._bank_code:
            return None
        from schwifty import IBAN  # it reads its registries, which only a bank with IBANs needs
        from schwifty.exceptions import InvalidAccountCode

        try:
            return str(IBAN.generate(self._country, bank_code=self._bank_code, account_code=number))
        except InvalidAccountCode:  # in Norway, one number of eleven has no check digit
            return None
