"""Listings as the API shows them and takes them; exact coordinates never leave."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from marketplace.api_v1.paging import absolute
from marketplace.api_v1.shapes import (
    UNSET,
    Amount,
    Id,
    Input,
    LinkText,
    Meta,
    Output,
    PageQuery,
    Person,
    Time,
    UnsetType,
    Version,
    amount,
    given,
)
from marketplace.listings.models import Listing, Picture
from marketplace.listings.sizes import picture_url
from marketplace.search.cards import Card, address_of

Title = Annotated[str, Meta(max_length=200, examples=["Cordless drill"])]
Kind = Annotated[str, Meta(max_length=32, examples=["notice"])]
Category = Annotated[str, Meta(max_length=32, examples=["tools"])]
PlaceName = Annotated[str, Meta(max_length=80, examples=["Utrecht"])]
Body = Annotated[str, Meta(max_length=20_000, description="Markdown.", examples=["A drill for anybody in the street."])]
Summary = Annotated[str, Meta(max_length=200, examples=["A drill to borrow"])]
PriceUnit = Literal["once", "hour", "day", "week", "month", "piece"]
State = Literal["draft", "published", "closed", "removed"]
Latitude = Annotated[float, Meta(ge=-85, le=85, examples=[52.09])]
Longitude = Annotated[float, Meta(ge=-180, le=180, examples=[5.12])]


class ListingCard(Output):
    """A listing in a list; `distance_m` counts from the searched place to a point near the listing's."""

    id: Id
    kind: Kind
    title: Title
    summary: Summary
    category: Category
    place: PlaceName
    owner_name: Annotated[str, Meta(examples=["Fenna de Wit"])]
    price: Amount | None
    price_unit: PriceUnit | None
    closes_at: Time | None
    cover_url: LinkText | None
    distance_m: int | None
    progress: Annotated[int | None, Meta(description="Per cent, for kinds that have a goal.")]
    url: LinkText


class OwnListing(Output):
    """One of the member's own listings, drafts included."""

    id: Id
    kind: Kind
    state: State
    title: Title
    updated_at: Time


class PictureOut(Output):
    """A picture; `url` is null while its sizes are being made."""

    id: Id
    position: int
    alt: Annotated[str, Meta(examples=["A drill on a table"])]
    state: Literal["uploaded", "ready", "refused"]
    width: int
    height: int
    url: LinkText | None


class Point(Output):
    """A place near the listing, moved so that it does not tell the address."""

    lat: float
    lon: float


class ListingOut(Output):
    """A listing in full; `details` is what its kind adds."""

    id: Id
    kind: Kind
    state: State
    version: Version
    title: Title
    summary: Summary
    body_md: Body
    body_html: str
    category: Category
    place: PlaceName
    near: Point | None
    owner: Person
    price: Amount | None
    price_unit: PriceUnit | None
    closes_at: Time | None
    published_at: Time | None
    updated_at: Time
    pictures: list[PictureOut]
    details: dict[str, Any]
    url: LinkText | None


class ListingFields(Input):
    """What may be said about a listing."""

    title: Title | UnsetType = UNSET
    summary: Summary | UnsetType = UNSET
    body_md: Body | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    place: PlaceName | UnsetType = UNSET
    lat: Latitude | UnsetType | None = UNSET
    lon: Longitude | UnsetType | None = UNSET
    price: Amount | UnsetType | None = UNSET
    price_unit: PriceUnit | UnsetType = UNSET
    closes_at: Time | UnsetType | None = UNSET


class NewListing(ListingFields, kw_only=True):
    """A draft to be made; kinds of plugins have operations of their own."""

    kind: Kind
    title: Title


class ListingChanges(ListingFields):
    """What to change; what is left out stays as it is."""

    version: Version | UnsetType = UNSET


class ListingSearch(PageQuery):
    """The same filters as the page; `price` is a highest price in whole or decimal units of the site's currency."""

    q: Annotated[str, Meta(max_length=200, description="Words to look for.", examples=["drill"])] = ""
    kind: Annotated[str, Meta(max_length=32, examples=[""])] = ""
    category: Annotated[str, Meta(max_length=32, examples=["tools"])] = ""
    place: Annotated[str, Meta(max_length=80, examples=["Utrecht"])] = ""
    radius: Annotated[int, Meta(ge=1, le=100, description="Kilometres.", examples=[5])] | UnsetType = UNSET
    price: Annotated[str, Meta(max_length=20, examples=["25"])] = ""
    free: bool = False
    pictures: bool = False
    sort: Literal["", "new", "near", "price", "ending"] = ""


FACTS = ("title", "summary", "body_md", "category", "place", "lat", "lon", "price_unit", "closes_at")


def facts_of(fields: Any, *but: str) -> dict[str, Any]:
    """Give what was sent as the facts that `listings.service` takes; raises InvalidInput for another currency."""
    facts = given(fields, *(name for name in FACTS if name not in but and hasattr(fields, name)))
    price = getattr(fields, "price", UNSET)
    if price is not UNSET:
        facts["price"] = price.money("price") if price is not None else None
    return facts


def card(found: Card) -> ListingCard:
    """Give a search's card as the API shows it."""
    return ListingCard(
        id=found.id,
        kind=found.kind,
        title=found.title,
        summary=found.summary,
        category=found.category,
        place=found.place,
        owner_name=found.owner_name,
        price=amount(found.price_minor, found.currency),
        price_unit=found.price_unit,  # type: ignore[arg-type]
        closes_at=found.closes_at,
        cover_url=absolute(found.cover_url) if found.cover_url else None,
        distance_m=found.distance_m,
        progress=found.facts.progress if found.facts else None,
        url=absolute(found.url),
    )


def picture(found: Picture) -> PictureOut:
    """Give a picture as the API shows it."""
    return PictureOut(
        id=found.id,
        position=found.position,
        alt=found.alt,
        state=found.state,  # type: ignore[arg-type]
        width=found.width,
        height=found.height,
        url=absolute(picture_url(found.key, 1600)) if found.state == "ready" else None,
    )


def listing(found: Listing, kind: Any, owner_name: str, pictures: list[Picture], details: dict[str, Any]) -> ListingOut:
    """Give a listing as the API shows it."""
    near = None
    if found.public_lat is not None and found.public_lon is not None:
        near = Point(lat=found.public_lat, lon=found.public_lon)
    return ListingOut(
        id=found.id,
        kind=found.kind,
        state=found.state,  # type: ignore[arg-type]
        version=found.version,
        title=found.title,
        summary=found.summary,
        body_md=found.body_md,
        body_html=found.body_html,
        category=found.category,
        place=found.place,
        near=near,
        owner=Person(id=found.owner_id, name=owner_name),
        price=amount(found.price_minor, found.currency),
        price_unit=found.price_unit,  # type: ignore[arg-type]
        closes_at=found.closes_at,
        published_at=found.published_at,
        updated_at=found.updated_at,
        pictures=[picture(each) for each in pictures],
        details=details,
        url=absolute(address_of(kind).format(id=found.id, slug=found.slug)) if kind else None,
    )
