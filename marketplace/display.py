"""How amounts, dates, distances and ratings read in the language of the request; each is formatted once and kept."""

from __future__ import annotations

from datetime import UTC, datetime
from datetime import date as day_type
from decimal import Decimal
from functools import lru_cache
from typing import Any

from flask.globals import app_ctx
from flask_babel import get_locale, get_timezone, ngettext
from flask_babel import gettext as _
from markupsafe import Markup

from marketplace import clock
from marketplace.money import exponent

KEPT = 4096
NO_BREAK = "\u00a0"


def locale_code() -> str:
    """Give the request's locale as "nl" or "pt_BR"; reads what Flask-Babel already chose for this request.

    A page asks a hundred times, so this goes past Flask's proxies, which cost more than the answer.
    """
    kept = app_ctx._get_current_object().g.__dict__.get("_flask_babel")  # type: ignore[attr-defined]
    chosen = getattr(kept, "babel_locale", None) or get_locale()
    if chosen is None:
        return "en"
    return str(chosen.language if chosen.territory is None else chosen)


def format_locale() -> str:
    """Give the locale that figures and dates are written in; English here is that of Europe: 21 Nov 2026, 22:57."""
    code = locale_code()
    return "en_GB" if code == "en" else code


@lru_cache(KEPT)
def format_money(minor: int, currency: str, locale: str, *, exact: bool = False) -> str:
    """Write an amount of minor units; whole amounts lose their zeros unless `exact` (bills line up their cents)."""
    from babel.numbers import format_currency  # number patterns are loaded only when the first amount is shown

    value = Decimal(minor).scaleb(-exponent(currency))
    if exact or value != value.to_integral_value():
        return str(format_currency(value, currency, locale=locale))
    from babel import Locale  # as above

    pattern = Locale.parse(locale).currency_formats["standard"].pattern.replace(".00", "")
    return str(format_currency(value, currency, pattern, locale=locale, currency_digits=False))


def money(minor: int, currency: str, *, exact: bool = False) -> str:
    """Write an amount in minor units of `currency` for the request's language: € 18, € 18,50."""
    return format_money(minor, currency, format_locale(), exact=exact)


def typed_amount(minor: int, currency: str) -> str:
    """Write an amount in minor units of `currency` as the request's language types it into a field: 25, 18,50."""
    from babel.numbers import get_decimal_symbol  # as above

    value = Decimal(minor).scaleb(-exponent(currency))
    if value == value.to_integral_value():
        return str(int(value))
    return str(value).replace(".", get_decimal_symbol(format_locale()))


@lru_cache(KEPT)
def _format_when(value: datetime | day_type, kind: str, length: str, locale: str, zone: str) -> str:
    from babel.dates import format_date, format_time, get_timezone  # loaded with the first date

    if isinstance(value, datetime):
        value = value.astimezone(get_timezone(zone))
    if kind == "date":
        return str(format_date(value, length, locale=locale))
    if not isinstance(value, datetime):
        raise TypeError(f"a day has no time: {value!r}")
    return str(format_time(value, length, locale=locale))


def _when(value: datetime | day_type | None, kind: str, length: str) -> str:
    if value is None:
        return ""
    return _format_when(value, kind, length, format_locale(), str(get_timezone()))


def date(value: datetime | day_type | None, length: str = "long") -> str:
    """Write the day of a UTC instant in the site's zone: 11 December 2026."""
    return _when(value, "date", length)


def datetime_text(value: datetime | None, length: str = "medium") -> str:
    """Write a UTC instant in the site's zone, without seconds: 11 Dec 2026, 14:05."""
    if value is None:
        return ""
    return f"{_when(value, 'date', length)}, {_when(value, 'time', 'short')}"


def relative(value: datetime | None) -> str:
    """Write how long ago, or how far ahead, a UTC instant is: 3 days ago, in 2 hours."""
    if value is None:
        return ""
    from babel.dates import format_timedelta  # loaded with the first relative time

    return str(format_timedelta(value - clock.now(), add_direction=True, locale=format_locale(), threshold=0.9))


