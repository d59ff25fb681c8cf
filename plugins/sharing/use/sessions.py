"""Reserving and using: one transaction each; what a move does is in `use_effects`, so that every way in does the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace.api import (
    Actor,
    Agreement,
    Conflict,
    InvalidInput,
    Listing,
    NotFound,
    Refused,
    Role,
    User,
    agreements,
    clock,
    db,
    listings,
    once,
    settings,
    transaction,
)
from plugins.sharing.item.item_models import Item, Unit
from plugins.sharing.price import price_lists
from plugins.sharing.tariffs import Bill
from plugins.sharing.typed_figure import typed_figure
from plugins.sharing.use import means, metering, plans, standing, use_slots
from plugins.sharing.use.use_models import STANDING, Device, UseSession

ARRANGEMENT = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a member wants of a unit; `limit_minor` is in minor units of the listing's currency."""

    unit_id: int
    nonce: str
    limit_minor: int | None = None
    options: Collection[str] = ()
    holder_id: int | None = None


def reserve(member: User, wish: Wish) -> Agreement:
    """Reserve a unit, free for a while; sent twice with one nonce it is one reservation.

    Raises Refused (blocked, nothing that could pay, own item), SlotTaken with alternatives, NotFound, InvalidInput.
    """
    try:
        return once(lambda: _by_nonce(member.id, wish.nonce), lambda: _reserve(member, wish))
    except IntegrityError as error:
        if "sharing_use" in str(error.orig):
            raise Conflict(_("Somebody else was just faster."), code="in_use") from error
        raise


def start_now(member: User, wish: Wish, stands: Mapping[str, str] | None = None) -> Agreement:
    """Reserve and start in one go; on one's own reservation just start. Raises as `reserve` does, InvalidInput for registers."""
    with transaction():
        own = standing_session(wish.unit_id)
        if own is not None and own.member_id == member.id:
            agreement = agreements.locked(own.agreement_id)
        else:
            agreement = reserve(member, wish)
        if agreement.state != "reserved":
            return agreement
        return move(agreement.id, member, "start", stands)


def move(
    agreement_id: int, user: User, name: str, stands: Mapping[str, str] | None = None, *, sure: bool = False
) -> Agreement:
    """Start, pause, resume or end one's use; `stands` is what the registers stand at, decimal figures as text.

    Raises NotFound for somebody else's, InvalidInput for registers (Implausible, unless its user is `sure`), Refused,
    InvalidTransition.
    """
    with transaction():
        agreement = agreements.locked(agreement_id)
        if agreement.kind != "use" or agreement.member_id != user.id:
            raise NotFound(_("There is no such use."))
        data = {"registers": dict(stands or {}), "sure": sure}
        return agreements.transition(agreement_id, name, Actor(user.id, Role.MEMBER), data=data)


def _reserve(member: User, wish: Wish) -> Agreement:
    unit, listing = _unit(wish.unit_id)
    holder_id = standing.holder_of(member.id, wish.holder_id)
    standing.refuse_blocked(member.id, holder_id)
    _refuse_taken(unit.id)
    tariff_id = price_lists.freeze(listing.id, ARRANGEMENT)
    terms = price_lists.stored(tariff_id).terms
    _check_choices(wish, {part.option for part in terms.components} | {fee.option for fee in terms.fees})
    plan = plans.of(holder_id, listing.owner_id, terms)
    means.refuse_without(terms, holder_id, listing.owner_id, listing.currency)
    minutes = (
        terms.reservation_free // 60_000_000 if terms.reservation else int(settings.get("sharing.reserve_minutes"))
    )
    zone = price_lists.zone_of(listing.id)
    agreement = agreements.create(
        "use", listing=listing, member_id=member.id, amount=None, actor=Actor(member.id, Role.MEMBER),
        terms={
            "tariff_id": tariff_id, "tariff": terms.name, "digest": terms.digest, "unit": unit.label, "zone": zone,
            "limit_minor": wish.limit_minor, "currency": listing.currency, "options": sorted(wish.options), "plan": plan,
            "holder_id": holder_id, "longest_hours": int(settings.get("sharing.longest_use_hours")),
        },
        waits_until=clock.now() + timedelta(minutes=minutes),
    )  # fmt: skip
    session = UseSession(
        agreement_id=agreement.id, listing_id=listing.id, unit_id=unit.id, member_id=member.id, holder_id=holder_id,
        owner_id=listing.owner_id, tariff_id=tariff_id, currency=listing.currency, zone=zone, plan=plan,
        options=sorted(wish.options), nonce=wish.nonce, limit_minor=wish.limit_minor, reserved_at=clock.now(),
    )  # fmt: skip
    db.session.add(session)
    db.session.flush()
    use_slots.hold(session, minutes)
    db.session.flush()
    return agreement


