"""One box that finds anything: by number, e-mail address, name, title, or a reference of ours or of the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, cast, literal, or_, select, union_all
from sqlalchemy.types import String

from marketplace.admin import books
from marketplace.admin.paging import mark
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.jobs.models import Job
from marketplace.listings.models import Listing
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import (
    GatewayCustomer,
    GatewayEvent,
    Payment,
    PaymentAttempt,
    Payout,
    PayoutAccount,
    Refund,
    SavedMethod,
)
from marketplace.users.models import User

MOST = 20

PLACES: dict[str, tuple[Any, str, str, str]] = {
    "member": (_l("Members"), "user", "operator.member", "member_id"),
    "listing": (_l("Listings"), "package", "operator.listing", "listing_id"),
    "agreement": (_l("Agreements"), "handshake", "operator.agreement", "agreement_id"),
    "payment": (_l("Payments"), "credit-card", "operator.payment", "payment_id"),
    "payout": (_l("Pay-outs"), "banknote", "operator.payout", "payout_id"),
    "event": (_l("Gateway inbox"), "webhook", "operator.gateway_event", "event_id"),
    "booking": (_l("Bookings"), "book-open", "operator.ledger_transaction", "transaction_id"),
    "job": (_l("Jobs"), "server", "operator.job", "job_id"),
}
"""What can be found: heading, icon, endpoint, and the name of its id."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing found."""

    id: int
    title: str
    note: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one sort."""

    label: Any
    icon: str
    hits: Sequence[Hit]


def find(q: str) -> list[Group]:
    """Look everywhere with one statement; `q` is what an operator typed."""
    number = mark(q.lstrip("#"))
    parts = _by_number(number) if number is not None else []
    parts += [_members(q), _listings(q), *_by_reference(q)]
    found = union_all(*(select(part.limit(MOST).subquery()) for part in parts))
    groups: dict[str, dict[int, Hit]] = {}
    for what, number, title, note in db.session.execute(found):
        _label, _icon, endpoint, name = PLACES[what]
        hit = Hit(number, title, note, url_for(endpoint, **{name: number}))
        groups.setdefault(what, {}).setdefault(number, hit)
    return [
        Group(label, icon, list(groups[what].values())[:MOST])
        for what, (label, icon, _endpoint, _name) in PLACES.items()
        if what in groups
    ]


def _part(what: str, key: Any, title: Any, note: Any) -> Select[*tuple[Any, ...]]:
    return select(
        literal(what).label("what"),
        key.label("id"),
        cast(title, String).label("title"),
        cast(note, String).label("note"),
    )


def _by_number(number: int) -> list[Select[*tuple[Any, ...]]]:
    return [
        _part("member", User.id, User.name, User.email).where(User.id == number),
        _part("listing", Listing.id, Listing.title, Listing.state).where(Listing.id == number),
        _part("agreement", Agreement.id, Listing.title, Agreement.state)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(Agreement.id == number),
        _part("payment", Payment.id, User.name, Payment.state)
        .join(User, User.id == Payment.payer_id)
        .where(Payment.id == number),
        _part("payout", Payout.id, User.name, Payout.state)
        .join(User, User.id == Payout.user_id)
        .where(Payout.id == number),
        _part("event", GatewayEvent.id, GatewayEvent.type, GatewayEvent.state).where(GatewayEvent.id == number),
        _part("job", Job.id, Job.kind, Job.state).where(Job.id == number),
    ]


def _members(q: str) -> Select[*tuple[Any, ...]]:
    return (
        _part("member", User.id, User.name, User.email)
        .where(or_(User.email.contains(q.lower(), autoescape=True), User.name.icontains(q, autoescape=True)))
        .order_by(User.id.desc())
    )


def _listings(q: str) -> Select[*tuple[Any, ...]]:
    return (
        _part("listing", Listing.id, Listing.title, Listing.state)
        .where(Listing.title.icontains(q, autoescape=True))
        .order_by(Listing.id.desc())
    )


def _by_reference(q: str) -> list[Select[*tuple[Any, ...]]]:
    """Whole references only: each has an index, and half a reference is a typing error."""
    payment = _part("payment", Payment.id, User.name, Payment.state).join(User, User.id == Payment.payer_id)
    event = _part("event", GatewayEvent.id, GatewayEvent.type, GatewayEvent.state).where(
        GatewayEvent.gateway == gateway_name()
    )
    tried = select(PaymentAttempt.payment_id).where(or_(PaymentAttempt.ref == q, PaymentAttempt.key == q))
    refunded = select(Refund.payment_id).where(Refund.ref == q)
    found = books.with_key(q).subquery()
    member = _part("member", User.id, User.name, User.email)
    known = [select(table.user_id).where(table.ref == q) for table in (GatewayCustomer, SavedMethod, PayoutAccount)]
    return [
        payment.where(or_(Payment.id.in_(tried), Payment.id.in_(refunded), Payment.source_ref == q)),
        event.where(or_(GatewayEvent.event_id == q, GatewayEvent.object_id == q)),
        _part("booking", found.c.id, found.c.key, literal("")),
        member.where(User.id.in_(union_all(*known))),
    ]
