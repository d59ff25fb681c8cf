"""Devices, readings and credit as the API shows them to owners and takes them."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import field

from marketplace.api import api_v1
from plugins.sharing.use.use_api_shapes import Registers

Amount = api_v1.Amount
Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
DeviceName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Board computer"])]
Silence = Annotated[
    int, Meta(ge=1, le=10_000_000, description="The longest normal silence in seconds.", examples=[3600])
]


class NewDevice(api_v1.Input):
    """A meter, lock or board computer of a unit."""

    unit_id: Id
    name: DeviceName
    silence_seconds: Silence | None = None


class DeviceOut(api_v1.Output):
    """A device that readings are accepted from."""

    id: Id
    name: DeviceName
    silence_seconds: int | None
    seen_at: Time | None


class DeviceMade(api_v1.Output):
    """A new device; its `secret` signs what it sends, and is shown this once."""

    id: Id
    name: DeviceName
    secret: Annotated[str, Meta(examples=["whsec_QUFBQUFBQUFB"])]


class DeviceList(api_v1.Output):
    """An item's devices that are not revoked."""

    data: list[DeviceOut]


class OwnerUse(api_v1.Output):
    """A use of an item as its owner sees it."""

    id: Id
    member: Annotated[str, Meta(examples=["Ben"])]
    unit: Annotated[str, Meta(examples=["Car 1"])]
    state: Annotated[str, Meta(examples=["paid"])]
    started_at: Time | None
    ended_at: Time | None
    amount: Amount | None


class OwnerUses(api_v1.Output):
    """The newest uses of an item."""

    data: list[OwnerUse]


class ReadingOut(api_v1.Output):
    """What was read; one that turned out wrong stays, and its successor names it in `corrects_id`."""

    id: Id
    source: Annotated[str, Meta(examples=["device"])]
    taken_at: Time
    state: str
    registers: dict[str, str]
    number: int | None
    event: str
    corrects_id: int | None
    note: str


class ReadingList(api_v1.Output):
    """A use's readings in the order of time."""

    data: list[ReadingOut]


class Correction(api_v1.Input):
    """What registers stood at really, and why."""

    note: Annotated[str, Meta(min_length=1, max_length=200, examples=["Two digits were swapped."])]
    registers: Registers = field(default_factory=dict)


class GiftOfCredit(api_v1.Input):
    """Credit for a member, by the address that they log in with."""

    email: Annotated[str, Meta(min_length=3, max_length=254, examples=["ben@example.org"])]
    amount: Amount
    note: Annotated[str, Meta(max_length=200, examples=["For the flat tyre."])] = ""


class CreditGiven(api_v1.Output):
    """What the member has with the owner now."""

    member_id: Id
    left: Amount


READ = ("id", "source", "taken_at", "state", "number", "event", "corrects_id", "note")


def reading(row: Any) -> ReadingOut:
    """Give a reading."""
    return ReadingOut(registers=dict(row.registers), **{name: getattr(row, name) for name in READ})
