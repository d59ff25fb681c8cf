"""What belongs to the plugin's whole API: its scopes, and the names under which the document sorts its operations."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import api_v1
from plugins.funding.arrival import note_arrival

part = api_v1.ApiPart(
    "funding_api",
    scopes={
        "pledges:read": _l("See your pledges"),
        "pledges:write": _l("Pledge in your name, and change your pledges"),
    },
)
part.blueprint.before_request(note_arrival)
CAMPAIGNS, REWARDS, PLEDGES = "Campaigns", "Rewards", "Pledges"
OWNER = ("listings:write",)
