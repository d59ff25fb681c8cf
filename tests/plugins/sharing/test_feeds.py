"""Calendars go out under a secret address and come in as soft blocks, and labels can be printed."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask_babel import force_locale
from icalendar import Calendar
from sqlalchemy import select

from marketplace.api import FetchFailed
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.people import log_in
from marketplace.users.models import User
from plugins.sharing.item.item_models import ImportedCalendar, Occupancy
from plugins.sharing.slot import feeds, imports, occupancy
from plugins.sharing.slot.imported_events import NotACalendar, windows_in
from plugins.sharing.slot.occupancy import SlotTaken, Window
from plugins.sharing.slot.windows import of_day
from tests.plugins.sharing.conftest import START, ZONE, ItemStage, at, window
from tests.plugins.sharing.other_site import event, ics, other_site

SPAN = Window(START - timedelta(days=1), START + timedelta(days=400))


def test_a_feed_says_when_and_never_who(items: ItemStage, client: MarketplaceClient) -> None:
    item, member = items.item(), items.factories.user(name="Mia Member")
    slot = window("2026-03-12T09:00", "2026-03-12T11:00")
    items.book(item, slot, member.id)
    items.hold(item, slot.moved(timedelta(days=1)), member.id)
    with transaction():
        token = feeds.token_of(item)
        assert feeds.token_of(item) == token
    answer = client.get(f"/items/calendar/{token}.ics")
    assert (answer.status_code, answer.mimetype) == (200, "text/calendar")
    assert "Mia" not in answer.text
    found = Calendar.from_ical(answer.data).walk("VEVENT")
    assert [(one["dtstart"].dt, one["dtend"].dt) for one in found] == [(slot.starts_at, slot.ends_at)], (
        "holds are left out"
    )
    assert str(found[0]["SUMMARY"]).startswith("Booked: ")
    with transaction() as session:
        session.get_one(User, items.owner.id).locale = "nl"
    spoken = Calendar.from_ical(client.get(f"/items/calendar/{token}.ics").data).walk("VEVENT")
    assert str(spoken[0]["SUMMARY"]).startswith("Geboekt: "), "in its owner's language, whoever fetches it"
    with transaction():
        other = feeds.renew(item)
    assert client.get(f"/items/calendar/{token}.ics").status_code == 404
    assert client.get(f"/items/calendar/{other}.ics").status_code == 200
    assert client.get("/items/calendar/None.ics").status_code == 404


def test_who_reads_or_guesses_calendars_too_often_has_to_wait(
    items: ItemStage, client: MarketplaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = items.item()
    with transaction():
        token = feeds.token_of(item)
    monkeypatch.setitem(items.app.config, "RATELIMIT_ENABLED", True)
    answers = [client.get("/items/calendar/guess.ics").status_code for _each in range(40)]
    answers += [client.get(f"/items/calendar/{token}.ics").status_code for _each in range(81)]
    assert answers[:41] == [404] * 40 + [200], "a reader of many calendars is not in the way"
    assert 429 in answers, "windows are of wall time: a new minute may begin among these, but not two"


def test_what_a_calendar_says_is_read_in_the_items_zone() -> None:
    text = ics(
        event("DTSTART:20260312T090000Z", "DTEND:20260312T110000Z"),
        event("DTSTART;TZID=America/New_York:20260313T090000", "DTEND;TZID=America/New_York:20260313T100000"),
        event("DTSTART:20260314T090000", "DURATION:PT90M"),
        event("DTSTART;VALUE=DATE:20260329", "DTEND;VALUE=DATE:20260330"),
        event("DTSTART;VALUE=DATE:20260402"),
    )
    day = datetime(2026, 3, 29).date()  # noqa: DTZ001
    assert windows_in(text, ZONE, SPAN).windows == [
        window("2026-03-12T09:00", "2026-03-12T11:00"), window("2026-03-13T13:00", "2026-03-13T14:00"),
        window("2026-03-14T08:00", "2026-03-14T09:30"), of_day(day, ZONE), of_day(day + timedelta(days=4), ZONE),
    ]  # fmt: skip


def test_what_takes_no_time_is_over_or_is_our_own_is_left_out() -> None:
    when = ("DTSTART:20260312T090000Z", "DTEND:20260312T110000Z")
    own = event(*when).replace("1@elsewhere", f"5{feeds.OURS}")
    text = ics(
        event(*when, "STATUS:CANCELLED"), event(*when, "TRANSP:TRANSPARENT"), own, event(*when[:1]),
        event("DTSTART:20250312T090000Z", "DTEND:20250312T110000Z"), event("DTSTART:20260312T090000Z", "DTEND:20260311T090000Z"),
    )  # fmt: skip
    assert windows_in(text, ZONE, SPAN).windows == []


def test_a_weekly_event_keeps_its_hour_across_the_change_of_clocks() -> None:
    rule = "RRULE:FREQ=WEEKLY;COUNT=3"
    text = ics(event(f"DTSTART;TZID={ZONE}:20260322T123000", f"DTEND;TZID={ZONE}:20260322T133000", rule))
    starts = [one.starts_at for one in windows_in(text, ZONE, SPAN).windows]
    assert starts == [at("2026-03-22T11:30"), at("2026-03-29T10:30"), at("2026-04-05T10:30")]


WEEKLY = (f"DTSTART;TZID={ZONE}:20260322T123000", f"DTEND;TZID={ZONE}:20260322T133000", "RRULE:FREQ=WEEKLY;COUNT=4")
"""From 22 March on, four times, an hour from half past twelve on; the clocks change on the 29th."""


@pytest.mark.parametrize(("lines", "left"), [
    ((f"EXDATE;TZID={ZONE}:20260329T123000",), ["03-22", "04-05", "04-12"]),
    (("EXDATE:20260329T103000Z",), ["03-22", "04-05", "04-12"]),
    ((f"EXDATE;TZID={ZONE}:20260322T123000,20260412T123000",), ["03-29", "04-05"]),
    ((f"EXDATE;TZID={ZONE}:20260322T123000", f"EXDATE;TZID={ZONE}:20260405T123000"), ["03-29", "04-12"]),
    (("EXDATE;VALUE=DATE:20260405",), ["03-22", "03-29", "04-12"]),
    ((f"EXDATE;TZID={ZONE}:20260329T140000",), ["03-22", "03-29", "04-05", "04-12"]),
    ((f"RDATE;TZID={ZONE}:20260325T090000",), ["03-22", "03-25", "03-29", "04-05", "04-12"]),
])  # fmt: skip
def test_a_series_leaves_out_and_adds_the_days_that_it_says(lines: tuple[str, ...], left: list[str]) -> None:
    found = windows_in(ics(event(*WEEKLY, *lines)), ZONE, SPAN).windows
    assert [f"{one.starts_at:%m-%d}" for one in found] == left
    assert {one.length for one in found} == {timedelta(hours=1)}


def test_one_of_a_series_is_moved_or_cancelled_by_itself() -> None:
    moved = event(f"RECURRENCE-ID;TZID={ZONE}:20260329T123000", "DTSTART:20260330T080000Z", "DTEND:20260330T100000Z")
    cancelled = event(
        f"RECURRENCE-ID;TZID={ZONE}:20260405T123000", f"DTSTART;TZID={ZONE}:20260405T123000",
        f"DTEND;TZID={ZONE}:20260405T133000", "STATUS:CANCELLED",
    )  # fmt: skip
    other = event(f"RECURRENCE-ID;TZID={ZONE}:20260412T123000", "DTSTART:20260420T080000Z", "DTEND:20260420T090000Z")
    text = ics(moved, event(*WEEKLY), cancelled, other.replace("1@elsewhere", "2@elsewhere"))
    assert windows_in(text, ZONE, SPAN).windows == [
        window("2026-03-22T11:30", "2026-03-22T12:30"),
        window("2026-03-30T08:00", "2026-03-30T10:00"),
        window("2026-04-12T10:30", "2026-04-12T11:30"),
        window("2026-04-20T08:00", "2026-04-20T09:00"),
    ]


@pytest.mark.parametrize(
    "text", [b"", b"<html>Log in first</html>", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"\xff\xfe\x00"]
)
def test_what_is_no_calendar_is_said_so(text: bytes) -> None:
    with pytest.raises(NotACalendar):
        windows_in(text, ZONE, SPAN)


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give another site: its address, and what it answers."""
    with other_site() as site:
        yield site


