"""What is wrong with a tariff's document or its readings, in the reader's language.

The engine knows no languages: it says what is wrong in English. Here each of its sentences stands once, with names for what
varies, is looked for, and given in translation; a test compares this list with the engine's own text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache

from flask_babel import gettext as _

from marketplace.api import display


def N_(text: str) -> str:  # noqa: N802 - the name by which texts are collected for translators
    """Mark a text that is translated when it is shown."""
    return text


FELL = N_("register %(name)s fell from %(before)s to %(value)s at %(at)s")

TEXTS = (
    N_("is no TOML: %(why)s"),
    N_("is no JSON: %(why)s"),
    N_("must be a table"),
    N_("must be a list of tables"),
    N_("is missing"),
    N_("is missing: the component whose charged amount decides"),
    N_("is missing: the component whose charged amount counts"),
    N_("is missing: how long a short use is charged for"),
    N_("is missing: the components whose time is covered"),
    N_("is no field of this table; did you mean %(close)s?"),
    N_("is no field of this table"),
    N_("has more than %(most)s entries"),
    N_("a tariff needs at least one"),
    N_("%(value)s is no ISO 4217 code such as EUR"),
    N_("a package covers a time or quantities"),
    N_("a package with a time says of which components, and only then"),
    N_("must be more than zero"),
    N_("give either percent or tiers"),
    N_("needs tiers"),
    N_("each at_least must be more than the one before"),
    N_("is less than least"),
    N_("must be a minute or longer"),
    N_("counted in the item's zone must be an hour, a day or a week"),
    N_("give either band or upto"),
    N_("a component has either blocks (upto) or bands, not both"),
    N_("each upto must be more than the one before"),
    N_("needs blocks, and is at least as long as they are together"),
    N_("two rates have the same key"),
    N_("two rates have the same band"),
    N_("two bands have the same key"),
    N_("two plans have the same key"),
    N_("%(key)s is no state of this tariff"),
    N_("%(key)s is no band of this tariff"),
    N_("%(key)s is no component of kind time of this tariff"),
    N_("%(key)s is no component of kind quantity of this tariff"),
    N_("%(key)s is no component, package or earlier fee of this tariff"),
    N_("%(key)s is no component, package or fee of this tariff"),
    N_("%(key)s is no component of this tariff"),
    N_("%(key)s is taken by another part of the bill"),
    N_("%(key)s must be a component that stands before this one"),
    N_("is no state with a price; leave it out of states"),
    N_("%(number)s combinations are more than %(most)s; lower at_most"),
    N_("with a maximum, an added tax is of everything, also %(rest)s"),
    N_("must name all of %(key)s, or nothing of it"),
    N_("%(key)s is longer; list caps from the shortest to the longest"),
    N_("says %(said)s, the tariff gives %(given)s"),
    N_("%(value)s is finer than the currency's smallest coin"),
    N_("%(value)s is more than a million times finer than the currency's smallest coin"),
    N_("%(value)s is not a number (give it as text when it comes from a program)"),
    N_("%(value)s is not a number"),
    N_("%(value)s must lie between 0 and %(most)s"),
    N_("%(value)s is more than 100 per cent"),
    N_("%(value)s is not a whole number"),
    N_("%(value)s has more than nine decimal places"),
    N_("%(value)s has no zone"),
    N_("is empty"),
    N_("%(value)s is no duration; write for instance '15 min', '24 h' or '1 h 30 min'"),
    N_("must be a text of 1 to 200 characters"),
    N_("%(value)s is no key: small letters, digits and hyphens, beginning with a letter"),
    N_("must be a list of keys"),
    N_("must name at least one key, and each only once"),
    N_("must be true or false"),
    N_("%(value)s is no time of the day such as 07:30"),
    N_('must be a list of times such as ["driving 30 min", "parked 1 h"]'),
    N_("is the clock of the item's zone, without an offset"),
    N_('must be a list of pairs such as ["distance", "12.00"]'),
    N_("state %(state)s has no price in this tariff, only %(known)s"),
    N_("plan %(plan)s is not in this tariff"),
    N_("option %(option)s is not in this tariff"),
    N_("what was used before of %(name)s must be a Decimal of zero or more, not %(value)s"),
    N_("%(name)s is no time zone of the IANA database"),
    N_("a use needs at least one reading: without use there is no charge"),
    N_("two different readings at %(at)s"),
    FELL,
    N_("register %(name)s at %(at)s must be a Decimal, not %(value)s"),
    N_("register %(name)s at %(at)s: %(why)s"),
    N_("reading %(number)s at %(at)s comes after %(other)s"),
    N_("a planned use takes some time, %(state)s takes %(lasts)s"),
    N_("%(value)s is none of %(known)s"),
    N_("must be %(value)s"),
)
"""The engine's sentences, the more telling before those that would also fit."""

NO_LINE = "no such line"
FIGURES = ("before", "value")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((_pattern(text), text) for text in TEXTS)


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", text)
    written = (f"(?P<{part}>.+?)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return re.compile("".join(written), re.DOTALL)


def for_people(message: str) -> str:
    """Give the engine's sentence as a page shows it: moments by the site's clock, figures as the reader writes them.

    That a register fell, which is what people get wrong, is said of their meter.
    """
    fell = _pattern(FELL).fullmatch(message)
    if fell:
        from plugins.sharing.price.tariff_words import unit_word  # which puts these sentences into words of its own

        facts = {name: _as_people_write(name, value) for name, value in fell.groupdict().items()}
        unit = unit_word(facts.pop("name").strip("'"))
        return _("The meter (%(unit)s) ran back, from %(before)s to %(value)s at %(at)s.", unit=unit, **facts)
    return translated(message, _as_people_write)


def _as_people_write(name: str, value: str) -> str:
    try:
        if name == "at":
            return display.datetime_text(datetime.fromisoformat(value))
        if name not in FIGURES:
            return value
        figure = Decimal(value)
        return display.number(figure, max(0, -int(figure.as_tuple().exponent)))
    except (ValueError, InvalidOperation):
        return value


def translated(message: str, written: Callable[[str, str], str] = lambda _name, value: value) -> str:
    """Give the engine's sentence in the reader's language; one that is not in the list stays as it is.

    Moments and figures stay as the engine writes them, which is for programs, unless `written` says otherwise.
    """
    for pattern, text in _patterns():
        found = pattern.fullmatch(message)
        if found:
            facts = {
                name: _("no such line") if value == NO_LINE else written(name, value)
                for name, value in found.groupdict().items()
            }
            return str(_(text, **facts)) if facts else str(_(text))
    return message
