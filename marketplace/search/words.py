"""What a person typed into the search field, as plain words: signs and operators mean nothing, so nothing can be wrong."""

from __future__ import annotations

import re
import unicodedata

MOST_WORDS = 10
LONGEST_WORD = 40
LONGEST_TEXT = 200


def words_of(text: str) -> tuple[str, ...]:
    """Split a text into lower-case words without accents; at most MOST_WORDS, each once, the last one stays last."""
    if not text:
        return ()
    plain = unicodedata.normalize("NFKC", text[:LONGEST_TEXT])
    bare = "".join(_bare(sign) for sign in plain).lower()
    found = [word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", bare)]
    last = found[-1:]
    return tuple(dict.fromkeys([word for word in found[:MOST_WORDS] if word not in last] + last))


def _bare(sign: str) -> str:
    """Give a Latin letter without its accent; other scripts keep theirs, as the index does."""
    first = unicodedata.normalize("NFD", sign)[:1]
    return first if first.isascii() and first.isalpha() else sign
