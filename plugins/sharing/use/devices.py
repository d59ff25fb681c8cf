"""The meters, locks and board computers of an item's units: added with a secret that is shown once, and revoked."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import NotFound, User, clock, db, transaction
from plugins.sharing.item.item_models import Unit
from plugins.sharing.use import device_keys
from plugins.sharing.use.use_models import Device


def add(unit_id: int, user: User, name: str, silence_seconds: int | None = None) -> Device:
    """Add a device to a unit of an item that the caller was found to look after; its `secret` is to be shown once."""
    with transaction() as session:
        made = Device(
            unit_id=unit_id, name=name, secret=device_keys.new_secret(), silence_seconds=silence_seconds,
            created_at=clock.now(), created_by=user.id,
        )  # fmt: skip
        session.add(made)
        session.flush()
    return made


def made_by(user_id: int, listing_id: int, device_id: int) -> Device | None:
    """Give a device of this item to whoever added it, as long as it is not revoked."""
    return db.session.scalars(
        select(Device)
        .join(Unit, Unit.id == Device.unit_id)
        .where(
            Device.id == device_id, Unit.item_id == listing_id, Device.created_by == user_id, Device.revoked_at.is_(None)
        )
    ).one_or_none()  # fmt: skip


def revoke(listing_id: int, device_id: int) -> None:
    """Accept nothing more from a device of this item; done twice, it is one. Raises NotFound."""
    with transaction() as session:
        found = session.scalars(
            select(Device)
            .join(Unit, Unit.id == Device.unit_id)
            .where(Device.id == device_id, Unit.item_id == listing_id)
        ).one_or_none()
        if found is None:
            raise NotFound(_("There is no such device."))
        found.revoked_at = found.revoked_at or clock.now()
