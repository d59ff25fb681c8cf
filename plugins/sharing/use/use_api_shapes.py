"""Prices, uses, readings and bills as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import url_for
from msgspec import field

from marketplace.api import Agreement, api_v1
from plugins.sharing.price import tariff_words
from plugins.sharing.price.price_lists import StoredTariff
from plugins.sharing.tariffs import Bill, Line
from plugins.sharing.use import use_bills
from plugins.sharing.use.use_models import UseBill, UseSession

Amount = api_v1.Amount
Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time

Arrangement = Literal["borrow", "rent", "use", "portion"]
Figure = Annotated[
    str, Meta(max_length=30, description="A decimal figure as text, never a float.", examples=["1234.5"])
]
Name = Annotated[str, Meta(min_length=1, max_length=40, examples=["km"])]
Registers = Annotated[dict[Name, Figure], Meta(max_length=20, description="What registers stand at, not differences.")]
Count = Annotated[int, Meta(ge=0, le=2**53, description="The device's own count of its readings.")]
Document = Annotated[dict[str, Any], Meta(description="A tariff's document; its decimal figures are text.")]


class LineOut(api_v1.Output):
    """A line of a bill: its key in the tariff, in words, how it came about, and minor units, below zero for a discount."""

    key: Annotated[str, Meta(examples=["driving"])]
    label: Annotated[str, Meta(examples=["Driving"])]
    detail: Annotated[str, Meta(examples=["20 min × € 0.29 / min"])]
    amount_minor: Annotated[int, Meta(examples=[580])]


class BillFacts(api_v1.Output):
    """What a use costs."""

    currency: Annotated[str, Meta(examples=["EUR"])]
    total_minor: Annotated[int, Meta(ge=0, examples=[580])]
    lines: list[LineOut]
    notes: list[LineOut]


class PricesOut(api_v1.Output):
    """A version of a listing's prices for one arrangement; agreements keep the version they were made with."""

    id: Id
    listing_id: Id
    arrangement: Arrangement
    number: Annotated[int, Meta(ge=1, examples=[1])]
    currency: Annotated[str, Meta(examples=["EUR"])]
    digest: Annotated[str, Meta(description="SHA-256 of the document, which bills name.", examples=["0" * 64])]
    document: Document
    created_at: Time


class PriceLists(api_v1.Output):
    """The prices that count now."""

    data: list[PricesOut]


class NewPrices(api_v1.Input):
    """A document; its worked examples must give what they say."""

    document: Document


class NewQuote(api_v1.Input):
    """A planned use: from when to when (time in the tariff's first state), and what registers will have counted."""

    starts_at: Time
    ends_at: Annotated[Time, Meta(examples=["2026-11-22T18:30:00Z"])]
    quantities: Registers = field(default_factory=dict)
    options: Annotated[list[Name], Meta(max_length=20, examples=[[]])] = field(default_factory=list)


class UseOut(api_v1.Output):
    """A use; its `id` is also its agreement's. `running` is what it comes to now, by the function that makes the bill."""

    id: Id
    listing_id: Id
    unit_id: Id
    state: Annotated[str, Meta(examples=["running"])]
    holder_id: Id
    tariff_id: Id
    reserved_at: Time
    started_at: Time | None
    ended_at: Time | None
    waits_until: Time | None
    limit: Amount | None
    limit_reached: bool
    running: BillFacts | None
    url: api_v1.LinkText


class UseLine(api_v1.Output):
    """A use in a list."""

    id: Id
    listing_id: Id
    state: Annotated[str, Meta(examples=["paid"])]
    started_at: Time | None
    ended_at: Time | None
    amount: Amount | None


class NewUse(api_v1.Input):
    """A unit by its label's code; `start` begins at once, else it is reserved for a while. `registers`: what they stand at."""

    code: Annotated[str, Meta(min_length=1, max_length=64, examples=["x7Qk2mB9Wq1z"])]
    start: bool = False
    limit: Amount | None = None
    options: Annotated[list[Name], Meta(max_length=20, examples=[[]])] = field(default_factory=list)
    holder_id: Annotated[Id | None, Meta(examples=[None])] = None
    registers: Registers = field(default_factory=dict)


