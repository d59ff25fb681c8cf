"""The facts of a notification or mail: kept as JSON, shown in the language of the one who reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from marketplace import display
from marketplace.money import Money

MONEY, INSTANT, DAY = "$money", "$instant", "$day"


def encode(value: Any) -> Any:
    """Turn facts into JSON-ready data; amounts (`Money`), UTC instants and days keep their meaning."""
    if isinstance(value, Mapping):
        return {str(name): encode(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [encode(part) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return _marked(value)


def _marked(value: Any) -> Any:
    if isinstance(value, Money):
        return {MONEY: [value.minor, value.currency]}
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        return {INSTANT: value.isoformat()}
    if isinstance(value, date):
        return {DAY: value.isoformat()}
    return str(value)


def readable(value: Any) -> Any:
    """Turn encoded facts into what a reader of the present language sees: amounts and times become text."""
    if isinstance(value, list):
        return [readable(part) for part in value]
    if not isinstance(value, dict):
        return value
    if MONEY in value:
        return display.money(*value[MONEY])
    if INSTANT in value:
        return display.datetime_text(datetime.fromisoformat(value[INSTANT]))
    if DAY in value:
        return display.date(date.fromisoformat(value[DAY]))
    return {name: readable(part) for name, part in value.items()}
