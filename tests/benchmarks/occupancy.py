"""Search over 10,000 items and bookings through the service, beside bare SQL: `make bench ARGS=--occupancy`.

The search asks which of all items are free in a window. The bare SQL of the same question is written by hand for this one
window and this data, and sent by the driver; both give the same items, which is checked. A booking through the service is
compared with the bare insert of the same row into the same table, with its exclusion constraint (on SQLite its triggers), both
committed on their own: "driver" by the database driver alone, "bare" within the application's own `transaction()`. The test
server never waits for a disk, so the figures compare work. Ways take turns in every round; medians are shown, nothing is
asserted.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.testing.apps import built, migrate, settings
from marketplace.testing.databases import migrated
from marketplace.testing.factories import Factories
from plugins.sharing.item.item_models import Item, Occupancy, Opening, Unit
from plugins.sharing.slot import occupancy
from plugins.sharing.slot.free_items import free_items
from plugins.sharing.slot.windows import Window
from tests.benchmarks.ledger_post import backend, spent
from tests.benchmarks.raw import connect
from tests.benchmarks.table import ms, show

ITEMS, DAYS, PER_ITEM = 10_000, 60, 12
ZONE = "Europe/Amsterdam"
BOOKED = 200
BARE_SEARCH = """
    SELECT i.listing_id FROM sharing_item i
    WHERE i.min_minutes <= {minutes} AND (i.max_minutes IS NULL OR i.max_minutes >= {minutes})
      AND i.notice_minutes <= {ahead} AND (i.horizon_days IS NULL OR i.horizon_days * 1440 >= {end_ahead})
      AND i.start_days & {bit} <> 0
      AND EXISTS (SELECT 1 FROM sharing_unit u WHERE u.item_id = i.listing_id AND u.active
        AND NOT EXISTS (SELECT 1 FROM sharing_occupancy o WHERE o.unit_id = u.id
          AND o.blocked_until > {since} AND o.blocked_from < {until} AND (o.expires_at IS NULL OR o.expires_at > {now}))
        AND NOT EXISTS (SELECT 1 FROM sharing_occupancy l WHERE l.unit_id = u.id AND l.out_at IS NOT NULL
          AND l.returned_at IS NULL AND l.ends_at <= {now}))
      AND (NOT EXISTS (SELECT 1 FROM sharing_opening h WHERE h.item_id = i.listing_id) OR (
        EXISTS (SELECT 1 FROM sharing_opening h WHERE h.item_id = i.listing_id AND h.weekday = {from_day}
          AND h.from_minute <= {from_minute} AND h.to_minute > {from_minute})
        AND EXISTS (SELECT 1 FROM sharing_opening h WHERE h.item_id = i.listing_id AND h.weekday = {to_day}
          AND h.from_minute <= {to_minute} AND h.to_minute >= {to_minute})))
    ORDER BY i.listing_id"""
BARE_BOOKING = """
    INSERT INTO sharing_occupancy (unit_id, item_id, kind, starts_at, ends_at, blocked_from, blocked_until, member_id, note,
      firm, created_at) VALUES (?, ?, 'booking', ?, ?, ?, ?, ?, '', true, ?) RETURNING id"""


def fill(now: datetime) -> int:
    """Make the items, a third of them with hours for hand-over, and their bookings over the next days; gives a member."""
    chance = random.Random(4)
    factories = Factories()
    owner, member = factories.user().id, factories.user().id
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    tables: dict[Any, list[dict[str, Any]]] = {Listing: [], Item: [], Unit: [], Opening: [], Occupancy: []}
    listing = {"kind": "item", "owner_id": owner, "currency": "EUR", "state": "published", "published_at": now,
               "created_at": now, "updated_at": now}  # fmt: skip
    for item in range(1, ITEMS + 1):
        tables[Listing].append({"id": item, "title": f"Item {item}", "slug": f"item-{item}", **listing})
        rules = {"min_minutes": chance.choice((1, 60)), "notice_minutes": chance.choice((0, 60)),
                 "max_minutes": chance.choice((None, 90 * 1440))}  # fmt: skip
        tables[Item].append({"listing_id": item, "zone": ZONE, "currency": "EUR", **rules})
        tables[Unit].append({"id": item, "item_id": item, "label": "One", "code": f"code-{item}", "created_at": now})
        if item % 3 == 0:
            hours = {"from_minute": 480, "to_minute": 1200}
            tables[Opening] += [{"item_id": item, "weekday": day, **hours} for day in range(6)]
        for day in sorted(chance.sample(range(0, DAYS, 2), PER_ITEM)):
            begins = start + timedelta(days=day, hours=chance.randint(6, 12))
            ends = begins + timedelta(hours=chance.randint(2, 30))
            span = {"starts_at": begins, "ends_at": ends, "blocked_from": begins, "blocked_until": ends}
            whose = {"unit_id": item, "item_id": item, "member_id": member, "kind": "booking", "created_at": now}
            tables[Occupancy].append({**span, **whose})
    for table, rows in tables.items():
        with transaction() as session:
            for part in _parts(rows):
                session.execute(insert(table), part)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    return member


def _parts(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for place in range(0, len(rows), 5000):
        yield rows[place : place + 5000]


def windows(now: datetime) -> dict[str, Window]:
    """Give what is asked: an afternoon, a weekend, a week, and the whole time; from ten to four o'clock on a working day."""
    start = now.replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=8)
    start += timedelta(days=(1 - start.weekday()) % 7)
    lengths = {"six hours": 6, "three days": 72, "a week": 168, "fifty days": 1200}
    return {name: Window(start, start + timedelta(hours=hours)) for name, hours in lengths.items()}


