"""Readings of devices: taking them in beside a bare insert, and rating all stored ones again: `make bench ARGS=--readings`.

Each batch holds a hundred readings of one use. "bare" inserts the same rows by one statement in `transaction()`, without
looking at them; "intake" finds their use, looks for what is known, and lets the engine look for contradictions. Then as many
readings as asked are stored as uses of 25 readings with sealed bills, and rated again; the bytes are compared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import insert

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.testing.apps import built, settings
from marketplace.testing.databases import TestDatabase
from marketplace.testing.factories import Factories
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Item
from plugins.sharing.price import price_lists
from plugins.sharing.tariffs import bench
from plugins.sharing.use import intake, metering, rerating
from plugins.sharing.use.intake import Given
from plugins.sharing.use.metering import About
from plugins.sharing.use.use_models import Device, Reading, UseBill, UseSession
from tests.benchmarks.table import show

BATCH, BATCHES, CHUNK = 100, 40, 400
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = "Europe/Amsterdam"


class Place:
    """An owner's car with a known tariff, a member, and a device."""

    def __init__(self) -> None:
        """Write the few rows that everything belongs to."""
        make = Factories()
        self.owner, self.member = make.user(), make.user()
        self.listing = make.listing(self.owner, kind="item", body_md="It stands in our street.")
        with transaction() as session:
            item = Item(listing_id=self.listing.id, zone=ZONE, currency="EUR", arrangements=["use"])
            session.add(item)
            session.flush()
            self.unit = units.add(self.listing.id, "Car")
            self.device = Device(unit_id=self.unit.id, name="x", secret="x", created_at=BEGIN, created_by=self.owner.id)
            session.add(self.device)
        document = price_lists.parse(price_lists.templates()["car2go"])
        self.tariff = price_lists.save(self.listing.id, "use", document, None)

    def agreement(self, number: int, at: datetime) -> dict[str, Any]:
        """Give the row of an agreement."""
        return {
            "id": number, "kind": "use", "listing_id": self.listing.id, "owner_id": self.owner.id, "member_id": self.member.id,
            "state": "paid", "phase": "completed", "terms": {}, "created_at": at, "updated_at": at,
        }  # fmt: skip

    def session(self, number: int, begins: datetime, ends: datetime | None) -> dict[str, Any]:
        """Give the row of a use."""
        return {
            "agreement_id": number, "listing_id": self.listing.id, "unit_id": self.unit.id, "member_id": self.member.id,
            "holder_id": self.member.id, "owner_id": self.owner.id, "tariff_id": self.tariff.id, "currency": "EUR",
            "zone": ZONE, "options": [], "nonce": str(number), "standing": ends is None, "reserved_at": begins,
            "started_at": begins, "ended_at": ends,
        }  # fmt: skip


def report(database: TestDatabase, folder: Path, readings: int) -> None:
    """Measure one database and print both tables."""
    database.clean()
    with (
        built(settings(database.url, folder, environment="production", stripe_api_base=""), folder) as app,
        app.app_context(),
    ):
        place = Place()
        bare, ours = taking_in(place)
        rows = [["bare insert", f"{bare:,.0f}", ""], ["intake", f"{ours:,.0f}", f"{ours / bare:.2f}"]]
        show(f"{database.dialect}: readings a second, in batches of {BATCH}", ["", "readings/s", "times bare"], rows)
        stored = store(place, readings)
        found = rerating.run(_shown("rating again"))
        same = "all bytes the same" if not found.different else f"{len(found.different)} DIFFER"
        rows = [
            ["stored and billed", f"{stored:,.0f}", ""],
            ["rated again", f"{found.readings / found.seconds:,.0f}", same],
        ]
        show(f"{database.dialect}: {found.readings:,} readings, {found.bills:,} bills", ["", "readings/s", ""], rows)
        db.session.remove()


