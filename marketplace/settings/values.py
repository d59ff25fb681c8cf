"""The types of settings: reading what was typed, checking it, and keeping it as JSON."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext as _

from marketplace.hooks.types import SettingSpec
from marketplace.money import Money, NotAnAmount, parse_amount

LONGEST_TEXT = 2000
TRUE = frozenset({"1", "on", "y", "yes", "true"})


class NotAValue(ValueError):
    """A value does not fit its setting; the text may be shown beside the field."""


def checked(spec: SettingSpec, value: Any, currency: str) -> Any:
    """Give the value in its setting's type (bool, int, Decimal, str, or Money of `currency`); raises NotAValue."""
    typed = CHECKS[spec.type](value, currency)
    if spec.type in ("int", "decimal", "money"):
        _within(spec, typed)
    return typed


def _bool(value: Any, _currency: str) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in TRUE
    if not isinstance(value, bool):
        raise NotAValue(_("Say yes or no."))
    return value


def _int(value: Any, _currency: str) -> int:
    if isinstance(value, bool | float):
        raise NotAValue(_("This is not a whole number."))
    try:
        return int(str(value).strip())
    except ValueError:
        raise NotAValue(_("This is not a whole number.")) from None


def _decimal(value: Any, _currency: str) -> Decimal:
    try:
        number = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        raise NotAValue(_("This is not a number.")) from None
    if isinstance(value, bool | float) or not number.is_finite():
        raise NotAValue(_("This is not a number."))
    return number


def _str(value: Any, _currency: str) -> str:
    text = str(value).strip()
    if len(text) > LONGEST_TEXT:
        raise NotAValue(_("This is too long; at most %(count)s characters fit.", count=LONGEST_TEXT))
    return text


def _money(value: Any, currency: str) -> Money:
    """Take Money, whole minor units, or an amount as people type it."""
    if isinstance(value, Money):
        if value.currency != currency:
            raise NotAValue(_("The amount must be in %(currency)s.", currency=currency))
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Money(value, currency)
    try:
        return parse_amount(str(value), currency)
    except NotAnAmount:
        raise NotAValue(_("This is not an amount. Write it like 25 or 25,50.")) from None


CHECKS = {"bool": _bool, "int": _int, "decimal": _decimal, "str": _str, "money": _money}


def _within(spec: SettingSpec, typed: Any) -> None:
    value = _number(typed)
    if spec.minimum is not None and value < _number(spec.minimum):
        raise NotAValue(_("The least value is %(limit)s.", limit=_shown(spec.minimum, typed)))
    if spec.maximum is not None and value > _number(spec.maximum):
        raise NotAValue(_("The highest value is %(limit)s.", limit=_shown(spec.maximum, typed)))


def _number(value: Any) -> Any:
    return value.minor if isinstance(value, Money) else value


def _shown(bound: Any, typed: Any) -> str:
    if isinstance(typed, Money) and isinstance(bound, int):
        bound = Money(bound, typed.currency)
    return str(bound.decimal()) if isinstance(bound, Money) else str(bound)


def to_json(typed: Any) -> Any:
    """Give the JSON-ready form of a typed value."""
    if isinstance(typed, Money):
        return typed.minor
    return str(typed) if isinstance(typed, Decimal) else typed


def to_text(typed: Any) -> str:
    """Give the text that a form field shows."""
    if isinstance(typed, Money):
        return str(typed.decimal())
    return str(typed)
