"""Telling plugins what members look at and search for; costs nothing while no plugin listens."""

from __future__ import annotations

from typing import Any

from marketplace.database import transaction
from marketplace.runtime import announce, runtime


def member_acted(viewer: Any, verb: str, subject: Any) -> None:
    """Announce that a logged-in member "looked" at a listing or "searched" for a text; guests are nobody's business."""
    if viewer.is_authenticated and runtime().hooks.implementations("member_acted"):
        with transaction():
            announce("member_acted", viewer=viewer, verb=verb, subject=subject)
