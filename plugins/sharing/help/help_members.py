"""What help keeps about each member: given on request, and forgotten with the account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update

from marketplace.api import Listing, db
from plugins.sharing.help.help_models import Help, HelpAnswer, HelpThanks


def export(user: Any) -> dict[str, Any]:
    """Give the help that a member asked or offered, the answers, and the thanks (UTC)."""
    given = select(
        Listing.title,
        Listing.kind,
        Help.starts_at,
        Help.ends_at,
        Help.last_at,
        Help.weekly,
        Help.first_come,
        Help.address,
    )
    answers = select(Listing.title, HelpAnswer.agreement_id, HelpAnswer.words)
    thanks = select(
        HelpThanks.agreement_id, HelpThanks.words, HelpThanks.thanked_at, (HelpThanks.to_id == user.id).label("to_me")
    )
    return {
        "help": _rows(
            given.join(Listing, Listing.id == Help.listing_id).where(Listing.owner_id == user.id).order_by(Listing.id)
        ),
        "help_answers": _rows(
            answers.join(Listing, Listing.id == HelpAnswer.help_id)
            .where(HelpAnswer.member_id == user.id)
            .order_by(HelpAnswer.agreement_id)
        ),
        "thanks": _rows(
            thanks.where(or_(HelpThanks.from_id == user.id, HelpThanks.to_id == user.id)).order_by(
                HelpThanks.agreement_id
            )
        ),
    }


def _rows(statement: Any) -> Sequence[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row._mapping.items()}
        for row in db.session.execute(statement)
    ]


def erase(user: Any) -> None:
    """Forget the addresses and the words that a member wrote; that somebody was thanked stays counted."""
    own = select(Listing.id).where(Listing.owner_id == user.id)
    for statement in (
        update(Help).where(Help.listing_id.in_(own)).values(address=""),
        update(HelpAnswer).where(HelpAnswer.member_id == user.id).values(words=""),
        update(HelpThanks).where(HelpThanks.from_id == user.id).values(words=""),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))
