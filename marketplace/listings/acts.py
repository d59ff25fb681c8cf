"""Telling plugins what members look at and search for; costs nothing while no plugin listens."""

from __future__ import annotations

from typing import Any

from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.runtime import announce, runtime


def heard(viewer: Any) -> bool:
    """Tell whether anybody wants to know; what guests do is nobody's business."""
    return bool(viewer.is_authenticated and runtime().hooks.implementations("member_acted"))


def member_acted(viewer: Any, verb: str, subject: Any) -> None:
    """Announce that a logged-in member "looked" at a listing or "searched" for a text."""
    if heard(viewer):
        with transaction():
            announce("member_acted", viewer=viewer, verb=verb, subject=subject)


def looked_at(viewer: Any, listing_id: int) -> None:
    """Announce that a listing's own page was shown; for pages that don't load the listing themselves."""
    if heard(viewer):
        member_acted(viewer, "looked", db.session.get(Listing, listing_id))