class UseMove(api_v1.Input):
    """What to do next; starting and ending tell what the registers stand at, unless a device reads them."""

    move: Literal["start", "pause", "resume", "end"]
    registers: Registers = field(default_factory=dict)
    sure: Annotated[
        bool, Meta(description="Whoever reads the meter has looked again at a figure that was asked about.")
    ] = False


class BillOut(BillFacts):
    """A sealed bill or credit note; one that was wrong stays, and its credit note and successor name it in `corrects_id`."""

    id: Id
    kind: Literal["bill", "credit"]
    code: Annotated[str, Meta(examples=["U2026-00012"])]
    corrects_id: int | None
    signed_total_minor: Annotated[int, Meta(description="Below zero on a credit note.", examples=[580])]
    credits_minor: Annotated[int, Meta(description="Paid with prepaid credit.", examples=[0])]
    created_at: Time


class BillList(api_v1.Output):
    """All bills and credit notes of a use, in the order in which they were written."""

    data: list[BillOut]


class ReadingIn(api_v1.Input):
    """What a device read: registers, and where it knows it the state that begins then."""

    taken_at: Time
    registers: Registers = field(default_factory=dict)
    state: Annotated[str, Meta(max_length=40, examples=["driving"])] = ""
    number: Annotated[Count | None, Meta(examples=[7])] = None
    event: Annotated[str, Meta(max_length=40, examples=[""])] = ""
    use_id: Annotated[
        Id | None, Meta(description="Only needed for what was read at the edge of a use.", examples=[None])
    ] = None


class Batch(api_v1.Input):
    """A device's readings, in any order; all are stored or none."""

    device: Id
    readings: Annotated[list[ReadingIn], Meta(min_length=1, max_length=500)]


class UseNow(api_v1.Output):
    """How a use stands: a device may switch off at `limit_reached`: the limit, or credit used up without a saved method."""

    id: Id
    state: Annotated[str, Meta(examples=["running"])]
    total_minor: int | None
    limit_reached: bool


class Stored(api_v1.Output):
    """What became of a batch: how many readings were new, and the places of those that were stored before."""

    new: Annotated[int, Meta(ge=0, examples=[2])]
    known: Annotated[list[int], Meta(examples=[[0]])]
    uses: list[UseNow]


def bill_facts(found: Bill) -> dict[str, Any]:
    """Give a bill's figures."""
    return {
        "currency": found.currency, "total_minor": found.total, "lines": _lines(found.lines, found.currency),
        "notes": _lines(found.notes, found.currency),
    }  # fmt: skip


def _lines(lines: tuple[Line, ...], currency: str) -> list[LineOut]:
    return [
        LineOut(key=line.key, label=row.label, detail=row.detail, amount_minor=line.amount)
        for line, row in zip(lines, tariff_words.rows(lines, currency), strict=True)
    ]


def prices(stored: StoredTariff, document: Any) -> PricesOut:
    """Give a version as the API shows it."""
    return PricesOut(
        id=stored.id, listing_id=stored.listing_id, arrangement=stored.arrangement,  # type: ignore[arg-type]
        number=stored.number, currency=stored.terms.currency, digest=stored.terms.digest, document=dict(document),
        created_at=stored.created_at,
    )  # fmt: skip


def use(agreement: Agreement, session: UseSession, running: Bill | None, reached: bool) -> UseOut:
    """Give a use as the API shows it."""
    return UseOut(
        id=agreement.id, listing_id=session.listing_id, unit_id=session.unit_id, state=agreement.state,
        holder_id=session.holder_id, tariff_id=session.tariff_id, reserved_at=session.reserved_at,
        started_at=session.started_at, ended_at=session.ended_at, waits_until=agreement.waits_until,
        limit=api_v1.amount(session.limit_minor, session.currency), limit_reached=reached,
        running=BillFacts(**bill_facts(running)) if running is not None else None,
        url=api_v1.absolute(url_for("sharing_use.meter", use_id=agreement.id)),
    )  # fmt: skip


def bill(sealed: UseBill) -> BillOut:
    """Give a sealed bill as the API shows it."""
    return BillOut(
        id=sealed.id, kind=sealed.kind, code=sealed.code, corrects_id=sealed.corrects_id,  # type: ignore[arg-type]
        signed_total_minor=sealed.total_minor, credits_minor=sealed.credits_minor, created_at=sealed.created_at,
        **bill_facts(use_bills.thawed(sealed)),
    )  # fmt: skip
