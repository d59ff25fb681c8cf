"""The figure of a meter as a person types it, with a comma or a point."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation


def typed_figure(text: str) -> Decimal:
    """Read it; raises ValueError for what is no figure, and for 1e5: no meter shows that, so it may stand for anything."""
    plain = text.strip().replace(",", ".")
    if "e" in plain.lower():
        raise ValueError(text)
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise ValueError(text) from None
    if not value.is_finite():
        raise ValueError(text)
    return value
