"""What the pages, cards and API answers of requests show, with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from marketplace.api import CardFacts, Listing, NotFound, User, access, db, display, listings, runtime
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan.loan_describe import DEPOSITS
from plugins.sharing.request.request_models import Answer, Request

OWN_ITEMS = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as one viewer sees it: the asker all answers, who answered the own one, everybody how many there are."""

    listing: Listing
    row: Request
    asker: str
    managed: bool
    is_asker: bool
    answers: Sequence[Any]
    mine: Answer | None
    count: int

    @property
    def km(self) -> int:
        """Give how far it reaches now, in kilometres."""
        return self.row.radius_m // 1000


def seen(listing_id: int, viewer: Any) -> Seen:
    """Give a request that the viewer (a User, or a guest) may see; raises NotFound."""
    listing = listings.visible(listing_id, viewer)
    row = db.session.get(Request, listing_id)
    if row is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    asker = db.session.scalar(select(User.name).where(User.id == listing.owner_id)) or ""
    known = viewer.is_authenticated
    is_asker = known and viewer.id == listing.owner_id
    managed = access.may(viewer, "sharing.manage", listing)
    return Seen(
        listing, row, asker, managed, is_asker, answers_of(listing_id) if is_asker else (),
        _mine(listing_id, viewer.id) if known and not is_asker else None, _count(listing_id),
    )  # fmt: skip


def answers_of(listing_id: int) -> Sequence[Any]:
    """List the answers that stand, and the chosen one, for the asker: who, what, how much, and what secures it."""
    rows = db.session.execute(
        select(
            Answer.id, Answer.member_id, Answer.state, Answer.words, Answer.fee_minor, Answer.currency, Answer.agreement_id,
            Answer.created_at, Answer.item_id, User.name, Listing.title, Listing.slug, Listing.state.label("item_state"),
            Item.deposit_kind, Item.deposit_minor,
        )
        .join(User, User.id == Answer.member_id)
        .outerjoin(Listing, Listing.id == Answer.item_id)
        .outerjoin(Item, Item.listing_id == Answer.item_id)
        .where(Answer.request_id == listing_id, Answer.state.in_(("offered", "chosen")))
        .order_by(Answer.state, Answer.id)
    )  # fmt: skip
    return [(row, _deposit(row)) for row in rows]


def _deposit(row: Any) -> str:
    if row.deposit_kind in (None, "none"):
        return ""
    return f"{display.money(row.deposit_minor, row.currency)} · {DEPOSITS[row.deposit_kind]}"


def _mine(listing_id: int, member_id: int) -> Answer | None:
    newest = select(Answer).where(Answer.request_id == listing_id, Answer.member_id == member_id)
    return db.session.scalars(newest.order_by(Answer.id.desc()).limit(1)).one_or_none()


def _count(listing_id: int) -> int:
    counted = select(func.count()).where(Answer.request_id == listing_id, Answer.state == "offered")
    return db.session.scalar(counted) or 0


def anybody_answered(listing_id: int) -> bool:
    """Tell whether a request ever had an answer that was not taken back."""
    found = select(Answer.id).where(Answer.request_id == listing_id, Answer.state != "withdrawn").limit(1)
    return db.session.scalar(found) is not None


def own_items(member_id: int) -> Sequence[Any]:
    """List the items that a member may offer."""
    return db.session.execute(
        select(Listing.id, Listing.title)
        .join(Item, Item.listing_id == Listing.id)
        .where(Listing.owner_id == member_id, Listing.state == "published")
        .order_by(Listing.title, Listing.id)
        .limit(OWN_ITEMS)
    ).all()


def together(listing: Listing) -> list[tuple[str, str]]:
    """Give words and address of each way in which many pay for one thing together, filled in with this wish."""
    facts: dict[str, Any] = {"title": listing.title, "category": listing.category, "place": listing.place}
    return [
        (str(kind.together), url_for(kind.new_endpoint, **facts))
        for kind in runtime().registry.listing_kinds.values()
        if kind.together and kind.new_endpoint
    ]


def card_facts(listing_ids: Sequence[int]) -> Mapping[int, CardFacts]:
    """Give when it is wanted and how many answered, for many cards with one statement."""
    if not listing_ids:
        return {}
    waiting = select(func.count()).where(Answer.request_id == Request.listing_id, Answer.state == "offered")
    rows = db.session.execute(
        select(Request.listing_id, Request.state, Request.starts_at, waiting.scalar_subquery()).where(
            Request.listing_id.in_(listing_ids)
        )
    )
    return {
        row[0]: CardFacts(
            figures=(
                (display.date(row[2], "medium"), _("wanted from")),
                (display.number(row[3]), ngettext("answer", "answers", row[3])),
            ),
            badge=None if row[1] == "open" else _("Answered") if row[1] in ("chosen", "settled") else None,
        )
        for row in rows
    }


def api_details(listing_id: int) -> dict[str, Any]:
    """Give what programs may know of a request: when, within how far, and how many answered; never where exactly."""
    row = db.session.get(Request, listing_id)
    if row is None:
        return {}
    return {
        "state": row.state,
        "starts_at": row.starts_at.isoformat(),
        "ends_at": row.ends_at.isoformat(),
        "radius_m": row.radius_m,
        "answers": _count(listing_id),
    }
