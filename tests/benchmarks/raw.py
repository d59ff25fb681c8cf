"""The limit that pages are compared with: plain WSGI, the database driver and one flat Jinja template, and nothing else.

It shows the same rows with the same visible facts by plain SQL, written as one would by hand: no session, no language, no
security headers, no plugins. Its statements are kept prepared by the driver. What the marketplace takes beyond this is the
price of everything that makes it one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import cos, radians
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg
from jinja2 import Environment, FileSystemLoader
from psycopg.rows import namedtuple_row
from sqlalchemy import make_url

from marketplace import clock
from marketplace.listings.categories import CATEGORIES

COLUMNS = """l.id, l.kind, l.title, l.slug, l.summary, l.category, l.place, l.price_minor, l.price_unit, l.cover_key,
    l.cover_alt, l.published_at, u.name AS owner_name, c.goal_minor, c.pledged_minor, c.backers, c.closes_at"""
TABLES = 'listing l JOIN "user" u ON u.id = l.owner_id LEFT JOIN funding_campaign c ON c.listing_id = l.id'
SHOWN = "l.state = 'published' AND l.kind IN ('notice', 'campaign')"
METRES = """2 * 6371000 * asin(sqrt(pow(sin(radians(l.public_lat - :lat) / 2), 2)
    + :cos_lat * cos(radians(l.public_lat)) * pow(sin(radians(l.public_lon - :lon) / 2), 2)))"""
BOX = "l.public_lat BETWEEN :south AND :north AND l.public_lon BETWEEN :west AND :east"
WORDS = {
    "sqlite": "l.id IN (SELECT rowid FROM listing_fts WHERE listing_fts MATCH :words)",
    "postgresql": """l.id IN (SELECT listing_id FROM listing_fts
        WHERE words @@ (to_tsquery('simple', :words) || to_tsquery('dutch', :words)))""",
}
SORTS = [("near", "Nearest"), ("new", "Newest"), ("price", "Lowest price"), ("ending", "Ending soon")]
HEADERS = [("Content-Type", "text/html; charset=utf-8")]
KM_PER_DEGREE = 111.195

Execute = Callable[..., Sequence[Any]]


def connect(url: str) -> Any:
    """Open a connection of the driver itself that commits each statement."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(address.database), isolation_level=None, timeout=15)
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=OFF", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        return connection
    info = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(info, autocommit=True, row_factory=namedtuple_row)


@lru_cache(100)
def _row_type(names: tuple[str, ...]) -> Any:
    from collections import namedtuple

    return namedtuple("Row", names)  # type: ignore[misc]


def rows_of(cursor: Any) -> Sequence[Any]:
    """Give all rows of a cursor as named tuples; psycopg makes them itself, SQLite's driver does not."""
    if isinstance(cursor, psycopg.Cursor):
        return cursor.fetchall()
    if cursor.description is None:
        return []
    return list(map(_row_type(tuple(part[0] for part in cursor.description))._make, cursor.fetchall()))


@lru_cache(200)
def spelled(sql: str, dialect: str) -> str:
    """Write `:name` the way the driver reads it."""
    if dialect == "sqlite":
        return sql
    import re

    return re.sub(r"(?<!:):([a-z_]+)", r"%(\1)s", sql)


def price(minor: int) -> str:
    """Write an amount of cents."""
    return f"€{minor // 100}" if minor % 100 == 0 else f"€{minor / 100:.2f}"


def far(metres: float) -> str:
    """Write a distance."""
    return f"{round(metres / 50) * 50} m" if metres < 975 else f"{metres / 1000:.1f} km"


def days_left(until: Any) -> int:
    """Count whole days until an instant, which SQLite keeps as text."""
    at = until if isinstance(until, datetime) else datetime.fromisoformat(until).replace(tzinfo=UTC)
    return (at - clock.now()).days


class RawSite:
    """The browse page by hand; `wsgi` is the application."""

    def __init__(self, url: str) -> None:
        """Connect and compile the template."""
        self.dialect = make_url(url).get_backend_name()
        self.connection = connect(url)
        folder = Path(__file__).with_name("raw_pages")
        environment = Environment(
            loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True, auto_reload=False
        )
        environment.globals.update(
            money=price,
            distance=far,
            days_left=days_left,
            units={"hour": "per hour", "day": "per day", "week": "per week", "piece": "each", "once": ""},
            arts={each.key: (each.art, each.icon) for each in CATEGORIES},
            kinds=[("notice", "Notices"), ("campaign", "Campaigns")],
            categories=[(each.key, str(each.key).capitalize()) for each in CATEGORIES],
            radii=(1, 2, 5, 10, 25, 50, 100),
            sorts=SORTS,
        )
        self.browse = environment.get_template("browse.html")

    def execute(self, sql: str, values: dict[str, Any]) -> Sequence[Any]:
        """Run one statement and give its rows."""
        return rows_of(self.connection.execute(spelled(sql, self.dialect), values))

    def wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer any address with the browse page."""
        args = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
        body = self.page(args).encode()
        start_response("200 OK", [*HEADERS, ("Content-Length", str(len(body)))])
        return [body]

    def page(self, args: dict[str, str]) -> str:
        """Write the browse page for these arguments."""
        sql, count, values = self.statements(args)
        rows = self.execute(sql, values)
        total = self.execute(count, values)[0][0]
        more = f"/discover?after={rows[23].id}" if len(rows) > 24 else ""
        chips = [value for name, value in args.items() if name in ("q", "category", "price", "radius")]
        return self.browse.render(rows=rows[:24], total=total, wish=args, next_url=more, chips=chips)

    def statements(self, args: dict[str, str]) -> tuple[str, str, dict[str, Any]]:
        """Write the statement for the rows and the one that counts up to two hundred, as the page does, with their values."""
        wanted, values = [SHOWN], dict[str, Any]()
        metres, order = "NULL", "l.published_at DESC, l.id DESC"
        if category := args.get("category"):
            wanted.append("l.category = :category")
            values["category"] = category
        if highest := args.get("price"):
            wanted.append("l.price_minor <= :price")
            values["price"] = int(highest) * 100
        if words := args.get("q"):
            wanted.append(WORDS[self.dialect])
            values["words"] = f'"{words}" *' if self.dialect == "sqlite" else f"'{words}':*"
        if radius := args.get("radius"):
            metres, order = METRES, "distance_m, l.id"
            wanted += [BOX, f"{METRES} <= :radius"]
            values.update(_circle(52.3676, 4.9041, int(radius)))
        condition = " AND ".join(wanted)
        rows = f"SELECT {COLUMNS}, {metres} AS distance_m FROM {TABLES} WHERE {condition} ORDER BY {order} LIMIT 25"
        count = f"SELECT count(*) AS number FROM (SELECT 1 FROM listing l WHERE {condition} LIMIT 201) counted"
        return rows, count, values


def _circle(lat: float, lon: float, km: int) -> dict[str, float]:
    high = km / KM_PER_DEGREE
    wide = high / cos(radians(lat))
    return {"lat": lat, "lon": lon, "cos_lat": cos(radians(lat)), "radius": km * 1000.0,
            "south": lat - high, "north": lat + high, "west": lon - wide, "east": lon + wide}  # fmt: skip
