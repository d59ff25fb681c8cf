"""Price lists: a listing's tariffs, saved once their worked examples hold, frozen into agreements, and asked what a use costs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.api import InvalidInput, Listing, NotFound, Refused, access, clock, db, listings, runtime, transaction
from plugins.sharing.item import list_price
from plugins.sharing.price.tariff_models import ARRANGEMENTS, PriceList, TariffVersion
from plugins.sharing.price.tariff_words import fault_text
from plugins.sharing.tariffs import (
    Bill,
    Circumstances,
    Fault,
    Tariff,
    TariffInvalid,
    Use,
    UseInvalid,
    bill,
    planned,
    read,
    read_toml,
)

IN_USE = "in-use"
"""The one state of a use whose tariff knows none."""


class Window(Protocol):
    """A period in UTC, half-open."""

    @property
    def starts_at(self) -> datetime:
        """Give when it begins."""

    @property
    def ends_at(self) -> datetime:
        """Give the first moment after it."""


@dataclass(frozen=True, slots=True)
class StoredTariff:
    """A saved version, read."""

    id: int
    listing_id: int
    arrangement: str
    number: int
    terms: Tariff
    made_from: Mapping[str, Any] | None
    created_at: datetime


class TariffRefused(InvalidInput):
    """A document that can't be saved: `faults` are paths in it with what is wrong there, worked examples among them."""

    def __init__(self, faults: Collection[Fault], currency: str) -> None:
        """Say each fault in words, with amounts of this currency."""
        self.faults = tuple((fault.field, fault_text(fault.message, currency)) for fault in faults)
        text = " · ".join(f"{field}: {message}" for field, message in self.faults)
        super().__init__({"document": text}, _("The price list can't be saved like this."))


