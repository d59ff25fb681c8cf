"""Thanks instead of money: written once by whoever was helped, and counted on the page of whoever helped."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import Agreement, InvalidInput, NotFound, Refused, User, agreements, clock, db, transaction
from plugins.sharing.help import help_answers, help_news
from plugins.sharing.help.help_models import HelpThanks

LONGEST = 1000


def give(agreement_id: int, user: User, words: str) -> HelpThanks:
    """Thank for help that was given; sent twice, the first stays. Raises InvalidInput, Refused, NotFound."""
    words = words.strip()
    with transaction() as session:
        agreement = agreements.locked(agreement_id)
        _require_helped(agreement, user)
        if agreement.phase != "completed":
            raise Refused(_("Say thank you once it is done."), code="not_done")
        known = session.get(HelpThanks, agreement_id, populate_existing=True)
        if known is not None:
            return known
        if not words:
            raise InvalidInput({"words": _("Say a few words.")})
        if len(words) > LONGEST:
            raise InvalidInput({"words": _("At most 1000 characters.")})
        helper = help_answers.helper_id(agreement)
        row = HelpThanks(agreement_id=agreement_id, from_id=user.id, to_id=helper, words=words, thanked_at=clock.now())
        session.add(row)
        session.flush()
        help_news.tell_helper(agreement, "help_thanked")
    return row


def _require_helped(agreement: Agreement, user: User) -> None:
    if agreement.kind != "help" or user.id != help_answers.helped_id(agreement):
        raise NotFound(_("This page does not exist, or is not for you."))


def to_thank(agreement_id: int, user: Any) -> Agreement:
    """Give the agreement to whoever was helped by it; raises NotFound to everybody else."""
    agreement = db.session.get(Agreement, agreement_id)
    if agreement is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    _require_helped(agreement, user)
    return agreement


def of(agreement_id: int) -> HelpThanks | None:
    """Give the thanks for an agreement, if there are any."""
    return db.session.get(HelpThanks, agreement_id)


def count_for(member_id: int) -> int:
    """Count how often a member was thanked."""
    return db.session.scalar(select(func.count()).where(HelpThanks.to_id == member_id)) or 0
