"""How the ways to pay by hand are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

LABELS: Mapping[str, Any] = {
    "bank_transfer": _l("Bank transfer"),
    "cash_desk": _l("Cash at our desk"),
    "cash_owner": _l("Cash to the other party"),
}
WAY_LABELS: Mapping[str, Any] = {
    "bank": _l("Bank account"),
    "desk": _l("Cash at the desk"),
    "owner": _l("Cash between members"),
}
RECEIPT_STATES: Mapping[str, tuple[Any, str]] = {
    "entered": (_l("Waits for a second operator"), "warm"),
    "confirmed": (_l("Booked"), "good"),
    "rejected": (_l("Set aside"), ""),
    "reversed": (_l("Reversed"), "bad"),
}
REQUEST_STATES: Mapping[str, tuple[Any, str]] = {
    "open": (_l("Waits for the payer"), "warm"),
    "paid": (_l("Paid"), "good"),
    "closed": (_l("Ended"), ""),
}
ORDER_STATES: Mapping[str, tuple[Any, str]] = {
    "waiting": (_l("To be sent"), "warm"),
    "exported": (_l("On a list"), "info"),
    "done": (_l("Sent"), "good"),
    "withdrawn": (_l("Withdrawn"), ""),
}
