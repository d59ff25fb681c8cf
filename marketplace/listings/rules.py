"""Who may see, change and publish a listing."""

from __future__ import annotations

from typing import Any

from marketplace.access import is_operator, rule
from marketplace.listings.models import Listing


def is_owner(user: Any, listing: Listing) -> bool:
    """Tell whether `user` (or None, or a guest) is the member who made the listing."""
    return user is not None and user.is_authenticated and user.id == listing.owner_id


@rule("listing.see")
def _see(user: Any, listing: Listing) -> bool:
    """Drafts and removed listings are for their owner and operators, everything else is public."""
    return listing.state in ("published", "closed") or is_owner(user, listing) or is_operator(user)


@rule("listing.edit")
def _edit(user: Any, listing: Listing) -> bool:
    return is_owner(user, listing) and user.is_active and listing.state != "removed"


@rule("listing.publish")
def _publish(user: Any, listing: Listing) -> bool:
    return is_owner(user, listing) and user.is_active and listing.state != "removed"


@rule("listing.close")
def _close(user: Any, listing: Listing) -> bool:
    return is_owner(user, listing) or is_operator(user)


@rule("listing.remove")
def _remove(user: Any, _listing: Listing) -> bool:
    return is_operator(user)


@rule("listing.report")
def _report(user: Any, listing: Listing) -> bool:
    return listing.state in ("published", "closed") and not is_owner(user, listing)
