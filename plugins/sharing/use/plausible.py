"""Whether what somebody says a meter shows can be right: asked about before it becomes a bill, and never forbidden.

What devices read is not asked about: nobody is there to answer, and its owner corrects it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from flask_babel import gettext as _

from marketplace.api import InvalidInput, display
from plugins.sharing.price.tariff_words import unit_word
from plugins.sharing.use import metering, sessions
from plugins.sharing.use.use_models import UseSession

MOST_PER_HOUR = {"km": 150, "kwh": 50}
"""What is used by the minute hardly ever counts more than this in an hour, by register: a car on a motorway, a fast charger."""

AT_LEAST = timedelta(hours=1)
"""What took less time is looked at as if it had taken so long: a clock in a meter is not that exact."""

OVER_THE_LIMIT = 2
"""A meter that alone comes to more than so many times the limit that a member has set is asked about, whatever it counts."""


class Implausible(InvalidInput):
    """A figure that is hardly possible; said once more with `sure`, it counts."""

    code = "implausible"


def check(session: UseSession, stands: Mapping[str, str]) -> None:
    """Ask about figures of a use that were just noted, with what it would come to; raises Implausible at the register's name."""
    bill = sessions.running_total(session) if stands else None
    if bill is None or session.started_at is None:
        return
    amount = display.money(bill.total, session.currency, exact=True)
    took = max(metering.counted_until(session) - session.started_at, AT_LEAST)
    doubts = {}
    for name, used in _counted(session, stands).items():
        if name in MOST_PER_HOUR and used > MOST_PER_HOUR[name] * Decimal(took / timedelta(hours=1)):
            figure = f"{display.number(used)} {unit_word(name)}"
            doubts[name] = _(
                "That would be %(figure)s since the start, more than the time allows, and would cost %(amount)s.",
                figure=figure, amount=amount,
            )  # fmt: skip
    metered = sum(line.amount for line in bill.lines if "register" in line.facts)
    if not doubts and session.limit_minor is not None and metered > OVER_THE_LIMIT * session.limit_minor:
        limit = display.money(session.limit_minor, session.currency, exact=True)
        said = _("With this it would cost %(amount)s; you set a limit of %(limit)s.", amount=amount, limit=limit)
        doubts = dict.fromkeys(stands, said)
    if doubts:
        raise Implausible(doubts)


def _counted(session: UseSession, stands: Mapping[str, str]) -> dict[str, Decimal]:
    """Give how much each register has counted since it was first read in this use."""
    first: dict[str, str] = {}
    for row in metering.counted(metering.readings_of(session.agreement_id)):
        first = {**row.registers, **first}
    return {name: Decimal(value) - Decimal(first.get(name, value)) for name, value in stands.items()}
