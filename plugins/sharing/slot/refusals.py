"""Why a slot can't be had: a code for programs, a sentence for people, and what is free instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.api import Conflict, Refused
from plugins.sharing.slot.windows import Window


class Reason(StrEnum):
    """The reasons, the most hopeful first: with several units, the first that fits one of them is given."""

    HELD = "held"
    BUFFER = "buffer"
    ELSEWHERE = "elsewhere"
    TAKEN = "taken"
    BLOCKED = "blocked"
    REPAIR = "repair"
    OVERDUE = "overdue"
    NO_UNITS = "no_units"
    PAST = "past"
    NOTICE = "notice"
    TOO_FAR = "too_far"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    START_DAY = "start_day"
    CLOSED = "closed"
    QUOTA = "quota"
    NOT_CONFIRMED = "not_confirmed"
    TOO_NEW = "too_new"
    NOT_KNOWN = "not_known"
    PART = "part"
    INCOMPLETE = "incomplete"
    NO_PASS = "no_pass"  # noqa: S105 - a season ticket
    FOR_SALE = "for_sale"


@dataclass(frozen=True, slots=True)
class Why:
    """A reason with the facts that its sentence names."""

    reason: Reason
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """Give the code for programs."""
        return self.reason.value

    def __str__(self) -> str:
        """Give the sentence in the reader's language."""
        if self.facts.get("open"):  # closed at that hour of a day that has others
            return _("It is closed at that time: on %(date)s it is open %(open)s.") % self.facts
        return str(SENTENCES[self.reason]) % self.facts


SENTENCES = {
    Reason.HELD: _l("Somebody else is just booking this time. If they don't finish, it is free again."),
    Reason.BUFFER: _l("There is too little time before or after another booking."),
    Reason.ELSEWHERE: _l("It is booked on another site at this time."),
    Reason.TAKEN: _l("It is booked at this time."),
    Reason.BLOCKED: _l("The owner keeps it at this time."),
    Reason.REPAIR: _l("It is being repaired at this time."),
    Reason.OVERDUE: _l("It has not been brought back in time, so it is promised to nobody until it is back."),
    Reason.NO_UNITS: _l("None is offered at the moment."),
    Reason.PAST: _l("This time is already over."),
    Reason.NOTICE: _l("That is too soon: the owner needs %(length)s notice."),
    Reason.TOO_FAR: _l("That is too far ahead: it can be booked %(days)s days ahead."),
    Reason.TOO_SHORT: _l("That is too short: it can be had for %(length)s or longer."),
    Reason.TOO_LONG: _l("That is too long: it can be had for at most %(length)s."),
    Reason.START_DAY: _l("It can't be had from that day of the week on: choose %(days)s."),
    Reason.CLOSED: _l("It is closed then, on %(date)s."),
    Reason.NOT_CONFIRMED: _l("Only members whose e-mail address is confirmed can have it. Confirm yours first."),
    Reason.TOO_NEW: _l(
        "Only members who have finished %(least)s agreements here can have it. You have finished %(finished)s."
    ),
    Reason.NOT_KNOWN: _l("Only members who have finished an agreement with the owner before can have it."),
    Reason.PART: _l("“%(title)s”, which belongs to it, can't be had then: %(why)s"),
    Reason.INCOMPLETE: _l("Not everything that belongs to it can be had at the moment."),
    Reason.NO_PASS: _l("Only members with the pass of its pool can have it then."),
    Reason.FOR_SALE: _l("It is for sale, and not lent."),
    Reason.QUOTA: _l("You have reached the limit of %(count)s bookings in %(days)s days."),
}


class SlotTaken(Conflict):
    """The slot can't be had; `reason` says why, `alternatives` are the nearest free windows of the same length."""

    code = "slot_taken"

    def __init__(self, reason: Why, alternatives: Sequence[Window] = ()) -> None:
        """Keep the reason and what is free instead."""
        super().__init__(str(reason), field="starts_at", code=reason.code)
        self.reason = reason.reason
        self.why = reason
        self.alternatives = tuple(alternatives)
        self.members = {"alternatives": [_json(window) for window in self.alternatives]}


def _json(window: Window) -> dict[str, str]:
    """Write a window as the API does: RFC 3339 in UTC."""
    ends = {"starts_at": window.starts_at, "ends_at": window.ends_at}
    return {name: at.isoformat().replace("+00:00", "Z") for name, at in ends.items()}


class HoldExpired(Refused):
    """The hold lapsed, or was given up, before it was confirmed."""

    code = "hold_expired"

    def __init__(self) -> None:
        """Say so."""
        super().__init__(_("The time for which this slot was held is over. Please choose again."))
