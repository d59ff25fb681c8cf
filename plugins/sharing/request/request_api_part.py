"""What belongs to the whole API of requests and portions: its scopes, and what its operations have in common."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import InvalidInput, api_v1

part = api_v1.ApiPart(
    "sharing_ask_api",
    scopes={
        "asking:read": _l("See your requests, answers and orders of portions"),
        "asking:write": _l("Ask, answer, choose and order portions in your name"),
    },
)
REQUESTS, MEALS = "Requests", "Meals"
READ, WRITE = ("asking:read",), ("asking:write",)
FACTS = ("title", "category", "body_md", "place")
"""What is said of the listing, and can be said otherwise."""


def renamed(error: InvalidInput, fields: dict[str, str]) -> InvalidInput:
    """Give an error with the names that its fields have here."""
    return InvalidInput({fields.get(name, name): text for name, text in error.errors.items()})
