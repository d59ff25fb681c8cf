"""What all parts of sharing keep about a member: given on request, and forgotten with the account."""

from __future__ import annotations

from typing import Any

from plugins.sharing.buy import buy_members
from plugins.sharing.circle import circle_members
from plugins.sharing.help import help_members
from plugins.sharing.item import condition
from plugins.sharing.loan import loan_members
from plugins.sharing.pool import pool_members
from plugins.sharing.request import request_members
from plugins.sharing.use import use_members

PARTS: tuple[Any, ...] = (
    pool_members, loan_members, buy_members, request_members, use_members, help_members, circle_members,
    condition,
)  # fmt: skip


def export(user: Any) -> dict[str, Any]:
    """Give a member's loans, purchases, uses, requests, meals, help, passes, shares and notes, as data that JSON can hold."""
    return {name: rows for part in PARTS for name, rows in part.export(user).items()}


def erase(user: Any) -> None:
    """Forget what is only the member's own; joins the caller's transaction."""
    for part in PARTS:
        part.erase(user)
