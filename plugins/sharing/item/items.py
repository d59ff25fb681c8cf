"""What a lender does with an item before anybody borrows it: start it, describe it, lay down its rules, hours and units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from marketplace.api import (
    InvalidInput,
    Listing,
    NotFound,
    Refused,
    access,
    db,
    listings,
    payments,
    runtime,
    transaction,
)
from plugins.sharing import amounts
from plugins.sharing.item import list_price, motors, selling, units
from plugins.sharing.item.item_models import Item, Unit
from plugins.sharing.pool import opened
from plugins.sharing.price import price_lists
from plugins.sharing.price.simple_tariffs import SimplePrices, document
from plugins.sharing.slot import for_ever, who

ARRANGEMENTS = ("borrow", "rent", "use", "buy")
"""What a lender may choose; portions are offered on pages of their own."""

RULES = (
    "arrangements", "instant", "notice_minutes", "min_minutes", "max_minutes", "horizon_days", "start_days",
    "buffer_before_minutes", "buffer_after_minutes", "hours_for", "deposit_kind", "deposit_minor", "late_fee_minor_per_day",
    "replacement_minor", "cancellation", "quota_count", "quota_days", "who", "who_least",
    "vehicle", "range_km", "buy_minor", "buy_rent_percent", "buy_rent_days",
)  # fmt: skip
"""The columns of an item that its lender sets."""

AMOUNTS = ("deposit_minor", "late_fee_minor_per_day", "replacement_minor", "buy_minor")

USUAL = {"horizon_days": 180, "max_minutes": 28 * 1440, "min_minutes": 60}
"""What a new item begins with: an hour to four weeks, half a year ahead."""


def create(
    user: Any, *, facts: dict[str, Any], arrangement: str, price_minor: int | None = None, address: str = ""
) -> Listing:
    """Start a draft item with one unit; `facts` are the listing's own fields.

    `price_minor` is per day for "rent", per hour for "use", once for "buy", in minor units of the site's currency, and
    nothing for "borrow". `address` says where the unit is picked up; nobody sees it before a booking is agreed. Raises
    InvalidInput.
    """
    if arrangement not in ARRANGEMENTS:
        raise InvalidInput({"arrangement": _("Choose how you want to share it.")})
    if arrangement != "borrow" and not price_minor:
        raise InvalidInput({"price": _("Say what it costs, or lend it free.")})
    if (said := amounts.too_much(price_minor, runtime().settings.currency)) is not None:
        raise InvalidInput({"price": said})
    with transaction() as session:
        listing = listings.create_draft("item", owner=user, **facts)
        zone = runtime().settings.timezone
        bought = {"buy_minor": price_minor} if arrangement == "buy" else {}
        item = Item(
            listing_id=listing.id, zone=zone, currency=listing.currency, arrangements=[arrangement], **bought, **USUAL
        )
        selling.check(item)
        session.add(item)
        session.flush()
        units.add(listing.id, listing.title[:80], place=address.strip())
        if arrangement in ("borrow", "buy"):
            list_price.show(listing, {})
        else:
            asked = (
                SimplePrices(day=price_minor)
                if arrangement == "rent"
                else SimplePrices(hour=price_minor, step="minute")
            )
            made = document(asked, listing.currency, listing.title)
            price_lists.save(listing.id, arrangement, made, user, made_from=asked.kept())
    return listing


def managed(listing_id: int, user: Any, *, lock: bool = False) -> tuple[Listing, Item]:
    """Give an item and its listing to somebody who may change it; raises NotFound, as if it did not exist, for others."""
    listing = listings.locked(listing_id) if lock else listings.visible(listing_id, user)
    item = db.session.get(Item, listing_id, populate_existing=lock)
    if item is None or not access.may(user, "sharing.manage", listing):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing, item


def change(listing_id: int, user: Any, *, version: int | None, facts: dict[str, Any]) -> Listing:
    """Change what is said of an item; raises InvalidInput, Conflict, NotFound, Forbidden."""
    managed(listing_id, user)
    return listings.update(listing_id, actor=user, version=version, **facts)


def set_rules(listing_id: int, user: Any, rules: Mapping[str, Any]) -> Item:
    """Lay down rules, by the names of `RULES`; what was agreed keeps the rules that it was agreed under.

    Amounts are in minor units of the item's currency. Raises InvalidInput, NotFound.
    """
    unknown = set(rules) - set(RULES)
    if unknown:
        raise TypeError(f"an item has no rule {', '.join(sorted(unknown))}")
    with transaction() as session:
        listing, item = managed(listing_id, user, lock=True)
        for name, value in rules.items():
            setattr(item, name, value)
        _check(item)
        session.flush()
        list_price.show(listing, {key: one.terms for key, one in price_lists.all_current(listing_id).items()})
    return item


def _check(item: Item) -> None:
    faults = amounts.faults(item, AMOUNTS, item.currency)
    if not item.arrangements or set(item.arrangements) - {*ARRANGEMENTS, "portion"}:
        faults["arrangements"] = _("Choose at least one way to share it.")
    if item.max_minutes is not None and item.max_minutes < item.min_minutes:
        faults["max_minutes"] = _("The longest time must not be shorter than the shortest.")
    if not 1 <= item.start_days <= 127:
        faults["start_days"] = _("Choose at least one day.")
    if item.deposit_kind == "none":
        item.deposit_minor = 0
    elif not item.deposit_minor:
        faults["deposit_minor"] = _("Say how much the deposit is.")
    elif item.deposit_kind in ("card", "held") and not payments.payments_enabled():
        faults["deposit_kind"] = _("This site works without payments, so a deposit can only be promised.")
    if (item.quota_count is None) != (item.quota_days is None):
        faults["quota_days" if item.quota_days is None else "quota_count"] = _("Say both, or leave both empty.")
    faults |= _use_faults(item)
    if item.who == "experienced" and not item.who_least:
        faults["who_least"] = _("Say how many agreements they should have finished.")
    elif item.who != "experienced":
        item.who_least = None
    if item.who not in who.LABELS and (item.who != "pass" or opened.pool_of(item.listing_id) is None):
        faults["who"] = _("Choose who may have it.")
    faults |= motors.faults(item.vehicle, item.range_km) | selling.faults(item)
    if faults:
        raise InvalidInput(faults)


def _use_faults(item: Item) -> dict[str, str]:
    """Say which rules don't go with being paid by use."""
    faults = {}
    if "use" in item.arrangements and item.notice_minutes:
        faults["notice_minutes"] = _(
            "Whoever starts it themselves comes unannounced: choose none, or no paying by use."
        )
    if "use" in item.arrangements and item.is_bundle:
        faults["arrangements"] = _("A set is borrowed or rented as a whole, not paid by use.")
    return faults


