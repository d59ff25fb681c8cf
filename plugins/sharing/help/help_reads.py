"""What the pages, cards and API answers of help show, with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from marketplace.api import (
    Agreement,
    CardFacts,
    Listing,
    NotFound,
    SlotFill,
    User,
    access,
    clock,
    db,
    display,
    listings,
)
from plugins.sharing.help import help_listings, thanks
from plugins.sharing.help.help_hooks import ASKED
from plugins.sharing.help.help_models import Help, HelpAnswer, HelpPlace
from plugins.sharing.help.machine_help import HELP
from plugins.sharing.slot.windows import Window

SHOWN = 100
TONES = {"proposed": "warm", "agreed": "info", "active": "info", "completed": "good", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Seen:
    """Help as one viewer sees it: the owner all answers, who answered the own one, everybody how many places are left."""

    listing: Listing
    row: Help
    owner: str
    managed: bool
    is_owner: bool
    answers: Sequence[Any]
    left: int
    all: int
    moments: Sequence[Window]

    @property
    def asked(self) -> bool:
        """Tell whether help is asked, rather than offered."""
        return self.listing.kind == ASKED

    @property
    def is_open(self) -> bool:
        """Tell whether one can answer now, places left or not."""
        return help_listings.is_open(self.listing, self.row)

    @property
    def next_moment(self) -> Window | None:
        """Give the moment that comes next or is going on."""
        return next((moment for moment in self.moments if moment.ends_at > clock.now()), None)

    @property
    def standing(self) -> bool:
        """Tell whether the viewer has an answer that stands."""
        return any(answer.standing for answer, _label, _tone in self.answers)


def seen(listing_id: int, viewer: Any) -> Seen:
    """Give help that the viewer (a User, or a guest) may see; raises NotFound."""
    listing = listings.visible(listing_id, viewer)
    row = db.session.get(Help, listing_id)
    if row is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    owner = db.session.scalar(select(User.name).where(User.id == listing.owner_id)) or ""
    is_owner = viewer.is_authenticated and viewer.id == listing.owner_id
    found = answers_of(listing_id, None if is_owner else viewer.id) if viewer.is_authenticated else ()
    left, places = _places(listing_id)
    managed = access.may(viewer, "sharing.manage", listing)
    return Seen(listing, row, owner, managed, is_owner, found, left, places, help_listings.moments(row))


def _places(listing_id: int) -> tuple[int, int]:
    counted = select(func.count(), func.count(HelpPlace.agreement_id)).where(HelpPlace.help_id == listing_id)
    places, taken = db.session.execute(counted).one()
    return places - taken, places


def answers_of(listing_id: int, member_id: int | None) -> Sequence[Any]:
    """List the answers, or one member's, each with a badge's words and tone; those that ended without help are left out."""
    statement = (
        select(
            HelpAnswer.agreement_id, HelpAnswer.member_id, HelpAnswer.words, HelpAnswer.standing, Agreement.state,
            Agreement.phase, Agreement.created_at, User.name,
        )
        .join(Agreement, Agreement.id == HelpAnswer.agreement_id)
        .join(User, User.id == HelpAnswer.member_id)
        .where(HelpAnswer.help_id == listing_id, Agreement.phase != "cancelled")
        .order_by(HelpAnswer.agreement_id)
        .limit(SHOWN)
    )  # fmt: skip
    if member_id is not None:
        statement = statement.where(HelpAnswer.member_id == member_id)
    rows = db.session.execute(statement)
    return [(row, HELP.state(row.state).label, TONES.get(row.phase, "")) for row in rows]


def card_facts(listing_ids: Sequence[int]) -> Mapping[int, CardFacts]:
    """Give when it is and how many places are left, for many cards with one statement."""
    if not listing_ids:
        return {}
    places = select(func.count()).where(HelpPlace.help_id == Help.listing_id, HelpPlace.agreement_id.is_(None))
    rows = db.session.execute(
        select(
            Help.listing_id, Help.starts_at, Help.last_at, Help.weekly, places.scalar_subquery().label("left")
        ).where(Help.listing_id.in_(listing_ids))
    )
    now = clock.now()
    return {row.listing_id: _facts(row, now) for row in rows}


def _facts(row: Any, now: datetime) -> CardFacts:
    over = (row.last_at if row.weekly else row.starts_at) <= now
    return CardFacts(
        figures=(
            (display.date(row.starts_at, "medium"), _("every week from") if row.weekly else _("when")),
            (display.number(row.left), ngettext("place left", "places left", row.left)),
        ),
        badge=_("Over") if over else None if row.left else _("Enough people"),
    )


def api_details(listing_id: int) -> dict[str, Any]:
    """Give what programs may know of help: when, and how many places are left; never the address or who answered."""
    row = db.session.get(Help, listing_id)
    if row is None:
        return {}
    left, places = _places(listing_id)
    return {
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "last_at": row.last_at.isoformat(),
        "weekly": row.weekly,
        "first_come": row.first_come,
        "places": places,
        "places_left": left,
    }


def thanked(member_id: int) -> list[SlotFill]:
    """Give how often a member was thanked, for the member's page; nothing before the first time."""
    count = thanks.count_for(member_id)
    return [SlotFill("sharing/_thanked.html", {"count": count})] if count else []