@pytest.fixture
def near(make_app: Callable[..., Any], elsewhere: Any, frozen: Any) -> Iterator[ItemStage]:
    """Give a stage whose site may call this machine."""
    from marketplace.testing.factories import Factories

    app = make_app(outgoing_networks=("127.0.0.0/8",))
    with app.app_context():
        yield ItemStage(app, Factories(), frozen)
        db.session.remove()


def test_another_sites_bookings_close_the_slot_until_they_are_gone_there(
    near: ItemStage, elsewhere: tuple[str, dict[str, Any]]
) -> None:
    address, says = elsewhere
    item = near.item()
    slot = window("2026-03-12T09:00", "2026-03-12T11:00")
    booked = near.book(item, slot.moved(timedelta(hours=1)))
    says["body"] = ics(event("DTSTART:20260312T090000Z", "DTEND:20260312T110000Z"))
    calendar = imports.add(item, near.units(item)[0], "Elsewhere", address)
    assert imports.stale(calendar)
    imports.refresh({"id": calendar.id})
    assert near.row(booked.id).kind == "booking", "an overlap there refuses nothing here"
    assert occupancy.answer(item, window("2026-03-12T09:00", "2026-03-12T10:00")).code == "elsewhere"
    with pytest.raises(SlotTaken):
        near.hold(item, window("2026-03-12T08:30", "2026-03-12T09:30"))
    assert near.book(item, window("2026-03-12T08:30", "2026-03-12T09:30"), by_owner=True).kind == "booking"
    known = db.session.get_one(ImportedCalendar, calendar.id, populate_existing=True)
    assert (known.events, known.problem, known.fresh_at, imports.stale(known)) == (1, "", START, False)
    kept = db.session.scalars(select(Occupancy.id).where(Occupancy.calendar_id == calendar.id)).all()
    imports.refresh({"id": calendar.id})
    assert db.session.scalars(select(Occupancy.id).where(Occupancy.calendar_id == calendar.id)).all() == kept
    near.frozen.forward(hours=7)
    says["status"] = 500
    imports.refresh({"id": calendar.id})
    known = db.session.get_one(ImportedCalendar, calendar.id, populate_existing=True)
    assert (known.problem, known.fresh_at, imports.stale(known)) == ("status 500", START, True)
    assert imports.trouble(known) == "it answered with status 500"
    assert occupancy.answer(item, window("2026-03-12T09:30", "2026-03-12T10:00")).code == "elsewhere", (
        "what we had stays"
    )
    says.update(status=200, body=ics())
    imports.refresh({"id": calendar.id})
    assert occupancy.answer(item, window("2026-03-12T09:30", "2026-03-12T10:00")).free
    imports.remove(item, calendar.id)
    assert db.session.scalars(select(Occupancy.id).where(Occupancy.calendar_id.is_not(None))).all() == []


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/x.ics", "https://10.0.0.8/x.ics", "ftp://example.org/x", "nonsense"]
)
def test_an_internal_address_is_never_fetched(items: ItemStage, address: str) -> None:
    item = items.item()
    with pytest.raises(InvalidInput):
        imports.add(item, items.units(item)[0], "", address)


