"""What a token may be allowed to do; plugins add scopes with their operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

OPERATOR = "operator:act"
"""Without it even an operator's token acts as that of an ordinary member."""

SCOPES: Mapping[str, Any] = {
    "profile:read": _l("See your profile and your e-mail address"),
    "profile:write": _l("Change your profile"),
    "listings:read": _l("See listings, also your drafts"),
    "listings:write": _l("Make, change, publish and close your listings"),
    "agreements:read": _l("See your agreements and their history"),
    "agreements:write": _l("Act on your agreements"),
    "payments:read": _l("See your payments and saved cards"),
    "payments:write": _l("Choose, add and remove cards"),
    "messages:read": _l("Read your messages"),
    "messages:write": _l("Write messages in your name"),
    "notifications:read": _l("Read your notifications"),
    "notifications:write": _l("Mark notifications as read"),
    OPERATOR: _l("Act as an operator"),
}
