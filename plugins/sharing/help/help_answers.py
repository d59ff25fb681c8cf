"""Answering somebody who asks for help or offers it: an agreement comes of it, at once or when the other side chooses."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import (
    Actor,
    Agreement,
    Forbidden,
    InvalidInput,
    Listing,
    NotFound,
    Refused,
    Role,
    User,
    agreements,
    clock,
    db,
    once,
)
from plugins.sharing.help import help_listings, help_news
from plugins.sharing.help.help_hooks import ASKED, KINDS
from plugins.sharing.help.help_models import Help, HelpAnswer

MOST_WAITING = 50
"""The largest number of answers to one listing that wait at the same time."""

CHOOSE_WITHIN = timedelta(days=7)
LEAST_WAIT = timedelta(minutes=10)
LONGEST_WORDS = 2000


def answer(listing_id: int, user: User, words: str) -> Agreement:
    """Answer help asked or offered: agreed at once where the first comes first, else the owner chooses. Sent twice, it is one.

    Raises Refused (codes "not_open", "full", "own_listing"), InvalidInput, Forbidden, NotFound.
    """
    if not user.is_active:
        raise Forbidden(_("Your account can't do this at the moment."))
    return once(lambda: _standing(listing_id, user.id), lambda: _answer(listing_id, user, _checked(words)))


def _checked(words: str) -> str:
    words = words.strip()
    if not words:
        raise InvalidInput({"words": _("Say a few words.")})
    if len(words) > LONGEST_WORDS:
        raise InvalidInput({"words": _("At most 2000 characters.")})
    return words


def _standing(listing_id: int, member_id: int) -> Agreement | None:
    found = select(Agreement).join(HelpAnswer, HelpAnswer.agreement_id == Agreement.id)
    found = found.where(HelpAnswer.help_id == listing_id, HelpAnswer.member_id == member_id, HelpAnswer.standing)
    return db.session.scalars(found).one_or_none()


def _answer(listing_id: int, user: User, words: str) -> Agreement:
    row = db.session.get(Help, listing_id, populate_existing=True)
    listing = db.session.get(Listing, listing_id, populate_existing=True)
    if row is None or listing is None or listing.kind not in KINDS or listing.state in ("draft", "removed"):
        raise NotFound(_("This page does not exist, or is not for you."))
    _refuse(listing, row)
    now = clock.now()
    agreement = agreements.create(
        "help",
        listing=listing,
        member_id=user.id,
        amount=None,
        terms=_terms(listing, row),
        actor=Actor(user.id, Role.MEMBER),
        waits_until=max(min(now + CHOOSE_WITHIN, help_listings.ends_answers(row)), now + LEAST_WAIT),
    )
    db.session.add(HelpAnswer(agreement_id=agreement.id, help_id=listing_id, member_id=user.id, words=words))
    db.session.flush()
    if row.first_come:
        return agreements.transition(agreement.id, "choose", Actor.system())
    help_news.tell_owner(agreement, "help_answered")
    return agreement


def _refuse(listing: Listing, row: Help) -> None:
    if not help_listings.is_open(listing, row):
        raise Refused(_("This takes no answers any more."), code="not_open")
    if not help_listings.free_places(listing.id):
        raise Refused(_("There are enough people already."), code="full")
    waiting = select(func.count()).select_from(HelpAnswer).join(Agreement, Agreement.id == HelpAnswer.agreement_id)
    waiting = waiting.where(HelpAnswer.help_id == listing.id, Agreement.state == "answered")
    if (db.session.scalar(waiting) or 0) >= MOST_WAITING:
        raise Refused(_("There are enough answers already. Thank you!"), code="enough")


def _terms(listing: Listing, row: Help) -> dict[str, object]:
    return {
        "side": "asked" if listing.kind == ASKED else "offered",
        "zone": row.zone,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "last_at": row.last_at.isoformat(),
        "weekly": row.weekly,
    }


def helper_id(agreement: Agreement) -> int:
    """Give who helps: whoever answered a question, or whoever made the offer."""
    return agreement.member_id if agreement.terms["side"] == "asked" else agreement.owner_id


def helped_id(agreement: Agreement) -> int:
    """Give who is helped."""
    return agreement.owner_id if agreement.terms["side"] == "asked" else agreement.member_id
