"""The SQL of a search: one statement per shape of filters, built once, that finds a page of ids and counts up to a cap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    String,
    TextualSelect,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from marketplace.listings.models import Listing
from marketplace.listings.whereabouts import EARTH_M
from marketplace.search.filters import ENDING, NEAR, NEW, PRICE
from marketplace.search.index import index_of
from marketplace.users.models import User

PAGE = 24
CAP = 200
"""The count stops here, at eight pages: counting on to a thousand made a page of 100,000 listings cost three times as much."""

L: Any = Listing.__table__.c
U: Any = User.__table__.c


@dataclass(frozen=True, slots=True)
class Shape:
    """Which parts a statement has; two searches of one shape differ only in bound values."""

    dialect: str
    kinds: tuple[str, ...]
    sort: str = NEW
    kind: bool = False
    category: bool = False
    price: bool = False
    free: bool = False
    pictures: bool = False
    words: bool = False
    resembling: bool = False
    """Titles that are nearly the words, instead of listings that hold them."""
    only: bool = False
    """Whether the page is of some listings alone, whose ids are given."""
    radius: bool = False
    cursor: str = ""
    """"" for the first page, "key" or "none" by where the cursor stands."""
    backwards: bool = False
    limit: int = PAGE + 1
    counted: bool = True
    """Whether the page's own statement counts; where words, distance or price narrow, another one counted first."""
    dense: bool = False
    """That more than CAP match: then walking the order's index until a page is full beats sorting all that match."""


def bound(name: str, type_: Any) -> Any:
    """Give a named value that is filled in when the statement runs."""
    return bindparam(name, type_=type_)


def at_most(number: int) -> ColumnElement[int]:
    """Give the number of a LIMIT as it stands in the statement.

    As a bound value PostgreSQL would have to guess it for a plan that it keeps, find that plan dear in a large table, and
    plan anew for every page: at 100,000 listings that took as long as finding the page.
    """
    return literal_column(str(number), Integer)


def unguessed(value: ColumnElement[Any], shape: Shape) -> ColumnElement[Any]:
    """Give a bound value so that PostgreSQL does not plan for it where the category's index is walked whatever it is.

    It plans anew for every page when that promises to be cheaper than the plan for any value, which at 100,000 listings
    took as long as the page itself. A subquery's value it does not know in either case: then it keeps the plan.
    """
    walks = shape.category and not (shape.radius or shape.words or shape.only)
    return select(value).scalar_subquery() if walks and shape.dialect == "postgresql" else value


def metres() -> ColumnElement[int]:
    """Give the distance of a listing's public point from :lat, :lon in whole metres (haversine, on both databases)."""
    half = literal_column("0.5", Float)
    half_lat = func.sin(func.radians(L.public_lat - bound("lat", Float)) * half)
    half_lon = func.sin(func.radians(L.public_lon - bound("lon", Float)) * half)
    square = half_lat * half_lat + bound("cos_lat", Float) * func.cos(func.radians(L.public_lat)) * half_lon * half_lon
    return cast(func.round(literal_column(str(2 * EARTH_M)) * func.asin(func.sqrt(square))), BigInteger)


NO_INDEX: Any = custom_op("+")
"""SQLite's unary plus changes no value and says that the term is not for an index: https://www.sqlite.org/optoverview.html"""


def aside(column: ColumnElement[Any], shape: Shape) -> ColumnElement[Any]:
    """Give a column so that SQLite, which plans without statistics, does not choose an index on it."""
    if shape.dialect != "sqlite":
        return column
    return UnaryExpression(column, operator=NO_INDEX, type_=column.type)


def within(shape: Shape, level: str = "") -> list[ColumnElement[bool]]:
    """Give the conditions of a circle: first the box around it, which an index may answer, then the distance itself."""
    walked = shape.dense and shape.sort != NEAR
    lat = aside(L.public_lat, shape) if walked or shape.category else L.public_lat
    return [
        lat.between(bound(f"south{level}", Float), bound(f"north{level}", Float)),
        L.public_lon.between(bound(f"west{level}", Float), bound(f"east{level}", Float)),
        metres() <= bound(f"radius{level}", Integer),
    ]


def matching(shape: Shape, *, joined: bool = False) -> list[ColumnElement[bool]]:
    """Give the conditions of a shape's filters except the distance: published, and of a kind that is switched on.

    `joined` leaves out the words, where the text index's hits are already joined.
    """
    # Few words' hits are looked up by id; an index on `state` would offer to walk every listing instead.
    state = aside(L.state, shape) if shape.words and not shape.dense else L.state
    found: list[ColumnElement[bool]] = [state == literal_column("'published'")]
    if shape.kind:
        found.append(L.kind == bound("kind", String))
    else:
        names: list[ColumnElement[Any]] = [literal_column("'" + name.replace("'", "''") + "'") for name in shape.kinds]
        # The index by kind is in no order that a page of several kinds wants.
        found.append(aside(L.kind, shape).in_(names))
    if shape.category:
        found.append(L.category == unguessed(bound("category", String), shape))
    if shape.free:
        found.append(L.price_minor == literal_column("0"))
    if shape.price:
        price = (
            aside(L.price_minor, shape) if (shape.dense or shape.category) and shape.sort != PRICE else L.price_minor
        )
        found.append(price <= unguessed(bound("price", BigInteger), shape))
    if shape.pictures:
        found.append(L.cover_key.is_not(None))
    if shape.only:
        found.append(L.id.in_(_listed(shape)))
    if shape.words and not joined:
        found.append(L.id.in_(_hits(shape)))
    return found


