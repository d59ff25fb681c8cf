"""What belongs to the whole API of circles: its scopes, and the name under which the document sorts its operations."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import api_v1

part = api_v1.ApiPart(
    "sharing_circle_api",
    scopes={
        "circles:read": _l("See the calendars of your circles"),
        "circles:write": _l("Plan and sign up in your circles in your name"),
        "circles:people": _l("Start circles, invite people, join and leave in your name"),
    },
)
CIRCLES = "Circles"
READ, WRITE, PEOPLE = ("circles:read",), ("circles:write",), ("circles:people",)
