"""Exact figures: time as whole microseconds, quantities as whole billionths, money as whole minor units; never a float."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

SECOND = 1_000_000
MINUTE, HOUR, DAY, WEEK = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND, 604_800 * SECOND
ONE = 10**9
"""One km, kWh or unit in billionths: meters and tariffs may have nine decimal places."""

UNITS = {
    "s": SECOND, "second": SECOND, "seconds": SECOND, "min": MINUTE, "minute": MINUTE, "minutes": MINUTE,
    "quarter": 15 * MINUTE, "quarters": 15 * MINUTE, "h": HOUR, "hour": HOUR, "hours": HOUR, "d": DAY, "day": DAY,
    "days": DAY, "week": WEEK, "weeks": WEEK,
}  # fmt: skip
"""What a duration may be written in; a day is 24 hours that passed, whatever the clocks did."""

PART = re.compile(r"(\d+(?:\.\d+)?)?\s*([a-z]+)")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def half_up(numerator: int, denominator: int) -> int:
    """Divide (denominator above zero) and round half away from zero: the only rounding of money in a bill."""
    if numerator < 0:
        return -half_up(-numerator, denominator)
    return (2 * numerator + denominator) // (2 * denominator)


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide and round up: how many steps were started."""
    return -(-numerator // denominator)


def billionths(value: Decimal) -> int:
    """Give a quantity in billionths; raises ValueError when it has more decimal places than nine or is no number."""
    if not value.is_finite():
        raise ValueError(f"{value} is not a number")
    top, bottom = value.as_integer_ratio()
    whole, rest = divmod(top * ONE, bottom)
    if rest:
        raise ValueError(f"{value} has more than nine decimal places")
    return whole


def plain(value: int, one: int) -> str:
    """Show `value / one` in decimal notation, without needless zeros; `one` is a power of ten."""
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), one)
    digits = str(rest).rjust(len(str(one)) - 1, "0").rstrip("0") if rest else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def seconds(micros: int) -> str:
    """Show a time as seconds."""
    return plain(micros, SECOND)


def instant(at: datetime) -> int:
    """Give an aware time as microseconds since 1970 in UTC; raises ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no zone")
    return (at - EPOCH) // TICK


def moment(micros: int) -> datetime:
    """Give back the UTC time of `instant`."""
    return EPOCH + timedelta(microseconds=micros)


def duration(text: str) -> int:
    """Read "15 min", "24 h", "1 h 30 min", "week" as microseconds; raises ValueError."""
    rest, total = text.strip(), 0
    if not rest:
        raise ValueError("is empty")
    while rest:
        found = PART.match(rest)
        if not found or found[2] not in UNITS:
            raise ValueError(f"{text!r} is no duration; write for instance '15 min', '24 h' or '1 h 30 min'")
        top, bottom = Decimal(found[1] or 1).as_integer_ratio()
        total += UNITS[found[2]] * top // bottom
        rest = rest[found.end() :].strip()
    return total