def test_the_owner_sees_calendars_and_labels_and_nobody_else_does(items: ItemStage, client: MarketplaceClient) -> None:
    item = items.item(2)
    pages = [f"/items/{item}/calendars", f"/items/{item}/labels"]
    log_in(client, items.factories.user())
    assert [client.get(page).status_code for page in pages] == [404, 404]
    log_in(client, items.owner)
    calendars, labels = (client.get(page) for page in pages)
    assert (calendars.status_code, labels.status_code) == (200, 200)
    assert labels.text.count('class="qr"') == 2
    assert "style=" not in labels.text
    assert "Number 2" in labels.text
    refused = client.post(pages[0], data={"unit": str(items.units(item)[0]), "url": "https://10.0.0.8/x.ics"})
    assert refused.status_code == 422
    with transaction():
        token = feeds.token_of(item)
    assert token in calendars.text
    assert client.post(f"/items/{item}/calendars/renew").status_code == 303
    assert client.get(f"/items/calendar/{token}.ics").status_code == 404


def test_holds_that_lapsed_long_ago_are_forgotten(items: ItemStage) -> None:
    item = items.item()
    old = items.hold(item, window("2026-03-20T09:00", "2026-03-20T10:00"))
    items.frozen.forward(days=1, hours=1)
    fresh = items.hold(item, window("2026-03-21T09:00", "2026-03-21T10:00"))
    imports.forget_lapsed({})
    assert items.row(old.id) is None
    assert items.row(fresh.id) is not None


@pytest.mark.parametrize(
    ("answer", "english", "dutch"),
    [
        ({"status": 404}, "it answered with status 404", "het antwoordde met status 404"),
        ({"body": b"<html>Log in first</html>"}, "it is no calendar", "het is geen agenda"),
        ({"body": b"x" * 1_100_000}, "it is longer than 1048576 bytes", "het is langer dan 1048576 bytes"),
    ],
)
def test_why_a_calendar_could_not_be_read_is_said_in_the_language_of_who_reads_it(
    near: ItemStage, elsewhere: tuple[str, dict[str, Any]], answer: dict[str, Any], english: str, dutch: str
) -> None:
    address, says = elsewhere
    item = near.item()
    says.update(answer)
    calendar = imports.add(item, near.units(item)[0], "Elsewhere", address)
    imports.refresh({"id": calendar.id})
    known = db.session.get_one(ImportedCalendar, calendar.id, populate_existing=True)
    client = client_of(near.app)
    log_in(client, near.owner)
    page = f"/items/{item}/calendars"
    assert f"Last time it failed: {english}" in page_text(client.get(page))
    with force_locale("nl"):
        assert imports.trouble(known) == dutch


def test_what_was_noted_in_other_words_is_only_said_not_to_have_been_reached(app: Any) -> None:
    with force_locale("nl"):
        assert FetchFailed.words("SSLError: certificate verify failed") == "het was niet te bereiken"
        assert FetchFailed.words("unknown_name") == "de naam is niet bekend"
