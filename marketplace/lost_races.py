"""What the database refuses only because somebody else was quicker."""

from __future__ import annotations

AGAIN = frozenset({"40001", "40P01"})
"""PostgreSQL's codes for a lost race and a deadlock: everything was rolled back, so it may simply be done again."""


def lost(error: BaseException) -> bool:
    """Tell whether a transaction was ended for the sake of another one, and would do as it stands."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in AGAIN
