"""What each move of a help agreement does, inside the transition's own transaction: the function of the move's name."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import Select, select, update

from marketplace.api import Agreement, Refused, TransitionContext, clock, db
from plugins.sharing.help import help_listings, help_news
from plugins.sharing.help.help_models import Help, HelpAnswer, HelpPlace

SILENT = timedelta(days=7)
"""So long after the last moment an agreement of which nobody said anything ends by itself."""

CONTRADICT_WITHIN = timedelta(days=3)
"""Whoever says nothing for so long agrees that it is done."""


def choose(agreement: Agreement, context: TransitionContext) -> None:
    """Give the agreement a place, and let the others go once there is none left. Raises Refused (code "full")."""
    row = help_listings.row_locked(agreement.listing_id)
    free = list(db.session.scalars(_places(row).where(HelpPlace.agreement_id.is_(None)).limit(2)))
    if not free:
        raise Refused(_("There are enough people already."), code="full")
    free[0].agreement_id = agreement.id
    db.session.flush()
    context.waits_until = max(row.last_at, clock.now()) + SILENT
    if context.actor.user_id is None:
        help_news.tell_owner(agreement, "help_joined")
    else:
        help_news.tell_member(agreement, "help_chosen")
    if len(free) == 1:
        help_listings.let_go(row.listing_id)


def _places(row: Help) -> Select[HelpPlace]:
    found = select(HelpPlace).where(HelpPlace.help_id == row.listing_id).order_by(HelpPlace.number)
    return found.execution_options(populate_existing=True)


def release(agreement: Agreement, _context: TransitionContext) -> None:
    """Thank whoever answered."""
    _end(agreement)
    help_news.tell_member(agreement, "help_released")


def withdraw(agreement: Agreement, _context: TransitionContext) -> None:
    """Tell the owner."""
    _end(agreement)
    help_news.tell_owner(agreement, "help_withdrawn")


def lapse(agreement: Agreement, _context: TransitionContext) -> None:
    """Let whoever answered go."""
    _end(agreement)
    help_news.tell_member(agreement, "help_lapsed")


def owner_done(agreement: Agreement, context: TransitionContext) -> None:
    """Ask the member."""
    context.waits_until = clock.now() + CONTRADICT_WITHIN
    help_news.tell_member(agreement, "help_said_done")


def member_done(agreement: Agreement, context: TransitionContext) -> None:
    """Ask the owner."""
    context.waits_until = clock.now() + CONTRADICT_WITHIN
    help_news.tell_owner(agreement, "help_said_done")


def presume(agreement: Agreement, _context: TransitionContext) -> None:
    """Close it, and remind whoever was helped of saying thank you. The place stays taken."""
    _ended(agreement)
    help_news.tell_helped(agreement, "help_done")


member_agrees = owner_agrees = presume


def call_off(agreement: Agreement, context: TransitionContext) -> None:
    """Free the place, and tell whoever did not do it."""
    _end(agreement)
    _tell_others(agreement, context, "help_called_off")


def not_done(agreement: Agreement, context: TransitionContext) -> None:
    """Free the place, and tell the other side."""
    _end(agreement)
    _tell_others(agreement, context, "help_not_done")


def fade(agreement: Agreement, _context: TransitionContext) -> None:
    """End it quietly."""
    _end(agreement)


def _tell_others(agreement: Agreement, context: TransitionContext, kind: str) -> None:
    if context.actor.user_id != agreement.member_id:
        help_news.tell_member(agreement, kind)
    if context.actor.user_id != agreement.owner_id:
        help_news.tell_owner(agreement, kind)


def _ended(agreement: Agreement) -> None:
    db.session.execute(
        update(HelpAnswer).where(HelpAnswer.agreement_id == agreement.id).values(standing=False, told=True)
    )


def _end(agreement: Agreement) -> None:
    """Free the place that the agreement had, if any."""
    help_listings.row_locked(agreement.listing_id)
    db.session.execute(update(HelpPlace).where(HelpPlace.agreement_id == agreement.id).values(agreement_id=None))
    _ended(agreement)
