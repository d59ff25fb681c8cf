"""What item pages, cards and the API show of items: rows, by a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import and_, bindparam, func, or_, select

from marketplace.api import Agreement, Listing, NotFound, Picture, User, access, clock, db, display, picture_url
from plugins.sharing.item.item_models import ExceptionDay, Item, Occupancy, Unit
from plugins.sharing.item.motors import VEHICLES
from plugins.sharing.loan.loan_describe import DEPOSITS
from plugins.sharing.slot import openings
from plugins.sharing.slot.for_ever import FOREVER
from plugins.sharing.slot.rules import length_words, weekday_words

ALL_DAYS = 127


@dataclass(frozen=True, slots=True)
class Seen:
    """An item as somebody may see it: the listing, the item's rules, who owns it, and how many units can be booked."""

    listing: Listing
    item: Item
    owner: User
    units: int


ONE = (
    select(
        Listing,
        Item,
        User,
        select(func.count()).where(Unit.item_id == Item.listing_id, Unit.active).scalar_subquery().label("units"),
    )
    .join(Item, Item.listing_id == Listing.id)
    .join(User, User.id == Listing.owner_id)
    .where(Listing.id == bindparam("listing"))
)


def seen(listing_id: int, viewer: Any) -> Seen:
    """Give an item that `viewer` (a User, or a guest) may see, by one statement; raises NotFound."""
    row = db.session.execute(ONE, {"listing": listing_id}).one_or_none()
    if row is None or not access.may(viewer, "listing.see", row[0]):
        raise NotFound(_("This page does not exist, or is not for you."))
    return Seen(*row)


PICTURES = (
    select(Picture.key, Picture.alt)
    .where(Picture.listing_id == bindparam("listing"), Picture.state == "ready")
    .order_by(Picture.position)
)


def pictures(listing_id: int) -> list[tuple[str, str, str]]:
    """Give the pictures as the gallery shows them: address, words, address of the large one."""
    rows = db.session.execute(PICTURES, {"listing": listing_id})
    return [(picture_url(row.key, 800), row.alt, picture_url(row.key, 1600)) for row in rows]


def rule_lines(item: Item) -> list[tuple[str, str]]:
    """Put the rules of an item into words, those that say something; amounts are in the item's currency."""
    lines = []
    if {"borrow", "rent"} & set(item.arrangements):
        lines.append((_("Booking"), _("Agreed at once") if item.instant else _("The owner answers each request")))
    if "use" in item.arrangements:
        lines.append((_("Using it"), _("You start it yourself, whenever it is free")))
    if "buy" in item.arrangements:
        lines.append((_("Buying it"), buy_words(item)))
    if item.vehicle in VEHICLES:
        vehicle = str(VEHICLES[item.vehicle][2])
        lines.append((_("With a motor"), _("%(vehicle)s, goes at least %(km)s km", vehicle=vehicle, km=item.range_km)))
    if item.who != "everybody":
        lines.append((_("Who may have it"), who_words(item)))
    if item.min_minutes > 1 or item.max_minutes is not None:
        lines.append((_("How long"), _length_range(item)))
    if item.notice_minutes:
        lines.append((_("How long beforehand"), length_words(item.notice_minutes)))
    if item.start_days != ALL_DAYS:
        lines.append((_("It may begin on"), weekday_words(item.start_days)))
    if set(item.arrangements) != {"buy"}:
        lines.append((_("Deposit"), deposit_words(item)))
    if item.late_fee_minor_per_day:
        fee = display.money(item.late_fee_minor_per_day, item.currency)
        lines.append((_("Late"), _("%(amount)s for each started day", amount=fee)))
    if item.replacement_minor:
        lines.append((_("If it gets lost"), display.money(item.replacement_minor, item.currency)))
    if item.quota_count and item.quota_days:
        lines.append(
            (_("At most"), _("%(count)s bookings in %(days)s days", count=item.quota_count, days=item.quota_days))
        )
    return lines


def buy_words(item: Item) -> str:
    """Say what buying an item costs, and how much of the rent counts."""
    price = display.money(item.buy_minor or 0, item.currency, exact=True)
    if not item.buy_rent_percent:
        return price
    return ngettext(
        "%(price)s, less %(percent)s%% of the rent that the buyer paid in the last day",
        "%(price)s, less %(percent)s%% of the rent that the buyer paid in the last %(num)s days",
        item.buy_rent_days,
        price=price,
        percent=item.buy_rent_percent,
    )


def who_words(item: Item) -> str:
    """Say to everybody who may have an item."""
    if item.who == "experienced":
        least = item.who_least or 1
        return ngettext(
            "Members who have finished %(num)s agreement here",
            "Members who have finished %(num)s agreements here",
            least,
        )
    return str(WHO[item.who])


