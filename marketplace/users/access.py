"""What members may do with accounts."""

from __future__ import annotations

from typing import Any

from marketplace.access import is_operator, rule
from marketplace.users import accounts


@rule("member.take_part")
def _confirmed_members_take_part(user: Any, _subject: Any) -> bool:
    """Publishing, agreeing and writing need an account whose address is confirmed, where the site wants that."""
    return user is not None and user.is_authenticated and user.is_active and accounts.may_log_in(user)


@rule("user.moderate")
def _operators_moderate_others(user: Any, subject: Any) -> bool:
    return is_operator(user) and subject is not None and subject.id != user.id
