"""How a debt is paid, as data: which strategies an agreement allows, and which methods serve them here and now.

*Save and charge*: the method is saved now and charged when the agreement says so. *Charge and refund*: the payer pays at
once, and gets the money back when the agreement fails. *Hold*: an amount is set aside on a saved card, taken later in
whole or in part, and renewed before the bank lets go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _

from marketplace import clock
from marketplace.errors import Refused
from marketplace.payments.abilities import Ability
from marketplace.payments.gateway import gateway, gateway_name
from marketplace.payments.models import Payment, SavedMethod
from marketplace.runtime import runtime
from marketplace.settings.service import get


class Strategy(StrEnum):
    """One way to pay a debt."""

    SAVE_AND_CHARGE = "save_and_charge"
    CHARGE_AND_REFUND = "charge_and_refund"
    HOLD = "hold"


SERVED_BY_SAVING = frozenset({Strategy.SAVE_AND_CHARGE, Strategy.HOLD})
"""Strategies that begin by saving a method."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind of method that a payer may choose, and what choosing it means."""

    kind: str
    name: Any
    icon: str
    strategy: Strategy
    slow: bool


def allowed(payment: Payment) -> tuple[Strategy, ...]:
    """Give the strategies that a payment's agreement allows, the preferred one first."""
    return tuple(Strategy(name) for name in payment.strategies.split(","))


def written(strategies: Iterable[Strategy | str]) -> str:
    """Write strategies the way a payment keeps them; raises ValueError for none, or an unknown one."""
    names = [Strategy(name) for name in dict.fromkeys(strategies)]
    if not names:
        raise ValueError("a payment needs at least one strategy")
    return ",".join(names)


def offered() -> list[Ability]:
    """Give the kinds of method that operators offer and the gateway knows, in the operators' order."""
    known = gateway().abilities()
    return [known[name] for name in listed(str(get("payments.methods"))) if name in known]


def listed(text: str) -> list[str]:
    """Give the names in a list with commas, each once, in their order."""
    return list(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def methods_fault(text: str) -> str | None:
    """Say which of the names that an operator typed the gateway does not know; None where there is no gateway to ask."""
    here = runtime().settings
    if not here.takes(gateway_name()):
        return None
    known = gateway().abilities()
    unknown = [name for name in listed(text) if name not in known]
    if not unknown:
        return None
    names = {"unknown": ", ".join(unknown), "known": ", ".join(known)}
    return str(_("Not known to the provider: %(unknown)s. It knows %(known)s.", **names))


def ability(kind: str) -> Ability | None:
    """Give what the gateway says that a kind of method can do; None for one that it does not know."""
    return gateway().abilities().get(kind)


def choices(payment: Payment) -> list[Choice]:
    """Give what a payer may choose for a payment: for each kind of method the first allowed strategy that it can serve."""
    return choices_for(allowed(payment), payment.currency)


def choices_for(strategies: Sequence[Strategy], currency: str) -> list[Choice]:
    """Give what can be chosen for a debt in this currency that may be paid by these strategies."""
    found = []
    for one in offered():
        if one.takes(currency):
            fits = next((strategy for strategy in strategies if _serves(one, strategy)), None)
            if fits is not None:
                found.append(Choice(one.kind, one.name, one.icon, fits, one.slow))
    return found


def _serves(one: Ability, strategy: Strategy) -> bool:
    match strategy:
        case Strategy.SAVE_AND_CHARGE:
            return one.reusable
        case Strategy.HOLD:
            return one.reusable and bool(one.holds)
        case Strategy.CHARGE_AND_REFUND:
            return one.pays_now


def for_saved(payment: Payment, method: SavedMethod) -> Strategy:
    """Give the strategy by which a saved method serves a payment; raises Refused (field "method") when by none."""
    return by_saved_kind(payment.strategies, payment.currency, method.kind)


def by_saved_kind(strategies: str, currency: str, kind: str) -> Strategy:
    """Give which of the strategies (as a payment keeps them) a saved method of this kind serves; raises like `for_saved`."""
    known = ability(kind)
    for name in strategies.split(","):
        strategy = Strategy(name)
        if strategy in SERVED_BY_SAVING and (known is None or (known.takes(currency) and _serves(known, strategy))):
            return strategy
    raise Refused(_("This can't be paid that way. Choose another way to pay."), field="method", code="method_unfit")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whether a method can hold an amount until a moment: at once (`lasts`), or by `renewals` new holds after the first."""

    covers: bool
    lasts: timedelta
    renewals: int


def hold_coverage(method: SavedMethod, until: datetime, *, renewed: bool = True) -> Coverage:
    """Tell beforehand whether a saved method can hold an amount until `until` (UTC), as far as its gateway publishes.

    A single hold that is too short is renewed unless `renewed` is false; a renewal is a new hold that the bank may refuse.
    A period that no hold should bridge (`payments.longest_hold_days`) is not covered: save the method and charge it instead.
    """
    known = ability(method.kind)
    lasts = known.holds_for(method.brand) if known else None
    if lasts is None:
        return Coverage(covers=False, lasts=timedelta(0), renewals=0)
    period = max(until - clock.now(), timedelta(0))
    usable = lasts - renewal_margin(lasts)
    renewals = 0 if period <= lasts else -(-(period - lasts) // usable)
    longest = timedelta(days=int(get("payments.longest_hold_days")))
    return Coverage(covers=period <= (max(longest, lasts) if renewed else lasts), lasts=lasts, renewals=renewals)


def renewal_margin(lasts: timedelta) -> timedelta:
    """Give how long before its end a hold is renewed: a day, but never more than a quarter of its time."""
    return min(timedelta(hours=int(get("payments.renew_hours"))), lasts / 4)
