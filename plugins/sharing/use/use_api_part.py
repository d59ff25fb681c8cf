"""What belongs to the whole API of paying by use: its scopes, and the names under which the document sorts its operations."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import api_v1

part = api_v1.ApiPart(
    "sharing_use_api",
    scopes={
        "uses:read": _l("See your uses and their bills"),
        "uses:write": _l("Reserve, start and end uses in your name"),
    },
)
PRICES, USES, DEVICES, ACCOUNT = "Prices", "Uses", "Devices", "Account for uses"
