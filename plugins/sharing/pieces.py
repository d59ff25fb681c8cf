"""Which pieces sharing adds to the pages of the core: each is loaded when its page is first asked for."""

from __future__ import annotations

from typing import Any

from marketplace.api import Slot, SlotFill, late

FILLS: dict[str, Any] = {
    "order": late("plugins.sharing.meal.order_describe:fills"),
    "help": late("plugins.sharing.help.help_describe:fills"),
    "purchase": late("plugins.sharing.buy.buy_describe:fills"),
    "use": late("plugins.sharing.use.owing:fills"),
}
"""What a kind of agreement shows on its page."""

ASIDE: dict[str, Any] = {"item": late("plugins.sharing.buy.buy_reads:of_listing")}
"""What a kind of listing shows beside its price."""

PERSONAL: dict[str, Any] = {
    Slot.MEMBER_MAIN: late("plugins.sharing.help.help_reads:thanked"),
    Slot.ACCOUNT_MAIN: late("plugins.sharing.circle.circle_reads:fills"),
}
"""What is shown of a person: to everybody, and to oneself."""


def of(slot: str, subject: Any, viewer: Any) -> list[SlotFill]:
    """Give the pieces for a place on a page that is about a subject: an agreement, a listing, a member, or nothing."""
    if slot == Slot.OPERATOR_OVERVIEW:
        from plugins.sharing import operator_reads

        return operator_reads.fills()
    if slot in PERSONAL:
        found: list[SlotFill] = PERSONAL[slot](subject.id)
        return found
    if slot == Slot.LISTING_ASIDE:
        return ASIDE[subject.kind](subject, viewer) if subject.kind in ASIDE else []
    return _of_agreement(subject, viewer) if slot == Slot.AGREEMENT_MAIN else []


def _of_agreement(agreement: Any, viewer: Any) -> list[SlotFill]:
    if agreement.kind in FILLS:
        found: list[SlotFill] = FILLS[agreement.kind](agreement, viewer)
        return found
    return _of_loan(agreement, viewer) if agreement.kind == "loan" else []


def _of_loan(loan: Any, viewer: Any) -> list[SlotFill]:
    from plugins.sharing.buy import buy_reads
    from plugins.sharing.loan import loan_pages
    from plugins.sharing.request import request_fill

    found = (loan_pages.fill(loan, viewer), request_fill.fill(loan), buy_reads.of_loan(loan, viewer))
    return [fill for fill in found if fill is not None]
