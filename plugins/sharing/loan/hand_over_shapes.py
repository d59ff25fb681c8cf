"""Hand-overs as the API shows them and takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from flask import url_for
from msgspec import field

from marketplace.api import api_v1
from plugins.sharing.loan.booking_models import HandOver, LoanUnit, Proposal

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
Kind = Annotated[
    Literal["out", "in"], Meta(description="“out” to the borrower, “in” back to the lender.", examples=["out"])
]
Condition = Annotated[str, Meta(max_length=2000, examples=["A scratch on the left side."])]
Meter = Annotated[str, Meta(min_length=1, max_length=40, examples=["km"])]
Figure = Annotated[
    str, Meta(max_length=30, description="A decimal figure as text, never a float.", examples=["1250.5"])
]
Readings = Annotated[dict[Meter, Figure], Meta(max_length=20, description="What meters stand at.")]
ThingIds = Annotated[list[Id], Meta(max_length=20, description="Ids of the loan's things; all of them when left out.")]


class NewHandOver(api_v1.Input):
    """How it went out or came back, as the caller saw it; a further word is a counter-value. Photos are added afterwards."""

    kind: Kind
    condition: Condition = ""
    readings: Readings = field(default_factory=dict)
    things: ThingIds | None = None


class PhotoOut(api_v1.Output):
    """A photo that the two parties and operators may see; `url` gives the picture itself to this token."""

    id: Id
    url: api_v1.LinkText


class WordOut(api_v1.Output):
    """How one side saw it."""

    number: Annotated[int, Meta(ge=1, examples=[1])]
    role: Annotated[Literal["member", "owner"], Meta(description="The borrower is the member.", examples=["owner"])]
    condition: str
    readings: dict[str, str]
    things: list[Id]
    photos: list[PhotoOut]
    at: Time


class HandOverOut(api_v1.Output):
    """Going out or coming back; until `closes_at` the other side may say otherwise, then the last word stands."""

    id: Id
    kind: Kind
    opened_at: Time
    closes_at: Time
    closed_at: Annotated[Time | None, Meta(examples=[None])]
    closed_by: Annotated[Literal["agreed", "deadline"] | None, Meta(examples=[None])]
    words: list[WordOut]


class ThingOut(api_v1.Output):
    """One thing of a loan; a loan of three is three of these."""

    id: Id
    unit_id: Annotated[Id | None, Meta(description="None until a slot is taken.", examples=[12])]
    out_at: Time | None
    back_at: Time | None


class HandOverList(api_v1.Output):
    """A loan's things and its hand-overs, the oldest first."""

    things: list[ThingOut]
    data: list[HandOverOut]


def photo(photo_id: int) -> PhotoOut:
    """Give a photo's address in the API."""
    return PhotoOut(id=photo_id, url=api_v1.absolute(url_for("sharing_loan_api.get_loan_photo", photo_id=photo_id)))


def thing(row: LoanUnit) -> ThingOut:
    """Give a thing of a loan."""
    return ThingOut(id=row.id, unit_id=row.unit_id, out_at=row.out_at, back_at=row.back_at)


def hand_over(row: HandOver, words: Sequence[Proposal], photos: Mapping[int, Sequence[int]]) -> HandOverOut:
    """Give a hand-over with what was said."""
    return HandOverOut(
        id=row.id, kind=row.kind, opened_at=row.opened_at, closes_at=row.closes_at,  # type: ignore[arg-type]
        closed_at=row.closed_at, closed_by=row.closed_by,  # type: ignore[arg-type]
        words=[_word(one, photos.get(one.id, ())) for one in words],
    )  # fmt: skip


def _word(one: Proposal, photos: Sequence[int]) -> WordOut:
    return WordOut(
        number=one.number, role=one.role, condition=one.condition, readings=dict(one.readings),  # type: ignore[arg-type]
        things=list(one.units), photos=[photo(number) for number in photos], at=one.at,
    )  # fmt: skip
