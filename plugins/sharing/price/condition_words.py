"""Under which conditions a price counts, in words: what is included, from when on, up to how much, in which hours."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import ngettext

from plugins.sharing.price.tariff_words import price, span, unit_word, word
from plugins.sharing.slot.months import weekdays
from plugins.sharing.tariffs.figures import DAY, HOUR, MINUTE, ONE, SECOND, WEEK, plain
from plugins.sharing.tariffs.model import Band, Cap, Component, Earned, Fee, Kind, Package, Rate, Terms, Window


def component(part: Component, terms: Terms) -> str:
    """Say a component's price with all its conditions."""
    currency, unit = terms.currency, _unit(part)
    blocks = [rate for rate in part.rates if rate.upto is not None]
    applies = not blocks or part.repeats is None or part.repeats > (blocks[-1].upto or 0)
    said = [_price(str(part.price), currency, unit)] if applies else []
    said += [_("while %(states)s", states=_names(part.states))] if part.states - {part.key} else []
    said += [_covers(part)] if part.covers else []
    said += (
        [_("per started %(time)s", time=length(part.step))] if part.timed and part.step not in (None, part.per) else []
    )
    if not part.timed and part.step:
        said.append(_("in steps of %(amount)s", amount=amount(part, part.step)))
    said += [_rate(part, rate, terms, unit) for rate in part.rates]
    if part.repeats is not None:
        said.append(_("anew every %(time)s", time=span_of(part.repeats)))
    said += _bounds(part)
    said += [_("if chosen")] if part.option else []
    return ", ".join(said)


def _unit(part: Component) -> str:
    """Give what one price is for: an hour, a night, a kWh; nothing for what is charged once."""
    if part.kind is Kind.FIXED:
        return ""
    if part.timed:
        return length(part.per)
    unit = {Kind.DAYS: _("day"), Kind.NIGHTS: _("night")}.get(part.kind) or unit_word(part.register)
    return unit if part.per == ONE else f"{plain(part.per, ONE)} {unit}"


def _price(minor: str, currency: str, unit: str) -> str:
    return f"{price(minor, currency)} / {unit}" if unit else price(minor, currency)


def _covers(part: Component) -> str:
    return _("covers %(time)s", time=span(Decimal(part.covers) / SECOND))


def _rate(part: Component, rate: Rate, terms: Terms, unit: str) -> str:
    """Say another price: the hours in which it counts, or how far a block goes."""
    cost = _price(str(rate.price), terms.currency, unit)
    if rate.upto is not None:
        return _("%(price)s up to %(amount)s", price=cost, amount=amount(part, rate.upto))
    known = next((one for one in terms.bands if one.key == rate.band), None)
    hours = f" ({band(known)})" if known is not None else ""
    return f"{word(rate.band)}{hours}: {price(str(rate.price), terms.currency)}"


def band(one: Band) -> str:
    """Say the days and hours of a band in the item's zone: sat, sun 22:00–07:00."""
    names = weekdays()
    days = ", ".join(names[day][0] for day in sorted(one.days)) if len(one.days) < 7 else ""
    whole = one.since == 0 and one.until == 24 * 60
    return " ".join(filter(None, (days, "" if whole else f"{_at(one.since)}–{_at(one.until)}")))


def _at(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


def _bounds(part: Component) -> list[str]:
    """Say what is included, the least and the most that is charged, and what a short use counts for."""
    said = []
    if part.free:
        said.append(_included(part))
    if part.limit is not None:
        most = amount(part, part.limit)
        if part.limit_window is not None:
            said.append(_("at most %(amount)s charged per %(time)s", amount=most, time=window(part.limit_window)))
        else:
            said.append(_("at most %(amount)s charged", amount=most))
    if part.short_under:
        under, counts = (span(Decimal(micros) / SECOND) for micros in (part.short_under, part.short_charged))
        said.append(_("under %(time)s charged as %(amount)s", time=under, amount=counts))
    if part.least:
        said.append(_("at least %(amount)s charged", amount=amount(part, part.least)))
    return said


def _included(part: Component) -> str:
    """Say what is included, and for how long it has to do."""
    if part.free is None:
        return ""
    free = amount(part, part.free.amount)
    if part.free.window is not None:
        return _("%(amount)s included per %(time)s", amount=free, time=window(part.free.window))
    if part.free.per == "period":
        return _("%(amount)s included per billing period", amount=free)
    if part.free.per == "charged":
        return _("%(amount)s included for each charged day", amount=free)
    return _("%(amount)s included", amount=free)


def package(one: Package) -> str:
    """Say what a package costs and covers."""
    covers = [span(Decimal(one.time) / SECOND)] if one.time else []
    covers += [f"{plain(measure, ONE)} {unit_word(name)}" for name, measure in one.quantities.items()]
    return ", ".join(covers)


def fee(one: Fee, currency: str) -> str:
    """Say a fee: its percentage of what, and its bounds."""
    said = [_("%(percent)s%% of %(what)s", percent=f"{one.percent:f}", what=_names(one.of))]
    said += [_("at least %(amount)s", amount=price(str(one.least), currency))] if one.least else []
    said += [_("at most %(amount)s", amount=price(str(one.most), currency))] if one.most is not None else []
    said += [_("if chosen")] if one.option else []
    return ", ".join(said)


def cap(one: Cap, terms: Terms) -> str:
    """Say the most that is charged in a stretch of time, and for what, where that is not everything."""
    each = window(one.window) if one.window else _("billing period")
    said = _("at most %(amount)s per %(time)s", amount=price(str(one.amount), terms.currency), time=each)
    if one.of < {part.key for part in terms.components}:
        said = _("%(most)s for %(what)s", most=said, what=_names(one.of))
    return said


def earned(one: Earned) -> str:
    """Say what an event brings."""
    return _("%(time)s free each time", time=span(Decimal(one.time) / SECOND))


def _names(keys: Iterable[str]) -> str:
    return ", ".join(word(key).lower() for key in sorted(keys))


def amount(part: Component, measure: int) -> str:
    """Write a measure of what a component counts: 1 h 30 min, 50 km, 7 nights."""
    if part.timed:
        return span(Decimal(measure) / SECOND)
    if part.kind is Kind.DAYS:
        return ngettext("%(num)s day", "%(num)s days", measure // ONE)
    if part.kind is Kind.NIGHTS:
        return ngettext("%(num)s night", "%(num)s nights", measure // ONE)
    return f"{plain(measure, ONE)} {unit_word(part.register)}".strip()


def length(micros: int | None) -> str:
    """Write what a price is counted in."""
    known = {MINUTE: _("minute"), 15 * MINUTE: _("quarter of an hour"), HOUR: _("hour"), DAY: _("day"), WEEK: _("week")}
    return known.get(micros or 0) or span(Decimal(micros or 0) / SECOND)


def window(one: Window) -> str:
    """Write a stretch of time that begins anew."""
    return _("calendar %(time)s", time=length(one.length)) if one.origin == "zone" else span_of(one.length)


def span_of(micros: int) -> str:
    """Write a stretch of time from a use's start: an hour, 24 h."""
    return _("%(n)d h", n=24) if micros == DAY else length(micros)
