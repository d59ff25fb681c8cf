"""How the states of payments, refunds and pay-outs read, to either side, and what a declined payer can do."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

STATES: dict[str, tuple[Any, str]] = {
    "method_needed": (_l("No way to pay chosen yet"), "warm"),
    "ready": (_l("Way to pay chosen, nothing paid yet"), "info"),
    "charging": (_l("The payment is under way"), "info"),
    "processing": (_l("Paid, the bank is at work"), "info"),
    "held": (_l("Amount held on the card"), "info"),
    "action_required": (_l("The bank asks for approval"), "warm"),
    "awaiting": (_l("Waits for a bank transfer or cash"), "warm"),
    "succeeded": (_l("Paid"), "good"),
    "declined": (_l("Declined by the bank"), "bad"),
    "cancelled": (_l("Cancelled"), ""),
}
"""State of a payment -> words and the tone of its badge: true for every way of paying, and for payer and payee alike."""

BY_KIND: dict[tuple[str, str], Any] = {
    ("ready", "card"): _l("Card saved, not charged yet"),
    ("charging", "card"): _l("Being charged"),
    ("awaiting", "bank_transfer"): _l("Waits for the bank transfer"),
    ("awaiting", "cash_desk"): _l("Waits for the cash"),
    ("awaiting", "cash_owner"): _l("Waits for the cash"),
}
"""State and kind of the chosen method -> words, where the way of paying has its own."""

WAITS_FOR_PAYER = ("method_needed", "declined", "action_required")
"""States in which a payment that is owed goes on only by its payer's hand."""

REFUND_STATES: dict[str, Any] = {
    "waiting": _l("being sent"),
    "sent": _l("on its way"),
    "succeeded": _l("returned"),
    "failed": _l("could not be returned; we look into it"),
}

PAYOUT_STATES: dict[str, tuple[Any, str]] = {
    "waiting_account": (_l("Waits for your account"), "warm"),
    "sending": (_l("On its way"), "info"),
    "paid": (_l("Sent"), "good"),
    "cancelled": (_l("Nothing left to send"), ""),
}


def state_words(
    state: str, refunded_minor: int = 0, amount_minor: int = 0, disputed_minor: int = 0, kind: str | None = None
) -> tuple[str, str]:
    """Give words and tone for a payment's state, its refunds and chargebacks (minor units) and kind of method considered."""
    if state == "succeeded" and disputed_minor:
        return _("Taken back by the bank"), "bad"
    if state == "succeeded" and refunded_minor:
        return (_("Refunded"), "") if refunded_minor >= amount_minor else (_("Partly refunded"), "")
    words, tone = STATES[state]
    return str(BY_KIND.get((state, kind or ""), words)), tone


def decline_words(code: str | None, kind: str | None = "card") -> str:
    """Tell a payer why the bank refused, as far as it helps; banks do not want a thief to learn that a card is reported.

    `kind` is that of the method: of what is no card, or not known, none is spoken of.
    """
    if kind != "card":
        if code == "insufficient_funds":
            return str(_("There was not enough money on the account. Top it up, or choose another way to pay."))
        return str(_("Choose another way to pay, or ask your bank."))
    words = {
        "insufficient_funds": _("There was not enough money on this card. Top it up or use another card."),
        "expired_card": _("This card has expired. Use another card."),
        "method_gone": _("This card can't be used any more. Use another card."),
        "processing_error": _("Something went wrong at the bank. We try again, or you can use another card."),
    }
    return str(words.get(code or "") or _("Your bank declined this card. Use another card, or ask your bank."))


def not_heard() -> str:
    """Tell a payer who comes back from the bank that its answer is not here: neither yes nor no."""
    return str(
        _(
            "Your bank's answer has not reached us yet. You need not do anything: we go on asking, and you hear how it ends."
        )
    )