WHO = {
    "confirmed": _l("Members whose e-mail address is confirmed"),
    "known": _l("Members who have finished an agreement with the owner before"),
    "pass": _l("Members with the pass of its pool"),
}


def _length_range(item: Item) -> str:
    least = length_words(item.min_minutes)
    if item.max_minutes is None:
        return _("%(least)s or longer", least=least)
    most = length_words(item.max_minutes)
    return most if least == most else _("%(least)s to %(most)s", least=least, most=most)


def deposit_words(item: Item) -> str:
    """Put an item's deposit into words."""
    if item.deposit_kind == "none":
        return str(DEPOSITS["none"])
    return f"{display.money(item.deposit_minor, item.currency)} · {DEPOSITS[item.deposit_kind]}"


CANCELLING = {
    "flexible": _l("All of it back until 24 hours before the start, half of it until the start."),
    "moderate": _l("All of it back until 5 days before the start, half of it until 24 hours before."),
    "strict": _l("All of it back until 14 days before the start, half of it until 7 days before."),
}


def week_lines(item_id: int, names: Sequence[str]) -> list[tuple[str, list[tuple[int, int]]]]:
    """Give the open spans by weekday with their names; none at all means always."""
    week = openings.week_of(item_id)
    return [(name, week.get(number, [])) for number, name in enumerate(names)] if week else []


def exceptions(item_id: int, zone: str) -> list[tuple[Any, list[tuple[int, int]], str]]:
    """Give the days from today on whose hours differ: day, spans (none: closed), note."""
    today = clock.local(clock.now(), zone).date()
    rows = db.session.scalars(
        select(ExceptionDay)
        .where(ExceptionDay.item_id == item_id, ExceptionDay.day >= today)
        .order_by(ExceptionDay.day, ExceptionDay.from_minute)
        .limit(200)
    )
    found: dict[Any, tuple[list[tuple[int, int]], str]] = {}
    for row in rows:
        spans, _note = found.setdefault(row.day, ([], row.note))
        if not row.closed:
            spans.append((row.from_minute, row.to_minute))
    return [(day, spans, note) for day, (spans, note) in found.items()]


UPCOMING_SHOWN = 30


def upcoming(item_id: int) -> Sequence[Any]:
    """List who has the item now and who is next, or buys it, for its lender: unit, member, times, agreement."""
    now = clock.now()
    return db.session.execute(
        select(
            Occupancy.id, Occupancy.starts_at, Occupancy.ends_at, Occupancy.out_at, Occupancy.returned_at,
            Occupancy.agreement_id, Occupancy.kind, (Occupancy.ends_at >= FOREVER).label("for_ever"), Unit.label,
            User.name, Agreement.owner_id.label("lender_id"),
        )
        .join(Unit, Unit.id == Occupancy.unit_id)
        .outerjoin(Agreement, Agreement.id == Occupancy.agreement_id)
        .outerjoin(User, User.id == Occupancy.member_id)
        .where(
            Occupancy.item_id == item_id, Occupancy.kind.in_(("booking", "imported")),
            or_(Unit.active, Occupancy.ends_at < FOREVER),
            or_(Occupancy.ends_at > now, and_(Occupancy.out_at.is_not(None), Occupancy.returned_at.is_(None))),
        )
        .order_by(Occupancy.starts_at, Occupancy.id)
        .limit(UPCOMING_SHOWN)
    ).all()  # fmt: skip


def blocks(item_id: int) -> Sequence[Any]:
    """List the time that the lender keeps from now on."""
    return db.session.execute(
        select(Occupancy.id, Occupancy.kind, Occupancy.starts_at, Occupancy.ends_at, Unit.label)
        .join(Unit, Unit.id == Occupancy.unit_id)
        .where(
            Occupancy.item_id == item_id, Occupancy.kind.in_(("block", "repair")), Occupancy.ends_at > clock.now()
        )
        .order_by(Occupancy.starts_at, Occupancy.id)
        .limit(UPCOMING_SHOWN)
    ).all()  # fmt: skip


def unit_to_use(item_id: int) -> str:
    """Give the code of a unit that can be used, best one that nobody has now, also not overdue; "" when there is none."""
    out = and_(Occupancy.out_at.is_not(None), Occupancy.returned_at.is_(None))
    busy = select(Occupancy.id).where(
        Occupancy.unit_id == Unit.id, Occupancy.starts_at <= clock.now(), or_(Occupancy.ends_at > clock.now(), out),
        or_(Occupancy.expires_at.is_(None), Occupancy.expires_at > clock.now()),
    )  # fmt: skip
    active = select(Unit.code).where(Unit.item_id == item_id, Unit.active)
    return db.session.scalar(active.order_by(busy.exists(), Unit.id).limit(1)) or ""
