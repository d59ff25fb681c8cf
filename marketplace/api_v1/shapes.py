"""The types that answers and questions are made of, shared by all operations; they validate and they are the document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from flask_babel import gettext as _
from msgspec import UNSET, Meta, Struct, UnsetType

from marketplace.errors import InvalidInput
from marketplace.money import Money
from marketplace.runtime import runtime

T = TypeVar("T")

HIGHEST_ID = 2**63 - 1
Id = Annotated[int, Meta(ge=1, le=HIGHEST_ID, description="A number that names one thing.", examples=[12])]
Time = Annotated[datetime, Meta(tz=True, description="RFC 3339, in UTC.", examples=["2026-11-21T18:30:00Z"])]
Version = Annotated[
    int, Meta(ge=1, le=2**31 - 1, description="Counts changes; send it back to change only what you saw.", examples=[3])
]
LinkText = Annotated[str, Meta(description="An absolute address.", examples=["https://example.org/listings/12-drill"])]


class Input(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a caller sends; names that are not listed are refused."""


class Output(Struct, kw_only=True):
    """What is answered."""


class Query(Struct, forbid_unknown_fields=True, kw_only=True):
    """An address's arguments."""


class NoQuery(Query):
    """No arguments."""


class PageQuery(Query):
    """Which part of a list."""

    limit: Annotated[int, Meta(ge=1, le=100, description="How many at most.", examples=[24])] = 24
    cursor: Annotated[str, Meta(max_length=200, description="From `next` of the page before.", examples=[""])] = ""


class Amount(Struct, forbid_unknown_fields=True):
    """Money: whole minor units (cents of EUR) of one currency."""

    minor: Annotated[int, Meta(ge=0, le=10**13, examples=[1250])]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["EUR"])]

    def money(self, field: str, currency: str | None = None) -> Money:
        """Give it as money, in `currency` or else in the site's own; raises InvalidInput for `field` in any other.

        What an amount is said of has a currency of its own (a campaign, a loan): that one is the caller's to give.
        """
        wanted = currency or runtime().settings.currency
        if self.currency != wanted:
            raise InvalidInput({field: _("Amounts are in %(currency)s here.", currency=wanted)})
        return Money(self.minor, self.currency)


class Person(Output):
    """A member by name."""

    id: Id
    name: Annotated[str, Meta(examples=["Fenna de Wit"])]


class Page(Struct, Generic[T]):
    """A part of a list; `next` leads to the following part and is null on the last."""

    data: list[T]
    next: Annotated[str | None, Meta(examples=[None])]


class Nothing(Output):
    """Done; there is nothing to tell."""


def amount(minor: int | None, currency: str | None) -> Amount | None:
    """Give an amount, or None where there is none."""
    return None if minor is None or currency is None else Amount(minor, currency)


def given(struct: Any, *names: str) -> dict[str, Any]:
    """Give the named fields that the caller sent."""
    return {name: value for name in names if (value := getattr(struct, name)) is not UNSET}


__all__ = [
    "UNSET", "Amount", "Id", "Input", "LinkText", "Meta", "NoQuery", "Nothing", "Output", "Page", "PageQuery", "Person", "Query",
    "Time", "UnsetType", "Version", "amount", "given",
]  # fmt: skip