def bare_search(window: Window, sqlite: bool) -> tuple[str, Callable[[], tuple[Any, ...]]]:
    """Write the question by hand, with the places for instants; gives the text and a maker of its values."""
    since, until = clock.local(window.starts_at, ZONE), clock.local(window.ends_at, ZONE)
    places = dict.fromkeys(("since", "until", "now"), "?" if sqlite else "%s")
    now = clock.now()
    sql = BARE_SEARCH.format(
        minutes=int(window.length.total_seconds() // 60), ahead=int((window.starts_at - now).total_seconds() // 60) + 5,
        end_ahead=int((window.ends_at - now).total_seconds() // 60), bit=1 << since.weekday(), from_day=since.weekday(),
        from_minute=since.hour * 60 + since.minute, to_day=until.weekday(), to_minute=until.hour * 60 + until.minute, **places,
    )  # fmt: skip
    values = [window.starts_at, window.ends_at, now, now]
    return sql, lambda: tuple(map(_stored, values)) if sqlite else tuple(values)


def _stored(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def search(url: str, dialect: str, rounds: int) -> None:
    """Measure the search."""
    rows = []
    connection = connect(url)
    for name, window in windows(clock.now()).items():
        sql, values = bare_search(window, dialect == "sqlite")

        def bare(sql: str = sql, values: Callable[[], tuple[Any, ...]] = values) -> list[int]:
            return [row[0] for row in connection.execute(sql, values()).fetchall()]

        def service(window: Window = window) -> list[int]:
            found = free_items(window)
            db.session.commit()  # as a page ends that has only read (`database.end_reading`)
            return found

        if bare() != service():
            raise RuntimeError(f"the two searches differ for {name}: {len(bare())} and {len(service())}")
        taken: dict[Any, list[float]] = {bare: [], service: []}
        for _round in range(rounds):
            for way, times in taken.items():
                begun = time.perf_counter()
                way()
                times.append((time.perf_counter() - begun) * 1000)
        by_hand, by_service = (statistics.median(times) for times in taken.values())
        rows.append([name, str(len(bare())), ms(by_service), ms(by_hand), f"{by_service / by_hand:.2f}"])
    connection.close()
    title = (
        f"{dialect}, which of {ITEMS:,} items with {ITEMS * PER_ITEM:,} bookings in {DAYS} days are free (limit 1.5)"
    )
    show(title, ["window", "free", "service ms", "bare SQL ms", "x bare"], rows)


class Bookings:
    """Books an hour of one item after the other, each time one that is free."""

    def __init__(self, url: str, member: int) -> None:
        """Begin after all that is booked."""
        self.url, self.member = url, member
        self.sqlite = url.startswith("sqlite")
        self.start = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=DAYS + 40)
        self.numbers = itertools.count()
        self.items = [item for item in range(1, ITEMS + 1) if item % 3]  # those that are always open
        self.sql = BARE_BOOKING if self.sqlite else BARE_BOOKING.replace("?", "%s")

    def slot(self) -> tuple[int, Window]:
        """Give the next item and hour."""
        number = next(self.numbers)
        begins = self.start + timedelta(hours=2 * (number // len(self.items)))
        return self.items[number % len(self.items)], Window(begins, begins + timedelta(hours=1))

    def values(self) -> tuple[Any, ...]:
        """Give what the bare insert writes."""
        item, window = self.slot()
        since, until, now = window.starts_at, window.ends_at, clock.now()
        if self.sqlite:
            since, until, now = (_stored(instant) for instant in (since, until, now))  # type: ignore[assignment]
        return (item, item, since, until, since, until, self.member, now)

    def service(self) -> None:
        """Book through the gate."""
        item, window = self.slot()
        with transaction():
            occupancy.book(item, window, self.member, None)

    def bare(self) -> None:
        """Insert within the application's transaction."""
        with transaction() as session:
            session.connection().exec_driver_sql(self.sql, self.values()).fetchone()


def book(url: str, dialect: str, member: int, rounds: int) -> None:
    """Measure bookings, each way in turn."""
    bookings = Bookings(url, member)
    connection = connect(url)

    def driver() -> None:
        connection.execute("BEGIN IMMEDIATE" if bookings.sqlite else "BEGIN")
        connection.execute(bookings.sql, bookings.values()).fetchone()
        connection.execute("COMMIT")

    server = None if bookings.sqlite else connection.info.backend_pid
    ways: dict[str, tuple[Callable[[], None], int | None]] = {
        "driver": (driver, server), "bare": (bookings.bare, backend(url)), "service": (bookings.service, backend(url)),
    }  # fmt: skip
    taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, (act, process) in ways.items():
            begun, cpu = time.perf_counter(), spent(process)
            for _booking in range(BOOKED):
                act()
            if number:  # the first round warms up
                taken[way].append((BOOKED / (time.perf_counter() - begun), (spent(process) - cpu) / BOOKED * 1000))
    connection.close()
    found = {way: tuple(map(statistics.median, zip(*all_, strict=True))) for way, all_ in taken.items()}
    rate, cpu = found["service"]
    rows = [
        [way, f"{one[0]:.0f}", f"{one[1]:.3f}", f"{rate / one[0]:.2f}", f"{one[1] / cpu:.2f}"]
        for way, one in found.items()
    ]
    title = f"{dialect}, bookings one after the other (aim: at least 0.5 of the bare insert with its constraint)"
    show(title, ["way", "bookings/s", "CPU ms", "service's speed / its", "its CPU / service's"], rows)


def report(folder: Path, databases: Sequence[str], rounds: int) -> None:
    """Measure the databases and print two tables of each."""
    for dialect in databases:
        database = migrated(dialect, folder, "occupancy", migrate)
        database.clean()
        with built(settings(database.url, folder, environment="production", stripe_api_base=""), folder) as app:
            with app.app_context():
                member = fill(clock.now())
                db.session.remove()
            with app.app_context():
                search(database.url, dialect, rounds)
                book(database.url, dialect, member, rounds)
                db.session.remove()
