"""Help, answers and thanks as the API shows them and takes them. There is no price, so no shape has one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from flask import url_for

from marketplace.api import Agreement, api_v1
from plugins.sharing.help.help_models import HelpAnswer, HelpThanks
from plugins.sharing.help.help_reads import Seen

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
UNSET = api_v1.UNSET
Words = Annotated[str, Meta(max_length=2000, examples=["I live around the corner and like dogs."])]
Day = Annotated[date, Meta(examples=["2027-06-30"], description="A day on the site's own calendar.")]


class NewHelp(api_v1.Input):
    """Help that is asked or offered; with `until` it comes again each week until that day."""

    side: Annotated[Literal["asked", "offered"], Meta(examples=["asked"])]
    title: Annotated[str, Meta(min_length=3, max_length=120, examples=["Walking the dog"])]
    body_md: Annotated[str, Meta(max_length=20_000, examples=["A small one, who likes the park best."])]
    place: Annotated[str, Meta(max_length=80, examples=["Utrecht"])]
    starts_at: Time
    ends_at: Time
    until: Annotated[Day | None, Meta(examples=[None])] = None
    people: Annotated[int, Meta(ge=1, le=20, examples=[1])] = 1
    first_come: Annotated[bool, Meta(description="Who answers first has the place at once.", examples=[False])] = False
    category: Annotated[str, Meta(max_length=32, examples=["help"])] = "help"
    address: Annotated[
        str, Meta(max_length=300, description="Told to those with whom it is agreed.", examples=[""])
    ] = ""


class HelpChanges(api_v1.Input):
    """What to say otherwise of help; when it is stands."""

    title: Annotated[str, Meta(min_length=3, max_length=120, examples=["Walking the dog"])] | api_v1.UnsetType = UNSET
    body_md: Annotated[str, Meta(max_length=20_000, examples=["A small one."])] | api_v1.UnsetType = UNSET
    place: Annotated[str, Meta(max_length=80, examples=["Utrecht"])] | api_v1.UnsetType = UNSET
    category: Annotated[str, Meta(max_length=32, examples=["help"])] | api_v1.UnsetType = UNSET
    people: Annotated[int, Meta(ge=1, le=20, examples=[2])] | api_v1.UnsetType = UNSET
    address: Annotated[str, Meta(max_length=300, examples=["Oudegracht 1"])] | api_v1.UnsetType = UNSET
    version: api_v1.Version | api_v1.UnsetType = UNSET


class HelpOut(api_v1.Output):
    """Help; where exactly it is nobody is told before it is agreed."""

    id: Id
    side: Annotated[str, Meta(examples=["asked"])]
    title: Annotated[str, Meta(examples=["Walking the dog"])]
    place: Annotated[str, Meta(examples=["Utrecht"])]
    starts_at: Time
    ends_at: Time
    last_at: Time
    weekly: Annotated[bool, Meta(examples=[False])]
    first_come: Annotated[bool, Meta(examples=[False])]
    places: Annotated[int, Meta(examples=[1])]
    places_left: Annotated[int, Meta(examples=[1])]
    url: api_v1.LinkText


class NewHelpAnswer(api_v1.Input):
    """An answer."""

    words: Words


class HelpAnswerOut(api_v1.Output):
    """An answer; moving it is a move of the agreement of the same number (choose, release, withdraw, …)."""

    id: Id
    help_id: Id
    member_id: Id
    state: Annotated[str, Meta(examples=["answered"])]
    words: Words
    waits_until: Time | None
    url: api_v1.LinkText


class HelpAnswerList(api_v1.Output):
    """The answers that the caller may read."""

    data: list[HelpAnswerOut]


class NewThanks(api_v1.Input):
    """Thanks, from whoever was helped."""

    words: Annotated[str, Meta(min_length=1, max_length=1000, examples=["That was so kind of you."])]


class ThanksOut(api_v1.Output):
    """Thanks for help that was given."""

    agreement_id: Id
    from_id: Id
    to_id: Id
    words: Annotated[str, Meta(examples=["That was so kind of you."])]
    thanked_at: Time


def help_(seen: Seen) -> HelpOut:
    """Give help as the API shows it."""
    listing, row = seen.listing, seen.row
    return HelpOut(
        id=listing.id, side="asked" if seen.asked else "offered", title=listing.title, place=listing.place,
        starts_at=row.starts_at, ends_at=row.ends_at, last_at=row.last_at, weekly=row.weekly, first_come=row.first_come,
        places=seen.all, places_left=seen.left,
        url=api_v1.absolute(url_for("sharing_help.show", listing_id=listing.id, slug=listing.slug)),
    )  # fmt: skip


def answer(agreement: Agreement, row: HelpAnswer) -> HelpAnswerOut:
    """Give an answer as the API shows it."""
    return HelpAnswerOut(
        id=agreement.id, help_id=row.help_id, member_id=row.member_id, state=agreement.state, words=row.words,
        waits_until=agreement.waits_until,
        url=api_v1.absolute(url_for("agreements.show", agreement_id=agreement.id)),
    )  # fmt: skip


def thanks(row: HelpThanks) -> ThanksOut:
    """Give thanks as the API shows them."""
    return ThanksOut(
        agreement_id=row.agreement_id, from_id=row.from_id, to_id=row.to_id, words=row.words, thanked_at=row.thanked_at
    )
