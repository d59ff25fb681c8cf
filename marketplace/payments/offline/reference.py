"""References and account numbers of bank transfers, with the check digits that catch a typing error.

The structured creditor reference is ISO 11649:2009 as described in the European Payments Council's guidance EPC142-08: "RF",
two check digits, and up to 21 letters and digits. Account numbers are ISO 13616-1 (IBAN). Both are checked the same way,
by ISO/IEC 7064 MOD 97-10: the first four characters go to the end, letters count from A = 10 to Z = 35, and the number that
comes of it leaves 1 when divided by 97.
"""

from __future__ import annotations

import re

LENGTHS = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20, "ES": 24, "FI": 18,
    "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20,
    "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27,
    "VA": 22,
}  # fmt: skip
"""Length of an account number in each country of the single euro payments area; elsewhere only the check digits count."""

SHORTEST = 7
"""Digits of a reference at least; a short one looks like a mistake to people and to some banks' forms."""

IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
REFERENCE = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")


class NotAnAccount(ValueError):
    """A text is no account number: a sign or a digit is wrong."""


def _remainder(text: str) -> int:
    """Divide by 97 (ISO/IEC 7064 MOD 97-10), after the first four characters went to the end."""
    turned = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in turned)) % 97


def _plain(text: str) -> str:
    return re.sub(r"[\s\u00a0.-]", "", text).upper()


def creditor_reference(number: int) -> str:
    """Make the reference of a payment request, without spaces: RF, two check digits, the request's number."""
    if number <= 0:
        raise ValueError("a reference is made of a number above zero")
    body = f"{number:0{SHORTEST}d}"
    return f"RF{98 - _remainder('RF00' + body):02d}{body}"


def read_reference(text: str) -> int | None:
    """Give the number in a reference as somebody typed it; None for what is none, or has a typing error."""
    plain = _plain(text)
    if not plain.isascii() or not REFERENCE.fullmatch(plain) or _remainder(plain) != 1 or not plain[4:].isdecimal():
        return None
    return int(plain[4:])


def in_groups(text: str) -> str:
    """Write a reference or account number in groups of four, as it is printed."""
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def account_number(text: str) -> str:
    """Give an IBAN without spaces; raises NotAnAccount."""
    plain = _plain(text)
    expected = LENGTHS.get(plain[:2], len(plain))
    if not plain.isascii() or not IBAN.fullmatch(plain) or len(plain) != expected or _remainder(plain) != 1:
        raise NotAnAccount(text)
    return plain
