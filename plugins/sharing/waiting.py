"""What waits for a member besides agreements, asked of the database by one statement: the to-do list is often looked at."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Executable

from marketplace.api import TodoItem, db
from plugins.sharing.item import bundle_asks
from plugins.sharing.use import owing


@cache
def _everything() -> Executable:
    """Give all parts as one statement; made once, because making it takes longer than sending it."""
    return bundle_asks.unanswered().union_all(*owing.by_hand())


def todo(user: Any) -> list[TodoItem]:
    """Give what a member is asked for by others, and what they should pay for uses now."""
    rows = db.session.execute(_everything(), {"member": user.id})
    return [bundle_asks.item(row) if row.what == bundle_asks.WHAT else owing.item(row) for row in rows]