def add_unit(listing_id: int, user: Any, label: str, place: str = "", replacement_minor: int | None = None) -> Unit:
    """Add a unit to an item; raises InvalidInput, NotFound."""
    with transaction():
        _listing, item = managed(listing_id, user, lock=True)
        _check_worth(replacement_minor, item)
        return units.add(listing_id, label, place=place.strip(), replacement_minor=replacement_minor)


def _check_worth(replacement_minor: int | None, item: Item) -> None:
    if (said := amounts.too_much(replacement_minor, item.currency)) is not None:
        raise InvalidInput({"replacement_minor": said})


def unit_of(listing_id: int, unit_id: int) -> Unit:
    """Give a unit of an item; raises NotFound."""
    unit = db.session.get(Unit, unit_id)
    if unit is None or unit.item_id != listing_id:
        raise NotFound(_("There is no such unit of this item."))
    return unit


def change_unit(
    listing_id: int, user: Any, unit_id: int, *, label: str, place: str, replacement_minor: int | None, active: bool
) -> Unit:
    """Change a unit; one that is not active is promised to nobody from now on, and what was agreed stands.

    Raises InvalidInput, NotFound, Refused (code "sold") for one that was sold and should be offered again.
    """
    if not label.strip():
        raise InvalidInput({"label": _("Give it a name by which people tell it from the others.")})
    with transaction() as session:
        _listing, item = managed(listing_id, user, lock=True)
        _check_worth(replacement_minor, item)
        unit = unit_of(listing_id, unit_id)
        if active and not unit.active and for_ever.is_sold(unit_id):
            raise Refused(_("It has been sold. Offer another one as a unit of its own."), field="active", code="sold")
        unit.label, unit.place, unit.active = label.strip()[:80], place.strip(), active
        unit.replacement_minor = replacement_minor
        session.flush()
    return unit


def publish_problems(listing: Listing) -> list[str]:
    """Name what an item still lacks before others may find it."""
    item = db.session.get(Item, listing.id)
    if item is None:
        return [_("Say first how it is shared.")]
    problems = []
    if not any(unit.active for unit in units.units_of(listing.id)):
        problems.append(_("Offer at least one unit of it."))
    priced = price_lists.all_current(listing.id)
    if "rent" in item.arrangements and "rent" not in priced:
        problems.append(_("Say what renting it costs."))
    if "use" in item.arrangements and "use" not in priced:
        problems.append(_("Say what using it costs."))
    return problems