def time_tag(value: datetime | None, style: str = "datetime") -> Markup:
    """Write a UTC instant as a <time> element; `style` is "date", "datetime" or "relative" (with the instant as title)."""
    if value is None:
        return Markup("")
    stamp = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = {"date": date, "datetime": datetime_text, "relative": relative}[style](value)
    if style != "relative":
        return Markup('<time datetime="{}">{}</time>').format(stamp, text)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, datetime_text(value), text)


def days_left(until: datetime | None) -> str:
    """Write how much time is left before a UTC instant, in the largest whole unit: 11 days left, 3 hours left."""
    if until is None:
        return ""
    seconds = int((until - clock.now()).total_seconds())
    if seconds <= 0:
        return str(_("Ended"))
    if seconds >= 86400:
        return str(ngettext("%(num)s day left", "%(num)s days left", seconds // 86400))
    if seconds >= 3600:
        return str(ngettext("%(num)s hour left", "%(num)s hours left", seconds // 3600))
    return str(ngettext("%(num)s minute left", "%(num)s minutes left", max(1, seconds // 60)))


@lru_cache(KEPT)
def _format_number(value: int | Decimal | float, places: int | None, locale: str) -> str:
    from babel.numbers import format_decimal  # loaded with the first figure

    pattern = None if places is None else "#,##0" + ("." + "0" * places if places else "")
    return str(format_decimal(value, pattern, locale=locale))


def number(value: int | Decimal | float | None, places: int | None = None) -> str:
    """Write a figure with the language's separators: 1,204; 4.9 with `places=1`."""
    return "" if value is None else _format_number(value, places, format_locale())


def distance(metres: float | None) -> str:
    """Write a distance in metres the way people say it: 450 m, 1.4 km, 12 km."""
    if metres is None:
        return ""
    if metres < 1000:
        return f"{max(50, round(metres / 50) * 50)}{NO_BREAK}m" if metres < 975 else f"1{NO_BREAK}km"
    if metres < 9950:
        return f"{number(round(metres / 1000, 1))}{NO_BREAK}km"
    return f"{number(round(metres / 1000))}{NO_BREAK}km"


def price_units() -> dict[str, str]:
    """Give the words after a price in the request's language, by `price_unit`."""
    return {
        "hour": _("per hour"),
        "day": _("per day"),
        "week": _("per week"),
        "month": _("per month"),
        "piece": _("each"),
        "once": "",
    }


def initials(name: str | None) -> str:
    """Give at most two letters for a picture that isn't there: Fenna de Wit is FW."""
    words = [word for word in (name or "").split() if word[0].isalnum()]
    capital = [word for word in words if word[0].isupper()] or words
    letters = capital[0][0] + (capital[-1][0] if len(capital) > 1 else "") if capital else "?"
    return letters.upper()


def filesize(count: int) -> str:
    """Write a number of bytes: 820 kB, 12 MB."""
    if count < 1_000_000:
        return f"{number(max(1, round(count / 1000)))}{NO_BREAK}kB"
    return f"{number(round(count / 1_000_000, 1))}{NO_BREAK}MB"


LANGUAGES = {"de": "Deutsch", "en": "English", "es": "Español", "fr": "Français", "nl": "Nederlands"}


def language_name(code: str) -> str:
    """Give a language's own name; the common ones without loading that language's data."""
    if code in LANGUAGES:
        return LANGUAGES[code]
    from babel import Locale  # only for languages that are not in the list

    return str(Locale.parse(code).get_display_name(code)).capitalize()


def currency_sign(currency: str) -> str:
    """Give the short sign of an ISO 4217 currency as the request's language writes it: €."""
    from babel.numbers import get_currency_symbol  # loaded with the first money field

    return str(get_currency_symbol(currency, locale=format_locale()))


def attributes(values: dict[str, Any]) -> Markup:
    """Write HTML attributes; None and False are left out, True stands alone, `_` in a name becomes `-`."""
    parts = []
    for name, value in values.items():
        if value is None or value is False:
            continue
        written = name.rstrip("_").replace("_", "-")
        parts.append(Markup(" {}").format(written) if value is True else Markup(' {}="{}"').format(written, value))
    return Markup("").join(parts)


FILTERS = {
    "date": date,
    "datetime": datetime_text,
    "relative": relative,
    "distance": distance,
    "number": number,
    "initials": initials,
    "filesize": filesize,
    "language_name": language_name,
    "currency_sign": currency_sign,
}
