"""A use in words: its frozen terms and what its parties should do now."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _

from marketplace.api import Agreement, TermLine, TodoItem, display
from plugins.sharing.price.tariff_words import word


def term_lines(agreement: Agreement) -> Sequence[TermLine]:
    """Put a use's frozen terms into words."""
    terms = agreement.terms
    lines = [TermLine(_("What"), terms["unit"]), TermLine(_("Prices"), terms["tariff"])]
    if terms.get("plan"):
        lines.append(TermLine(_("Plan"), word(terms["plan"])))
    if terms.get("options"):
        lines.append(TermLine(_("Chosen besides"), ", ".join(word(name) for name in terms["options"])))
    if terms.get("limit_minor"):
        limit = display.money(terms["limit_minor"], terms["currency"], exact=True)
        lines.append(TermLine(_("Tell me when it reaches"), limit))
    return lines


def todo(agreement: Agreement, role: str) -> TodoItem | None:
    """Say what waits for this person, if anything."""
    if role != "member":
        return None
    here = f"/uses/{agreement.id}"
    if agreement.state == "unpaid" and agreement.terms.get("holder_id", agreement.member_id) != agreement.member_id:
        return TodoItem(_("Whoever pays for you has not paid the bill yet."), here, icon="credit-card", waits=True)
    texts = {
        "reserved": (_("Start your reservation, or let it lapse"), here, "timer", _("Start")),
        "running": (_("In use: end it when you are done"), here, "activity", _("Open the meter")),
        "paused": (_("Paused: go on, or end it"), here, "pause", _("Open the meter")),
        "unpaid": (_("Pay for what you used"), "/uses", "credit-card", _("Pay now")),
    }
    if agreement.state not in texts:
        return None
    text, url, sign, action = texts[agreement.state]
    return TodoItem(text, url, agreement.waits_until if agreement.state == "reserved" else None, sign, action)
