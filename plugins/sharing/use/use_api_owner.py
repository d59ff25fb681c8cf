"""The API of what owners do with uses: who used it, devices and their secrets, corrections, credit as a gift."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.api import InvalidInput, Listing, NotFound, User, access, api_v1, db, listings
from plugins.sharing.item import items
from plugins.sharing.use import correcting, credits, devices, use_reads
from plugins.sharing.use import use_owner_shapes as shapes
from plugins.sharing.use.use_api_part import DEVICES, USES, part
from plugins.sharing.use.use_models import Reading
from plugins.sharing.use.use_owner_shapes import (
    Correction,
    CreditGiven,
    DeviceList,
    DeviceMade,
    DeviceOut,
    GiftOfCredit,
    NewDevice,
    OwnerUse,
    OwnerUses,
    ReadingList,
    ReadingOut,
)

SCOPES = ("listings:write",)


def _managed(listing_id: int, user: User) -> Listing:
    listing = listings.visible(listing_id, user)
    if listing.kind != "item" or not access.may(user, "sharing.manage", listing):
        raise NotFound(_("There is no such item."))
    return listing


@part.operation("GET", "/sharing/items/{listing_id}/uses", tag=USES, scopes=SCOPES, returns=OwnerUses, errors=(404,))
def list_item_uses(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> OwnerUses:
    """List the newest uses of an item for its owner."""
    _managed(listing_id, call.user)
    return OwnerUses(
        data=[
            OwnerUse(
                id=row.id, member=row.name, unit=row.label, state=row.state, started_at=row.started_at, ended_at=row.ended_at,
                amount=api_v1.amount(row.amount_minor, row.currency),
            )
            for row in use_reads.of_owner(listing_id)
        ]
    )  # fmt: skip


@part.operation(
    "GET", "/sharing/uses/{use_id}/readings", tag=USES, scopes=("uses:read",), returns=ReadingList, errors=(404,)
)
def list_use_readings(call: api_v1.Call[None, api_v1.Query], use_id: int) -> ReadingList:
    """Give what was read in a use to its member, its payer and the owner; a bill is made from these."""
    use_reads.seen(use_id, call.user)
    return ReadingList(data=[shapes.reading(row) for row in use_reads.readings(use_id)])


@part.operation(
    "POST", "/sharing/uses/readings/{reading_id}/correction", tag=USES, scopes=SCOPES, body=Correction, returns=ReadingOut,
    status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def correct_reading(call: api_v1.Call[Correction, api_v1.Query], reading_id: int) -> ReadingOut:
    """Put other figures in a reading's place, as the owner; a bill that follows from it is credited and made anew."""
    try:
        made = correcting.correct(reading_id, call.user, call.body.registers, call.body.note)
    except InvalidInput as error:
        known = {name: name if name == "note" else f"registers.{name}" for name in error.errors}
        raise InvalidInput({known[name]: text for name, text in error.errors.items()}) from None
    return shapes.reading(db.session.get_one(Reading, made.id))


@part.operation(
    "GET", "/sharing/items/{listing_id}/devices", tag=DEVICES, scopes=SCOPES, returns=DeviceList, errors=(404,)
)
def list_devices(call: api_v1.Call[None, api_v1.Query], listing_id: int) -> DeviceList:
    """List an item's devices that are not revoked; secrets are not shown again."""
    _managed(listing_id, call.user)
    names = ("id", "name", "silence_seconds", "seen_at")
    return DeviceList(
        data=[DeviceOut(**{name: getattr(row, name) for name in names}) for row in use_reads.devices(listing_id)]
    )


@part.operation(
    "POST", "/sharing/items/{listing_id}/devices", tag=DEVICES, scopes=SCOPES, body=NewDevice, returns=DeviceMade,
    status=201, errors=(404,), idempotency="required",
)  # fmt: skip
def add_device(call: api_v1.Call[NewDevice, api_v1.Query], listing_id: int) -> DeviceMade:
    """Add a device to one of the item's units; the answer shows its secret, this once."""
    _managed(listing_id, call.user)
    unit = items.unit_of(listing_id, call.body.unit_id)
    made = devices.add(unit.id, call.user, call.body.name, call.body.silence_seconds)
    return DeviceMade(id=made.id, name=made.name, secret=made.secret)


@part.operation(
    "DELETE", "/sharing/items/{listing_id}/devices/{device_id}", tag=DEVICES, scopes=SCOPES, status=204, errors=(404,)
)
def revoke_device(call: api_v1.Call[None, api_v1.Query], listing_id: int, device_id: int) -> None:
    """Accept nothing more from a device."""
    _managed(listing_id, call.user)
    devices.revoke(listing_id, device_id)


@part.operation(
    "POST", "/sharing/items/{listing_id}/credit-given", tag=USES, scopes=SCOPES, body=GiftOfCredit, returns=CreditGiven,
    status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def give_credit(call: api_v1.Call[GiftOfCredit, api_v1.Query], listing_id: int) -> CreditGiven:
    """Give a member credit for the owner's things."""
    listing, body = _managed(listing_id, call.user), call.body
    amount = body.amount.money("amount", listing.currency)
    moved = credits.give_to(call.user, body.email, amount.minor, listing, body.note)
    return CreditGiven(member_id=moved.member_id, left=api_v1.Amount(moved.balance_minor, moved.currency))
