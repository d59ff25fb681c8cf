"""How much a thing may cost, or be worth, where somebody lays that down: no more than can ever be paid."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from marketplace.api import display, payments


def too_much(minor: int | None, currency: str) -> str | None:
    """Say why nobody could be asked for so much (minor units), if so."""
    most = payments.most(currency)
    if minor is None or minor <= most.minor:
        return None
    return _("The most that can be paid at once is %(amount)s.", amount=display.money(most.minor, currency, exact=True))


def faults(of: Any, names: tuple[str, ...], currency: str) -> dict[str, str]:
    """Say it of each of these amounts of something, by their names."""
    return {name: said for name in names if (said := too_much(getattr(of, name), currency)) is not None}