def _unit(unit_id: int) -> tuple[Unit, Listing]:
    unit = db.session.get(Unit, unit_id)
    if unit is None or not unit.active:
        raise NotFound(_("There is no such thing."))
    listing = listings.locked(unit.item_id)
    offered = db.session.scalar(select(Item.arrangements).where(Item.listing_id == listing.id)) or []
    if listing.state != "published" or ARRANGEMENT not in offered:
        raise Refused(_("This is not offered for use by the minute at the moment."), code="not_offered")
    return unit, listing


def _refuse_taken(unit_id: int) -> None:
    if standing_session(unit_id) is not None:
        raise Conflict(_("Somebody else has it at the moment."), code="in_use")


def _check_choices(wish: Wish, options: Collection[str]) -> None:
    if set(wish.options) - set(options):
        raise InvalidInput({"options": _("This can't be chosen here.")})
    if wish.limit_minor is not None and wish.limit_minor <= 0:
        raise InvalidInput({"limit": _("A limit is more than nothing.")})


def standing_session(unit_id: int) -> UseSession | None:
    """Give the session that a unit is reserved for or used in now."""
    statement = select(UseSession).where(UseSession.unit_id == unit_id, STANDING)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _by_nonce(member_id: int, nonce: str) -> Agreement | None:
    return db.session.scalars(
        select(Agreement)
        .join(UseSession, UseSession.agreement_id == Agreement.id)
        .where(UseSession.member_id == member_id, UseSession.nonce == nonce)
    ).one_or_none()


def of(agreement_id: int) -> UseSession:
    """Give a session's side, fresh; raises NotFound."""
    found = db.session.get(UseSession, agreement_id, populate_existing=True)
    if found is None:
        raise NotFound(_("There is no such use."))
    return found


def running_total(session: UseSession) -> Bill | None:
    """Give what a use comes to as it stands now, by the function that makes its bill; None before its start."""
    if session.started_at is None:
        return None
    rows = metering.readings_of(session.agreement_id)
    return metering.rate(session, rows, metering.about_of(session), metering.counted_until(session))


def has_device(unit_id: int) -> bool:
    """Tell whether a unit has a device that reads its registers."""
    statement = select(Device.id).where(Device.unit_id == unit_id, Device.revoked_at.is_(None)).limit(1)
    return db.session.scalar(statement) is not None


def checked_stands(session: UseSession, given: Mapping[str, Any], *, needed: bool) -> dict[str, str]:
    """Check what a person says that registers stand at; raises InvalidInput at the register's name.

    `needed` asks for every register of the tariff, unless a device reads them.
    """
    names = metering.registers_of(price_lists.stored(session.tariff_id).terms)
    wanted = needed and not has_device(session.unit_id)
    faults, found = {}, {}
    for name in names:
        text = str(given.get(name) or "")
        if not text.strip():
            if wanted:
                faults[name] = _("Say what it stands at.")
            continue
        try:
            value = typed_figure(text)
        except ValueError:
            faults[name] = _("This is not a figure. Write it out, like 1250 or 12.5.")
            continue
        if not 0 <= value <= 10**9 or -int(value.as_tuple().exponent) > 9:
            faults[name] = _("This is not a figure that a meter shows.")
            continue
        found[name] = f"{value:f}"
    if faults:
        raise InvalidInput(faults)
    return found
