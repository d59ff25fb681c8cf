"""Tells askers and those who answer how a request goes, in the words of `request_notices`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marketplace.api import Listing, notifications
from plugins.sharing.request.request_models import Request


def tell(user_ids: Sequence[int], kind: str, listing: Listing, row: Request, url: str = "", **facts: Any) -> None:
    """Tell members about a request; title and start are known facts. Nothing told says where anybody is."""
    params = {"title": listing.title, "start": row.starts_at, **facts}
    notifications.notify_many(user_ids, f"sharing.{kind}", params=params, url=url or path(listing))


def path(listing: Listing) -> str:
    """Give a request's address, also where no page is being made."""
    return f"/requests/{listing.id}-{listing.slug}"
