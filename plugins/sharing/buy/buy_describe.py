"""A purchase in words: its terms, what each side should do now, and its piece of the agreement's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace.api import Agreement, SlotFill, TermLine, TodoItem, agreements, clock, db, display, payments
from plugins.sharing.buy import buy_effects, buy_money, purchases
from plugins.sharing.buy.buy_models import Purchase
from plugins.sharing.loan import by_hand, one_price


def term_lines(agreement: Agreement) -> Sequence[TermLine]:
    """Put a purchase's frozen terms into words."""
    terms = agreement.terms
    lines = [TermLine(_("Price"), _money(terms, "price_minor"))]
    if terms["counted_minor"]:
        lines += [
            TermLine(_("Rent that counts"), counted_words(terms)),
            TermLine(_("To be paid"), _money(terms, "total_minor") if terms["total_minor"] else _("Nothing any more")),
        ]
    days = buy_effects.PICK_UP_WITHIN.days
    lines += [
        TermLine(_("Pick-up"), ngettext("Within %(num)s day", "Within %(num)s days", days)),
        TermLine(_("Cancelling"), _("Until it is handed over, with everything back.")),
    ]
    if terms["note"]:
        lines.append(TermLine(_("A word to the owner"), terms["note"]))
    return lines


def _money(terms: Any, name: str) -> str:
    return display.money(terms[name], terms["currency"], exact=True)


def counted_words(terms: Any) -> str:
    """Say what of the rent counts, and of how much."""
    return _(
        "%(counted)s of the %(rented)s that was paid in rent",
        counted=_money(terms, "counted_minor"),
        rented=_money(terms, "rented_minor"),
    )


def todo(agreement: Agreement, role: str) -> TodoItem | None:
    """Say what waits for this person, if anything."""
    side = db.session.get(Purchase, agreement.id)
    if side is None or role not in ("member", "owner"):
        return None
    here, due = f"/agreements/{agreement.id}", agreement.waits_until
    if role == "member" and agreement.state == "paying":
        path = buy_money.pay_path(side)
        if path is not None:
            return TodoItem(_("Pay to keep it"), path, due, "credit-card", _("Pay"))
    if agreement.state == "clearing" and (awaited := by_hand.todo(side, role, here, due)) is not None:
        return awaited
    if agreement.state == "agreed" and (missing := by_hand.missing(side, role, here)) is not None:
        return missing
    found = (_for_buyer if role == "member" else _for_owner)(agreement.state)
    if found is None:
        return None
    text, icon, waits = found
    return TodoItem(text, here, due, icon, waits=waits)


def _for_buyer(state: str) -> tuple[str, str, bool] | None:
    return {
        "requested": (_("The owner answers"), "hourglass", True),
        "paying": (_("Your card is being charged: look again in a moment"), "hourglass", True),
        "clearing": (_("Your bank is at work"), "hourglass", True),
        "agreed": (_("Pick it up"), "tag", False),
        "handed_over": (_("Look at it: is all well?"), "circle-check", False),
        "disputed": (_("The owner answers"), "hourglass", True),
        "contested": (_("An operator decides"), "hourglass", True),
    }.get(state)


def _for_owner(state: str) -> tuple[str, str, bool] | None:
    return {
        "requested": (_("Accept or decline the request"), "handshake", False),
        "paying": (_("The buyer pays"), "hourglass", True),
        "clearing": (_("The buyer’s bank is at work"), "hourglass", True),
        "agreed": (_("Hand it over"), "tag", False),
        "handed_over": (_("The buyer looks at it"), "hourglass", True),
        "disputed": (_("Take it back, or say how you see it"), "scale", False),
        "contested": (_("An operator decides"), "hourglass", True),
    }.get(state)


def objections(agreement: Agreement, transition: str, _actor: Any) -> list[str]:
    """Give the reasons why a move can't be made now."""
    costs = agreement.amount is not None and payments.payments_enabled()
    if transition == "accept" and costs:
        return [_("This is paid first.")]
    if transition == "accept_to_pay" and not costs:
        return [_("This needs no payment.")]
    if transition in ("hand_over", "have_it") and agreement.state == "agreed":
        why = one_price.money_is_missing(purchases.side_of(agreement))
        return [why] if why else []
    return []


def fills(agreement: Agreement, viewer: Any) -> list[SlotFill]:
    """Give the purchase's piece of the agreement's page; the address only once it is agreed."""
    side = db.session.get(Purchase, agreement.id)
    if side is None or viewer is None:
        return []
    role = str(agreements.actor_for(viewer, agreement).role)
    context = {
        "agreement": agreement, "side": side, "role": role,
        "pay_path": buy_money.pay_path(side) if role == "member" and agreement.state == "paying" else None,
        "agreed": agreement.phase in ("agreed", "active"),
        "later": side.begins_at if side.begins_at is not None and side.begins_at > clock.now() else None,
        "by_hand": agreement.amount if not payments.payments_enabled() else None,
    }  # fmt: skip
    return [SlotFill("sharing/_purchase.html", context, 10)]
