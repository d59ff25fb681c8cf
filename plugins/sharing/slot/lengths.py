"""Lengths of time to choose from in forms, each in minutes and in words."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from wtforms.fields.choices import SelectChoice

from plugins.sharing.slot.rules import length_words

QUARTER, HOUR, DAY, WEEK = 15, 60, 1440, 10080

NOTICE = (0, HOUR, 3 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, WEEK)
SHORTEST = (1, QUARTER, HOUR, 2 * HOUR, 4 * HOUR, DAY, 2 * DAY, WEEK)
LONGEST = (HOUR, 4 * HOUR, DAY, 3 * DAY, WEEK, 2 * WEEK, 4 * WEEK, 12 * WEEK)
BUFFER = (0, QUARTER, 30, HOUR, 2 * HOUR, 12 * HOUR, DAY, 2 * DAY)
AHEAD_DAYS = (14, 30, 90, 180, 365)


def choices(minutes: Sequence[int], present: int | None, none: str | None = None) -> list[SelectChoice]:
    """Give the lengths as choices, with `present` among them where a program set another; `none` names the lack of a bound."""
    known = sorted({*minutes, *([present] if present is not None else [])})
    found = [SelectChoice(str(each), length_words(each) if each else _("None")) for each in known]
    return [*([SelectChoice("", none)] if none is not None else []), *found]


def days(present: int | None) -> list[SelectChoice]:
    """Give how far ahead one may book."""
    known = sorted({*AHEAD_DAYS, *([present] if present is not None else [])})
    return [SelectChoice("", _("No limit")), *(SelectChoice(str(each), length_words(each * DAY)) for each in known)]
