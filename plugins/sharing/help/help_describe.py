"""Help in words: when it is, an agreement's terms, what each side should do now, and why a move is not possible yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from marketplace.api import Agreement, SlotFill, TermLine, TodoItem, User, agreements, clock, db, display
from plugins.sharing.help import help_answers, help_listings, thanks
from plugins.sharing.help.help_models import Help, HelpAnswer

SAID = {"owner_said": "owner", "member_said": "member"}


def moment(agreement: Agreement, name: str) -> datetime:
    """Give one of the frozen times (UTC)."""
    return datetime.fromisoformat(agreement.terms[name])


def term_lines(agreement: Agreement) -> Sequence[TermLine]:
    """Put the frozen terms into words."""
    terms = agreement.terms
    lines = [
        TermLine(_("From"), display.datetime_text(moment(agreement, "starts_at"))),
        TermLine(_("Until"), display.datetime_text(moment(agreement, "ends_at"))),
    ]
    if terms["weekly"]:
        lines.append(
            TermLine(_("Comes again"), _("every week, until %(day)s", day=display.date(moment(agreement, "last_at"))))
        )
    return [*lines, TermLine(_("Price"), _("None: help is given"))]


def todo(agreement: Agreement, role: str) -> TodoItem | None:
    """Say what waits for this person, if anything."""
    here, due = f"/agreements/{agreement.id}", agreement.waits_until
    if agreement.state == "answered" and role == "owner":
        return TodoItem(_("Say yes or no to the answer"), here, due, "hand-helping")
    if agreement.state in SAID and role in ("owner", "member") and role != SAID[agreement.state]:
        return TodoItem(_("Say whether it is done"), here, due, "circle-check")
    if agreement.state == "agreed" and role in ("owner", "member"):
        if clock.now() >= moment(agreement, "last_at"):
            return TodoItem(_("Say how it went"), here, due, "circle-check")
        return TodoItem(_("Be there"), here, moment(agreement, "starts_at"), "calendar", begins=True)
    if agreement.state in ("answered", *SAID):
        return TodoItem(_("The other side has its turn"), here, due, "hourglass", waits=True)
    return None


def objections(agreement: Agreement, transition: str, _actor: Any) -> list[str]:
    """Give the reasons why a move can't be made now."""
    if transition in ("owner_done", "member_done", "not_done") and clock.now() < moment(agreement, "starts_at"):
        return [_("It has not begun yet.")]
    if transition == "choose":
        row = db.session.get(Help, agreement.listing_id)
        if row is None or clock.now() >= help_listings.ends_answers(row):
            return [_("Its time is over. Make a new one.")]
        if not help_listings.free_places(agreement.listing_id):
            return [_("There are enough people already.")]
    return []


def fills(agreement: Agreement, viewer: Any) -> list[SlotFill]:
    """Give the help's piece of the agreement's page; the address only once it is agreed."""
    answer, row = db.session.get(HelpAnswer, agreement.id), db.session.get(Help, agreement.listing_id)
    if answer is None or row is None or viewer is None:
        return []
    said = thanks.of(agreement.id)
    helper = db.session.get_one(User, help_answers.helper_id(agreement))
    context = {
        "agreement": agreement, "answer": answer, "said": said, "helper": helper.name,
        "role": str(agreements.actor_for(viewer, agreement).role),
        "moments": help_listings.moments(row) if row.weekly else [],
        "address": row.address if agreement.phase in ("agreed", "active") else "",
        "may_thank": said is None and agreement.phase == "completed"
        and viewer.id == help_answers.helped_id(agreement),
    }  # fmt: skip
    return [SlotFill("sharing/_help_agreement.html", context, 10)]
