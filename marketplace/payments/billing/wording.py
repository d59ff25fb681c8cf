"""How the kinds of bills are called."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

KINDS: dict[str, Any] = {
    "receipt": _l("Receipt"),
    "receipt_credit": _l("Credit note of a receipt"),
    "fee_invoice": _l("Fee invoice"),
    "fee_credit": _l("Credit note of a fee invoice"),
}


def kind_words(kind: str) -> Any:
    """Give the name of a kind of bill in the reader's language."""
    return KINDS[kind]
