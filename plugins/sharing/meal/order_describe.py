"""An order in words: its terms, what each side should do now, and why a move is not possible yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _

from marketplace.api import Agreement, SlotFill, TermLine, TodoItem, agreements, clock, db, display
from plugins.sharing.loan import by_hand, one_price
from plugins.sharing.meal import meals, order_money, orders
from plugins.sharing.meal.meal_models import Meal, Order

NOT_THERE_AFTER = timedelta(minutes=30)
"""How long one waits for the cook before saying that nobody was there."""


def term_lines(agreement: Agreement) -> Sequence[TermLine]:
    """Put an order's frozen terms into words."""
    terms = agreement.terms
    return [
        TermLine(_("Portions"), display.number(terms["count"])),
        TermLine(_("Pick-up"), _("%(start)s until %(until)s", start=_at(agreement, "pickup_from"),
                                 until=_at(agreement, "pickup_until"))),
        TermLine(_("Price"), _price(terms)),
        TermLine(_("Allergens"), allergens(terms["allergens"])),
        TermLine(_("Cancelling"), _("Free until %(moment)s, not afterwards.", moment=_at(agreement, "order_by"))),
    ]  # fmt: skip


def _at(agreement: Agreement, name: str) -> str:
    return display.datetime_text(orders.moment(agreement, name))


def _price(terms: Any) -> str:
    if not terms["price_minor"]:
        return _("Free")
    each = display.money(terms["price_minor"], terms["currency"], exact=True)
    return f"{terms['count']} × {each}"


def allergens(keys: Sequence[str]) -> str:
    """Name allergens, or say that the cook named none."""
    return ", ".join(str(meals.NAMES[key]) for key in keys if key in meals.NAMES) or _(
        "None of those that must be named"
    )


def todo(agreement: Agreement, role: str) -> TodoItem | None:
    """Say what waits for this person, if anything."""
    order, here = db.session.get(Order, agreement.id), f"/agreements/{agreement.id}"
    if order is None or role not in ("member", "owner"):
        return None
    if role == "member" and agreement.state == "ordered":
        path = order_money.pay_path(order)
        if path is None:
            text = _("Your card is being charged: look again in a moment")
            return TodoItem(text, here, agreement.waits_until, "hourglass", waits=True)
        return TodoItem(_("Pay to keep your portions"), path, agreement.waits_until, "credit-card", _("Pay"))
    if agreement.state == "clearing":
        awaited = by_hand.todo(order, role, here, agreement.waits_until)
        if awaited is None:
            text = _("Your bank is at work") if role == "member" else _("The bank is at work")
            awaited = TodoItem(text, here, agreement.waits_until, "hourglass", waits=True)
        return awaited
    if agreement.state == "agreed":
        due = orders.moment(agreement, "pickup_until" if role == "member" else "pickup_from")
        text = _("Pick it up") if role == "member" else _("Have it ready")
        return by_hand.missing(order, role, here) or TodoItem(text, here, due, "cooking-pot")
    return None


def objections(agreement: Agreement, transition: str, actor: Any) -> list[str]:
    """Give the reasons why a move can't be made now."""
    now, why = clock.now(), None
    if transition == "cancel" and agreement.state == "agreed" and now >= orders.moment(agreement, "order_by"):
        why = _("It is being cooked: orders could be cancelled until %(moment)s.", moment=_at(agreement, "order_by"))
    elif transition == "no_show" and now < orders.moment(agreement, "pickup_until"):
        why = _("It can still be picked up.")
    elif transition == "not_there" and now < orders.moment(agreement, "pickup_from") + NOT_THERE_AFTER:
        why = _("Wait half an hour after the pick-up begins.")
    elif transition == "pick_up" and now < orders.moment(agreement, "pickup_from") - timedelta(hours=1):
        why = _("It can't be picked up yet.")
    elif transition == "pick_up":
        why = one_price.money_is_missing(db.session.get_one(Order, agreement.id))
    return [why] if why else []


def fills(agreement: Agreement, viewer: Any) -> list[SlotFill]:
    """Give the order's piece of the agreement's page; the address only once it is agreed."""
    order = db.session.get(Order, agreement.id)
    if order is None or viewer is None:
        return []
    meal = db.session.get_one(Meal, order.meal_id)
    role = str(agreements.actor_for(viewer, agreement).role)
    context = {
        "agreement": agreement, "order": order, "meal": meal, "role": role,
        "pay_path": order_money.pay_path(order) if role == "member" and agreement.state == "ordered" else None,
        "agreed": agreement.phase in ("agreed", "active"), "allergens": allergens(meal.allergens),
    }  # fmt: skip
    return [SlotFill("sharing/_order.html", context, 10)]