def parse(text: str) -> dict[str, Any]:
    """Read a document as an operator writes it, TOML, into tables that can be stored; raises TariffRefused."""
    import tomllib  # only where somebody writes a whole document

    try:
        return storable(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise TariffRefused([Fault(_("document"), _no_toml(error))], runtime().settings.currency) from None


def _no_toml(error: Exception) -> str:
    """Say where a document can't be read: what the reader of TOML found there, it says in English only."""
    where = re.search(r"\(at line (\d+), column (\d+)\)$", str(error))
    if where is None:
        return _("it can’t be read at its end: perhaps a bracket or quotation mark is not closed")
    line, column = where.groups()
    return _("it can't be read at line %(line)s, character %(column)s", line=line, column=column)


def storable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a document as JSON keeps it: decimal figures become text, and nothing becomes a float."""
    return dict(json.loads(json.dumps(document, default=str)))


def checked(document: Mapping[str, Any], currency: str, *, strict: bool = True) -> Tariff:
    """Read a document and run its worked examples; raises TariffRefused with the example that fails and what it gave.

    Without `strict` examples may differ: for a page that shows by how much.
    """
    if "\\u0000" in json.dumps(document, default=str):
        raise TariffRefused([Fault(_("document"), _("the zero character can't be stored"))], currency)
    try:
        terms = read(document, strict=strict)
    except TariffInvalid as error:
        raise TariffRefused(error.faults, currency) from None
    if terms.currency != currency:
        raise TariffRefused([Fault("currency", _("prices here are in %(currency)s", currency=currency))], currency)
    if not terms.examples:
        raise TariffRefused([Fault("example", _("at least one worked example is needed"))], currency)
    return terms


def save(
    listing_id: int,
    arrangement: str,
    document: Mapping[str, Any],
    actor: Any,
    *,
    made_from: Mapping[str, Any] | None = None,
) -> StoredTariff:
    """Save a new version, which counts from now on for new agreements; agreements that froze an older one keep it.

    The same document again changes nothing. `actor` (a member, or None for the marketplace itself) may change the listing.
    Raises TariffRefused, NotFound, Refused.
    """
    if arrangement not in ARRANGEMENTS:
        raise InvalidInput({"arrangement": _("There is no such arrangement.")})
    kept = storable(document)
    with transaction() as session:
        listing = _editable(listing_id, actor)
        terms = checked(kept, listing.currency)
        now = current(listing_id, arrangement)
        if now is not None and now.terms.digest == terms.digest:
            return now
        of_list = (TariffVersion.listing_id == listing_id, TariffVersion.arrangement == arrangement)
        last = session.scalar(select(func.max(TariffVersion.number)).where(*of_list)) or 0
        row = TariffVersion(
            listing_id=listing_id, arrangement=arrangement, number=last + 1, digest=terms.digest, document=kept,
            made_from=storable(made_from) if made_from else None, created_at=clock.now(), created_by=getattr(actor, "id", None),
        )  # fmt: skip
        session.add(row)
        session.flush()
        session.merge(PriceList(listing_id=listing_id, arrangement=arrangement, tariff_id=row.id))
        session.flush()
        _show(listing)
    return _read(row)


def _show(listing: Listing) -> None:
    list_price.show(listing, {key: one.terms for key, one in all_current(listing.id).items()})


def _editable(listing_id: int, actor: Any) -> Listing:
    """Lock the listing, so that numbers follow each other."""
    listing = listings.locked(listing_id)
    if actor is not None:
        access.require(actor, "sharing.manage", listing)
    return listing


def withdraw(listing_id: int, arrangement: str, actor: Any) -> None:
    """Take an arrangement's prices off the listing; agreements that froze them keep them. Raises NotFound, Forbidden."""
    with transaction() as session:
        listing = _editable(listing_id, actor)
        pointer = session.get(PriceList, (listing_id, arrangement))
        if pointer is not None:
            session.delete(pointer)
            session.flush()
            _show(listing)


def current(listing_id: int, arrangement: str) -> StoredTariff | None:
    """Give the version that counts now, if the listing has prices for this arrangement."""
    return all_current(listing_id).get(arrangement)


def all_current(listing_id: int) -> dict[str, StoredTariff]:
    """Give what counts now for each arrangement that has prices; one statement."""
    rows = db.session.scalars(
        select(TariffVersion)
        .join(PriceList, PriceList.tariff_id == TariffVersion.id)
        .where(PriceList.listing_id == listing_id)
        .order_by(PriceList.arrangement)
    )
    return {row.arrangement: _read(row) for row in rows}


def freeze(listing_id: int, arrangement: str) -> int:
    """Give the id of the version that an agreement made now keeps for ever; raises Refused when there are no prices."""
    found = db.session.scalar(
        select(PriceList.tariff_id).where(PriceList.listing_id == listing_id, PriceList.arrangement == arrangement)
    )
    if found is None:
        raise Refused(_("There is no price list for this yet."), code="no_prices")
    return int(found)


def stored(tariff_id: int) -> StoredTariff:
    """Give a version; raises NotFound."""
    row = db.session.get(TariffVersion, tariff_id)
    if row is None:
        raise NotFound(_("There is no such price list."))
    return _read(row)


def document_of(tariff_id: int) -> Mapping[str, Any]:
    """Give a version's document; raises NotFound."""
    row = db.session.get(TariffVersion, tariff_id)
    if row is None:
        raise NotFound(_("There is no such price list."))
    return row.document


def history(listing_id: int, arrangement: str) -> list[StoredTariff]:
    """Give the newest twenty versions, the newest first."""
    of_list = (TariffVersion.listing_id == listing_id, TariffVersion.arrangement == arrangement)
    rows = db.session.scalars(select(TariffVersion).where(*of_list).order_by(TariffVersion.number.desc()).limit(20))
    return [_read(row) for row in rows]


def quote(
    tariff_id: int,
    what: Window | Use,
    *,
    quantities: Mapping[str, Decimal] | None = None,
    options: Collection[str] = (),
    plan: str = "",
    zone: str = "",
) -> Bill:
    """Say what a use or a period (UTC) costs under a frozen version, by the very function that makes bills.

    A period is time in the tariff's first state; `quantities` is what registers will have counted. `zone` is the item's,
    unless given. Raises NotFound, and UseInvalid for what the tariff has no price for.
    """
    found = stored(tariff_id)
    if isinstance(what, Use):
        return bill(found.terms, what)
    about = Circumstances(zone or zone_of(found.listing_id), plan, frozenset(options))
    state = found.terms.states[0] if found.terms.states else IN_USE
    parts = [(state, what.ends_at - what.starts_at)]
    return bill(found.terms, planned(what.starts_at, parts, quantities, None, about))


def zone_of(listing_id: int) -> str:
    """Give the item's IANA zone; the site's for what is no item."""
    from plugins.sharing.item.item_models import Item

    zone = db.session.scalar(select(Item.zone).where(Item.listing_id == listing_id))
    return zone or runtime().settings.timezone


def templates() -> dict[str, str]:
    """Give the documents that come with the plugin, as TOML, by their file's name."""
    from importlib.resources import files

    folder = files("plugins.sharing.tariffs").joinpath("data")
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return {one.name.removesuffix(".toml"): one.read_text(encoding="utf-8") for one in found}


def template_names() -> dict[str, str]:
    """Give the names of the documents that come with the plugin, by their file's name."""
    return {key: read_toml(text).name for key, text in templates().items()}


def _read(row: TariffVersion) -> StoredTariff:
    terms = _terms(row.digest, json.dumps(row.document))
    return StoredTariff(row.id, row.listing_id, row.arrangement, row.number, terms, row.made_from, row.created_at)


@lru_cache(maxsize=512)
def _terms(_digest: str, text: str) -> Tariff:
    """Read a document once; its examples held when it was saved."""
    return read(json.loads(text), strict=False)


__all__ = [
    "IN_USE", "StoredTariff", "TariffRefused", "UseInvalid", "all_current", "checked", "current", "document_of", "freeze",
    "history", "parse", "quote", "save", "storable", "stored", "template_names", "templates", "withdraw", "zone_of",
]  # fmt: skip
