"""Which notifications a member wants by mail: everything, less the groups that the member switched off."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update

from marketplace.database import db, transaction
from marketplace.notifications.kinds import GROUPS
from marketplace.users.models import User


def unwanted(mail_choices: str) -> frozenset[str]:
    """Give the groups that a member does not want by mail, from the column of the member's row."""
    return frozenset(part for part in mail_choices.split(",") if part)


def wants_mail(mail_choices: str, group: str | None) -> bool:
    """Tell whether a notification of this group is mailed; None stands for those that always are."""
    return group is None or group not in unwanted(mail_choices)


def wanted(user_id: int) -> frozenset[str]:
    """Give the groups that a member gets by mail."""
    chosen = db.session.scalar(select(User.mail_choices).where(User.id == user_id)) or ""
    return frozenset(GROUPS) - unwanted(chosen)


def choose(user_id: int, groups: Collection[str]) -> None:
    """Mail a member these groups and no others; names that are no group are ignored."""
    off = [group for group in GROUPS if group not in groups]
    with transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(mail_choices=",".join(off)))
