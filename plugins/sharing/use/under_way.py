"""Who pays beforehand can let it be until the bank is at work: from then on the payment decides."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from marketplace.api import Agreement, payments

AT_THE_BANK = ("charging", "processing", "succeeded")


def objections(agreement: Agreement, transition: str, _actor: Any) -> list[str]:
    """Object to giving up a plan, a pass or credit whose payment is being made, or was made."""
    if transition != "give_up":
        return []
    if any(payment.state in AT_THE_BANK for payment in payments.payments_of(agreement)):
        return [_("The payment is being made already.")]
    return []