def taking_in(place: Place) -> tuple[float, float]:
    """Give how many readings a second are stored, bare and by the intake; they take turns."""
    starts = clock.now() - timedelta(hours=12)
    with transaction() as session:
        session.execute(insert(Agreement), [{**place.agreement(1, starts), "state": "running", "phase": "active"}])
        session.execute(insert(UseSession), [place.session(1, starts, None)])
    took = {"bare": 0.0, "intake": 0.0}
    for number in range(BATCHES):
        at = [starts + timedelta(seconds=number * 600 + 3 * second) for second in range(2 * BATCH)]
        took["bare"] += _timed(_bare, place, at[:BATCH], number)
        took["intake"] += _timed(_taken, place, at[BATCH:], number)
    return BATCH * BATCHES / took["bare"], BATCH * BATCHES / took["intake"]


def _timed(work: Callable[..., None], *facts: Any) -> float:
    began = perf_counter()
    work(*facts)
    return perf_counter() - began


def _bare(place: Place, at: list[datetime], number: int) -> None:
    rows = [
        {"session_id": 1, "source": "device", "device_id": place.device.id, "taken_at": one, "state": "", "event": "",
         "registers": {"km": str(2 * BATCH * number + count)}, "received_at": one, "note": ""}
        for count, one in enumerate(at)
    ]  # fmt: skip
    with transaction() as session:
        session.execute(insert(Reading), rows)


def _taken(place: Place, at: list[datetime], number: int) -> None:
    batch = [Given(one, {"km": str(2 * BATCH * number + BATCH + count)}) for count, one in enumerate(at)]
    with transaction() as session:
        intake.take(session.get_one(Device, place.device.id), batch)


def store(place: Place, readings: int) -> float:
    """Store so many readings as ended uses with sealed bills, in the past; gives how many a second."""
    began, uses = perf_counter(), max(1, readings // bench.PER_USE)
    shown = _shown("storing     ")
    for first in range(0, uses, CHUNK):
        numbers = range(first, min(uses, first + CHUNK))
        with transaction() as session:
            made = [_use(place, number) for number in numbers]
            for table, rows in zip(
                (Agreement, UseSession), zip(*((one[0], one[1]) for one in made), strict=True), strict=True
            ):
                session.execute(insert(table), list(rows))
            session.execute(insert(Reading), [row for one in made for row in one[2]])
            session.execute(insert(UseBill), [_bill(place, number, made[number - first][1]) for number in numbers])
        shown(numbers[-1] + 1, uses)
    return readings / (perf_counter() - began)


def _use(place: Place, number: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """Make one use of the engine's own benchmark, as rows."""
    read = bench.readings_of(number)
    rows = [
        {"session_id": number + 2, "source": "device", "device_id": place.device.id, "number": one.number, "taken_at": one.at,
         "state": one.state, "registers": {name: str(value) for name, value in one.registers.items()}, "event": "",
         "note": "", "received_at": one.at}
        for one in read
    ]  # fmt: skip
    return place.agreement(number + 2, read[0].at), place.session(number + 2, read[0].at, read[-1].at), rows


def _bill(place: Place, number: int, session: dict[str, Any]) -> dict[str, Any]:
    """Rate what was just stored, as the bill's effect does, and give the row."""
    rows, about = metering.readings_of(number + 2), About(ZONE)
    found = metering.rate(UseSession(**session), rows, about)
    return {
        "session_id": number + 2, "kind": "bill", "run": 1, "series": "U", "year": 2026, "number": number + 1,
        "about": about.kept(), "upto_reading": max(row.id for row in rows), "document": found.canonical().decode("ascii"),
        "total_minor": found.total, "credits_minor": 0, "currency": "EUR", "issued_on": BEGIN.date(), "created_at": BEGIN,
    }  # fmt: skip


def _shown(label: str) -> Callable[[int, int], None]:
    """Show how far it is, on the terminal only."""

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            width = 40 * done // max(total, 1)
            end = "\n" if done >= total else ""
            print(f"\r{label} [{'#' * width:<40}] {done:,} of {total:,}", end=end, file=sys.stderr, flush=True)

    return progress
