"""The operations of the core's API, put together: each module below declares its own by being imported."""

from marketplace.api_v1 import (
    agreements,
    bills,
    listings,
    members,
    messages,
    notifications,
    payments,
    pictures,
    reviews,
)
from marketplace.api_v1.core_part import core as part

DECLARING = (members, listings, pictures, agreements, payments, bills, messages, notifications, reviews)
core = part.blueprint

__all__ = ["DECLARING", "core"]
