"""Who may see an agreement: its two parties and operators; to everybody else it does not exist."""

from __future__ import annotations

from typing import Any

from marketplace.access import is_operator, rule
from marketplace.agreements.models import Agreement


def is_party(user: Any, agreement: Agreement) -> bool:
    """Tell whether `user` (or None, or a guest) is one of the two who agreed."""
    return user is not None and user.is_authenticated and user.id in (agreement.owner_id, agreement.member_id)


@rule("agreement.see")
def _see(user: Any, agreement: Agreement) -> bool:
    return is_party(user, agreement) or is_operator(user)


@rule("agreement.act")
def _act(user: Any, agreement: Agreement) -> bool:
    return user is not None and user.is_active and (is_party(user, agreement) or is_operator(user))
