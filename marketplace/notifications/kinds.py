"""How notifications read, and the headings under which a member chooses which of them come by mail."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import NotificationKind
from marketplace.notifications.facts import readable
from marketplace.runtime import runtime

GROUPS: dict[str, tuple[Any, Any]] = {
    "messages": (_l("Messages"), _l("Somebody writes to you. One mail per conversation until you have read it.")),
    "agreements": (_l("My agreements"), _l("Something you agreed on moves, or waits for you.")),
    "listings": (_l("What I share"), _l("News about your own listings and projects.")),
    "payments": (
        _l("Payments"),
        _l("Receipts and pay-outs. What needs you to keep your money safe always comes by mail."),
    ),
    "community": (_l("Community"), _l("Updates from projects you support, and news of this place.")),
}
"""Group -> its label and what it holds, in the order shown."""


MESSAGE = "messages.received"
"""Told in the list too, and counted as a conversation, so not counted twice."""


class _Facts(dict[str, Any]):
    """Facts that leave a gap instead of an error: an old row may lack what a newer text names."""

    def __missing__(self, name: str) -> str:
        return "…"


def sentence(kind: str, params: dict[str, Any]) -> str:
    """Put a notification into words in the present language; plain text."""
    known = runtime().registry.notifications.get(kind)
    if known is None:
        return str(_("Something happened in a part of this site that is switched off at the moment."))
    return str(known.text) % _Facts(readable(params))


def icon_of(kind: str) -> str:
    """Give the icon of a notification."""
    known = runtime().registry.notifications.get(kind)
    return known.icon if known else "bell"


def group_of(kind: str) -> str | None:
    """Give the group whose choice decides about mail, or None when this kind is always mailed or unknown."""
    known: NotificationKind | None = runtime().registry.notifications.get(kind)
    return None if known is None or known.required else known.group
