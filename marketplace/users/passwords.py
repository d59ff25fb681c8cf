"""Passwords: hashed with Argon2id, checked at the same cost whether or not the account exists."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from marketplace.runtime import runtime

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10
LONGEST = 200
UNUSABLE = "!"
"""Kept as the hash of an account that nobody may log in to; no password fits it."""

# Of the passwords that lists of leaks put on top, those long enough to pass the length rule.
_LEAKED = """
1234567890 12345678910 123456789a 123456789q 1234567891 123456789abc 0123456789 0987654321 9876543210 1q2w3e4r5t
1q2w3e4r5t6y 1qaz2wsx3edc q1w2e3r4t5 q1w2e3r4t5y6 qwertyuiop qwertyuiop1 qwerty1234 qwerty12345 qwerty123456
asdfghjkl1 zxcvbnm123 password12 password123 password1234 password12345 passw0rd123 p@ssword123 wachtwoord
wachtwoord1 wachtwoord123 welkom1234 welkom12345 welcome123 welcome1234 letmein123 iloveyou12 iloveyou123
princess123 sunshine123 football123 baseball123 superman123 dragon1234 monkey1234 admin12345 administrator
abcdefghij abcdefghijk abcd123456 abc1234567 changeme123 trustno1234 amsterdam1 amsterdam123 rotterdam1 nederland1
nederland123 feyenoord1 ajaxamsterdam hallohallo geheim1234
"""
REFUSED = frozenset(_LEAKED.split())


@cache
def _hasher(cheap: bool) -> PasswordHasher:
    from argon2 import PasswordHasher  # loads a compiled library that most requests never need

    if cheap:
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    # 19 MiB, two passes, one lane: the first choice of OWASP's password storage cheat sheet, 43 ms on our machine.
    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def _ours() -> PasswordHasher:
    return _hasher(runtime().settings.environment == "test")


@cache
def _nobodys_hash(cheap: bool) -> str:
    return _hasher(cheap).hash("nobody has this password")


def _plain(password: str) -> str:
    """Give one form of what different keyboards write differently (é as one sign or as two)."""
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    """Hash a password for keeping; costs 43 ms, so never inside a transaction."""
    return _ours().hash(_plain(password))


def fits(password: str, kept: str | None) -> bool:
    """Tell whether a password belongs to the kept hash; None (no such account) takes as long and is False."""
    from argon2.exceptions import InvalidHashError, VerificationError  # as above

    usable = kept if kept and kept != UNUSABLE else None
    cheap = runtime().settings.environment == "test"
    try:
        _ours().verify(usable or _nobodys_hash(cheap), _plain(password[: LONGEST + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return usable is not None


def outdated(kept: str) -> bool:
    """Tell whether a hash was made with other parameters than today's, so that the next log-in makes it anew."""
    return _ours().check_needs_rehash(kept)


def problem(password: str, *, name: str = "", email: str = "") -> str | None:
    """Say what is wrong with a new password, or None: length, too easy to guess, or the person's own name or address."""
    plain = _plain(password)
    if len(plain) < SHORTEST:
        return str(_("Use at least %(count)s characters. A few words in a row are easy to remember.", count=SHORTEST))
    if len(plain) > LONGEST:
        return str(_("Use at most %(count)s characters.", count=LONGEST))
    folded = plain.casefold()
    if folded in REFUSED or len(set(folded)) < 4:
        return str(_("This password is on every list of guesses. Choose another."))
    own = {name.casefold(), "".join(name.casefold().split()), email.casefold(), email.casefold().split("@")[0]}
    if folded in own or "".join(folded.split()) in own:
        return str(_("Your name or e-mail address is the first thing somebody would try. Choose another."))
    return None