def _listed(shape: Shape) -> TextualSelect:
    """Give the ids of :only, a JSON list: one value, however many there are."""
    ids = "SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:only AS json))"
    if shape.dialect == "sqlite":
        ids = "SELECT value FROM json_each(:only)"
    return text(ids).bindparams(bound("only", String)).columns(L.id)


def _hits(shape: Shape) -> Select[Any]:
    index = index_of(shape.dialect)
    return index.resembling() if shape.resembling else index.matching()


def conditions(shape: Shape, *, joined: bool = False) -> list[ColumnElement[bool]]:
    """Give all conditions of a shape's filters."""
    return matching(shape, joined=joined) + (within(shape) if shape.radius else [])


def _key(shape: Shape) -> tuple[ColumnElement[Any], bool]:
    """Give what a sort goes by, and whether some listings have none."""
    if shape.sort == NEAR:
        return metres(), False
    if shape.sort == PRICE:
        return L.price_minor, not (shape.free or shape.price)
    if shape.sort == ENDING:
        return L.closes_at, True
    return L.published_at, False


def beyond(key: ColumnElement[Any], *, falling: bool) -> ColumnElement[bool]:
    """Give the condition that a listing comes after the cursor :key, :id."""
    here, edge = tuple_(key, L.id), tuple_(bound("key", key.type), bound("id", BigInteger))
    return here < edge if falling else here > edge


def _keyed(shape: Shape) -> Select[Any]:
    """Give the listings that have the sort's key, in its order, from the cursor on."""
    key, some_lack = _key(shape)
    wanted = conditions(shape)
    if some_lack:
        wanted.append(key.is_not(None))
    falling = (shape.sort == NEW) != shape.backwards
    if shape.cursor == "key":
        wanted.append(beyond(key, falling=falling))
    label, number = key.label("key"), L.id
    order = (label.desc(), number.desc()) if falling else (label.asc(), number.asc())
    return (
        select(literal_column("0").label("run"), label, number)
        .where(*wanted)
        .order_by(*order)
        .limit(at_most(shape.limit))
    )


def _keyless(shape: Shape) -> Select[Any]:
    """Give the listings that lack the sort's key, by id: they come after all others."""
    key, _ = _key(shape)
    wanted = [*conditions(shape), key.is_(None)]
    if shape.cursor == "none":
        wanted.append(L.id < bound("id", BigInteger) if shape.backwards else L.id > bound("id", BigInteger))
    order = L.id.desc() if shape.backwards else L.id.asc()
    return (
        select(literal_column("1").label("run"), key.label("key"), L.id)
        .where(*wanted)
        .order_by(order)
        .limit(at_most(shape.limit))
    )


def _runs(shape: Shape) -> list[Select[Any]]:
    """Give the one or two runs through the index that a page may need."""
    _, some_lack = _key(shape)
    if not some_lack:
        return [_keyed(shape)]
    if shape.cursor == "none":
        return [_keyless(shape), _keyed(shape)] if shape.backwards else [_keyless(shape)]
    if shape.cursor == "key" and shape.backwards:
        return [_keyed(shape)]
    return [_keyed(shape), _keyless(shape)]


def count(shape: Shape) -> Any:
    """Give the number of all that match, counted no further than one past CAP."""
    some: Select[Any] = select(literal_column("1").label("one"))
    if shape.words:
        # Joined, so that the count stops with the text index's hits unread; IN would first gather all of them.
        hits = _hits(shape).subquery("hits")
        some = some.select_from(hits.join(Listing.__table__, L.id == hits.c[0])).where(*conditions(shape, joined=True))
    else:
        some = some.select_from(Listing.__table__).where(*conditions(shape))
    return select(func.count()).select_from(some.limit(at_most(CAP + 1)).subquery("counted")).scalar_subquery()


COLUMNS = ("id", "kind", "title", "slug", "summary", "category", "place", "price_minor", "price_unit", "currency",
           "cover_key", "cover_alt", "closes_at", "public_lat", "public_lon")  # fmt: skip


@lru_cache(1024)
def page(shape: Shape) -> Select[Any]:
    """Give the statement for a page: ids found by index alone, then their rows with the owner's name, and the count."""
    runs = [run.subquery(f"run{number}") for number, run in enumerate(_runs(shape))]
    parts = [select(run.c.run, run.c.key, run.c.id) for run in runs]
    found = (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("found")
    falling = (shape.sort == NEW) != shape.backwards
    order = [found.c.run, found.c.key, found.c.id]
    ordered = [found.c.run.desc() if shape.backwards else found.c.run]
    ordered += [part.desc() if falling else part for part in order[1:]]
    return (
        select(
            *(L[name] for name in COLUMNS),
            U.name.label("owner_name"),
            found.c.key.label("key"),
            (count(shape) if shape.counted else literal_column("0")).label("total"),
        )
        .select_from(found)
        .join(Listing.__table__, L.id == found.c.id)
        .join(User.__table__, U.id == L.owner_id)
        .order_by(*ordered)
        .limit(at_most(shape.limit))
    )
