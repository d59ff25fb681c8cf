"""What a loan that came of a request shows of it on the agreement's page."""

from __future__ import annotations

from typing import Any

from marketplace.api import SlotFill
from plugins.sharing.request import request_answers


def fill(agreement: Any) -> SlotFill | None:
    """Give the piece, with the addresses only while the loan is agreed or runs; None where no request was asked."""
    found = request_answers.of_loan(agreement.id)
    if found is None:
        return None
    return SlotFill(
        "sharing/_request_of_loan.html", {"asked": found, "agreed": agreement.phase in ("agreed", "active")}, 30
    )
