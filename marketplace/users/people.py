"""What pages show of members and of what is theirs, as rows and with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.lifecycle import InvalidTransition, Role
from marketplace.listings.models import Listing
from marketplace.runtime import agreement_kind, listing_kind, runtime
from marketplace.search.cards import Card, cards
from marketplace.search.statements import COLUMNS
from marketplace.users.models import User

PAGE = 20
SHOWN_ON_PROFILE = 12
TONES = {"completed": "good", "active": "info", "agreed": "info", "proposed": "warm", "failed": "bad", "cancelled": ""}


@dataclass(frozen=True, slots=True)
class PublicMember:
    """What anybody may know of a member."""

    id: int
    name: str
    about: str
    place: str
    created_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class OwnListing:
    """One line of a member's own listings; `url` is empty while the kind's plugin is off."""

    id: int
    title: str
    state: str
    kind: Any
    icon: str
    url: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class OwnAgreement:
    """One line of a member's agreements; the amount is in minor units of `currency`, or None without money."""

    id: int
    title: str
    other: str
    kind: Any
    icon: str
    state: Any
    tone: str
    amount_minor: int | None
    currency: str | None
    waits_until: datetime | None
    updated_at: datetime


def public(member_id: int) -> PublicMember:
    """Give what anybody may know of a member; raises NotFound for closed and blocked accounts too."""
    row = db.session.execute(
        select(User.id, User.name, User.about, User.place, User.created_at, User.state).where(User.id == member_id)
    ).one_or_none()
    if row is None or row.state != "active":
        raise NotFound(_("There is no such member."))
    return PublicMember(*row)


def mark(text: str | None) -> int | None:
    """Read the mark of a next page from an address; what is none of ours means the first page."""
    if text and text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    return None


def listings_of(owner_id: int, *, before: int | None = None, limit: int = PAGE) -> tuple[list[OwnListing], int | None]:
    """List a member's own listings in every state but removed, newest first, and the mark of the next page."""
    statement = (
        select(Listing.id, Listing.title, Listing.state, Listing.kind, Listing.slug, Listing.updated_at)
        .where(Listing.owner_id == owner_id, Listing.state != "removed")
        .order_by(Listing.id.desc())
        .limit(limit + 1)
    )
    if before is not None:
        statement = statement.where(Listing.id < before)
    rows, following = _page(db.session.execute(statement).all(), limit)
    return [_own_listing(row) for row in rows], following


def published_by(owner_id: int, *, before: int | None = None) -> tuple[tuple[Card, ...], int | None]:
    """List what a member offers in public, of the kinds that are on, as cards, newest first; and the next page's mark."""
    statement = (
        select(
            *(Listing.__table__.c[name] for name in COLUMNS), User.name.label("owner_name"),
        )
        .join(User, User.id == Listing.owner_id)
        .where(Listing.owner_id == owner_id, Listing.state == "published", Listing.kind.in_(runtime().registry.listing_kinds))
        .order_by(Listing.id.desc())
        .limit(SHOWN_ON_PROFILE + 1)
    )  # fmt: skip
    if before is not None:
        statement = statement.where(Listing.id < before)
    rows, following = _page(db.session.execute(statement).all(), SHOWN_ON_PROFILE)
    return cards(rows), following


def _own_listing(row: Any) -> OwnListing:
    kind = listing_kind(row.kind)
    url = url_for(kind.endpoint, listing_id=row.id, slug=row.slug) if kind is not None else ""
    label, icon = (kind.label, kind.icon) if kind is not None else (_("Not offered here at the moment"), "circle-help")
    return OwnListing(row.id, row.title, row.state, label, icon, url, row.updated_at)


def agreements_of(
    user_id: int, role: Role, *, before: int | None = None, limit: int = PAGE
) -> tuple[list[OwnAgreement], int | None]:
    """List agreements in which a member is the one party or the other, newest first, and the mark of the next page."""
    other = aliased(User)
    mine, theirs = (
        (Agreement.owner_id, Agreement.member_id) if role == Role.OWNER else (Agreement.member_id, Agreement.owner_id)
    )
    statement = (
        select(
            Agreement.id, Listing.title, other.name, Agreement.kind, Agreement.state, Agreement.phase,
            Agreement.amount_minor, Agreement.currency, Agreement.waits_until, Agreement.updated_at,
        )
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(other, other.id == theirs)
        .where(mine == user_id)
        .order_by(Agreement.id.desc())
        .limit(limit + 1)
    )  # fmt: skip
    if before is not None:
        statement = statement.where(Agreement.id < before)
    rows, following = _page(db.session.execute(statement).all(), limit)
    return [_own_agreement(row) for row in rows], following


def _own_agreement(row: Any) -> OwnAgreement:
    label, icon, state = kind_and_state(row.kind, row.state)
    return OwnAgreement(
        row.id, row.title, row.name, label, icon, state, TONES[row.phase], row.amount_minor, row.currency,
        row.waits_until, row.updated_at,
    )  # fmt: skip


def kind_and_state(kind_name: str, state: str) -> tuple[Any, str, Any]:
    """Give label and icon of a kind of agreement and the label of a state, also while its plugin is off."""
    kind = agreement_kind(kind_name)
    if kind is None:
        return _("Not offered here at the moment"), "circle-help", state
    try:
        return kind.label, kind.icon, kind.machine.state(state).label
    except InvalidTransition:
        return kind.label, kind.icon, state


def _page(rows: Sequence[Any], limit: int) -> tuple[Sequence[Any], int | None]:
    """Cut off the row that only told that there is more."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], rows[limit - 1].id
