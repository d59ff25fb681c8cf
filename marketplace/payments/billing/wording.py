"""How the kinds of bills are called."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

KINDS: dict[str, Any] = {
    "receipt": _l("Receipt"),
    "receipt_credit": _l("Credit note of a receipt"),
    "fee_invoice": _l("Fee invoice"),
    "fee_credit": _l("Credit note of a fee invoice"),
}


def kind_words(kind: str) -> Any:
    """Give the name of a kind of bill in the reader's language."""
    return KINDS[kind]


FEES: dict[str, Any] = {
    "platform fee": _l("Platform fee"),
    "the payment provider's fee": _l("Payment provider's fee"),
}
"""What is taken of a payment, as code names it -> as people read it; anything else is shown as it is."""


def fee_words(label: str) -> str:
    """Put the name of a fee into the reader's language."""
    return str(FEES.get(label, label))


def label_words(line: Any) -> str:
    """Give the text of a bill's line: with how many payments it stands for, where that is more than one."""
    count = int(line.get("count") or 0)
    if count < 2:
        return str(line["label"])
    counted = ngettext("%(num)s payment", "%(num)s payments", count)
    return f"{line['label']} ({counted})"
