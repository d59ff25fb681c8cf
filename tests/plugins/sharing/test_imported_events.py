"""What another site's calendar says is closed here, however it says it, or its owner reads why it is not."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask_babel import force_locale

from marketplace.database import db
from marketplace.testing.clients import client_of, page_text
from marketplace.testing.people import log_in
from plugins.sharing.item.item_models import ImportedCalendar
from plugins.sharing.slot import imports, occupancy
from plugins.sharing.slot.imported_events import MOST, windows_in
from plugins.sharing.slot.occupancy import Window
from plugins.sharing.slot.windows import of_day
from tests.plugins.sharing.conftest import START, ZONE, ItemStage, at, window
from tests.plugins.sharing.other_site import event, ics, other_site

SPAN = Window(START - timedelta(days=1), START + timedelta(days=400))
FINE = event("DTSTART:20260312T090000Z", "DTEND:20260312T110000Z")
ITS = window("2026-03-12T09:00", "2026-03-12T11:00")


@pytest.mark.parametrize("lines", [
    ("DTSTART:2026-13-45T09",), ("DTSTART:090000",), ("SUMMARY:No start",), ("DTSTART;VALUE=DATE:99991231",),
    ("DTSTART:20260314T090000Z", "DTSTART:20260315T090000Z"), ("DTSTART:00010101T000000", "DURATION:PT1H"),
])  # fmt: skip
def test_an_event_that_makes_no_sense_stops_no_other(lines: tuple[str, ...]) -> None:
    found = windows_in(ics(event(*lines), FINE), ZONE, SPAN)
    assert (found.windows, found.events, len(found.unread)) == ([ITS], 1, 1)


@pytest.mark.parametrize("lines", [("DTEND:soon",), ("DURATION:PfooM",), ("DTEND:soon", "RRULE:FREQ=SOON")])
def test_of_an_event_whose_end_makes_no_sense_the_day_is_closed(lines: tuple[str, ...]) -> None:
    found = windows_in(ics(event("DTSTART:20260312T090000Z", *lines)), ZONE, SPAN)
    assert (found.windows, len(found.unread)) == ([window("2026-03-12T09:00", "2026-03-12T23:00")], 1)


@pytest.mark.parametrize("line", [
    "RRULE:FREQ=SOON", "RRULE:COUNT=3", "RRULE:FREQ=DAILY;INTERVAL=0", "RRULE:FREQ=DAILY;UNTIL=soon", "EXDATE:soon", "RDATE:soon",
])  # fmt: skip
def test_of_a_series_that_makes_no_sense_the_first_is_closed_and_the_rest_named(line: str) -> None:
    found = windows_in(ics(event("DTSTART:20260312T090000Z", "DTEND:20260312T110000Z", line)), ZONE, SPAN)
    assert (found.windows, len(found.unread)) == ([ITS], 1)


def test_one_of_a_series_that_does_not_say_which_is_closed_beside_it() -> None:
    text = ics(
        FINE.replace("DTSTAMP", "RECURRENCE-ID:soon\r\nDTSTAMP"),
        event("DTSTART:20260313T090000Z", "DTEND:20260313T100000Z"),
    )
    assert windows_in(text, ZONE, SPAN).windows == [ITS, window("2026-03-13T09:00", "2026-03-13T10:00")]


@pytest.mark.parametrize(("rule", "number"), [
    ("FREQ=DAILY", 401), ("FREQ=DAILY;INTERVAL=2", 201), ("FREQ=DAILY;BYDAY=MO", 57), ("FREQ=WEEKLY;BYDAY=MO,TH", 114),
    ("FREQ=HOURLY;INTERVAL=25", 401 * 24 // 25), ("FREQ=MINUTELY;INTERVAL=1440", 401), ("FREQ=DAILY;COUNT=5913", 1),
    ("FREQ=DAILY;COUNT=5912", 0), ("FREQ=WEEKLY;COUNT=5913", 57), ("FREQ=MONTHLY", 13), ("FREQ=YEARLY", 1),
    ("FREQ=DAILY;UNTIL=20260313T080000Z", 4), ("FREQ=DAILY;UNTIL=20260313T075959Z", 3), ("FREQ=DAILY;UNTIL=20200101", 0),
])  # fmt: skip
def test_a_series_that_began_long_ago_goes_on(rule: str, number: int) -> None:
    old = event(
        "DTSTART;TZID=Europe/Amsterdam:20100101T090000", "DTEND;TZID=Europe/Amsterdam:20100101T100000", f"RRULE:{rule}"
    )
    found = windows_in(ics(old), ZONE, SPAN)
    assert (len(found.windows), found.crowded, found.unread) == (
        pytest.approx(number, abs=1 if number > 300 else 0),
        False,
        [],
    )


def test_every_other_day_stays_the_same_day_however_long_ago_it_began() -> None:
    lines = ("DTEND;VALUE=DATE:20100102", "RRULE:FREQ=DAILY;INTERVAL=3;BYMONTH=3")
    found = windows_in(ics(event("DTSTART;VALUE=DATE:20100101", *lines)), ZONE, SPAN).windows
    days = [day for day in (date(2010, 1, 1) + timedelta(days=3 * n) for n in range(3000)) if day.month == 3]
    assert found == [one for one in (of_day(day, ZONE) for day in days) if one.overlaps(SPAN)]
    assert of_day(date(2026, 3, 29), ZONE) in found or of_day(date(2026, 3, 30), ZONE) in found


@pytest.mark.parametrize(("until", "last"), [
    ("20260314T113000Z", 14), ("20260314T112959Z", 13), ("20260314", 14), ("20260314T123000", 14), ("20260314T122959", 13),
])  # fmt: skip
def test_a_series_ends_at_the_time_of_day_that_it_says(until: str, last: int) -> None:
    daily = event(
        f"DTSTART;TZID={ZONE}:20260312T123000", f"DTEND;TZID={ZONE}:20260312T133000", f"RRULE:FREQ=DAILY;UNTIL={until}"
    )
    assert [one.starts_at.day for one in windows_in(ics(daily), ZONE, SPAN).windows] == list(range(12, last + 1))


def test_several_rules_of_one_event_all_count() -> None:
    lines = (
        "DTSTART:20260312T090000Z",
        "DTEND:20260312T110000Z",
        "RRULE:FREQ=DAILY;COUNT=2",
        "RRULE:FREQ=WEEKLY;COUNT=2",
    )
    assert [one.starts_at.day for one in windows_in(ics(event(*lines)), ZONE, SPAN).windows] == [12, 13, 19]


LATER = event("DTSTART:20260901T090000Z", "DTEND:20260901T110000Z")
THEN = window("2026-09-01T09:00", "2026-09-01T11:00")


@pytest.mark.parametrize(("end", "rule", "closed"), [
    ("20260312T090001Z", "FREQ=SECONDLY;COUNT=7200", ITS),
    ("20260312T100000Z", "FREQ=MINUTELY;UNTIL=20260312T100000Z", ITS),
    ("20260312T090100Z", "FREQ=MINUTELY;BYSECOND=0;COUNT=120", ITS),
])  # fmt: skip
def test_times_that_touch_are_one(end: str, rule: str, closed: Window) -> None:
    found = windows_in(ics(event("DTSTART:20260312T090000Z", f"DTEND:{end}", f"RRULE:{rule}"), LATER), ZONE, SPAN)
    assert (found.windows, found.crowded) == ([closed, THEN], False)


def test_a_series_without_end_closes_all_that_is_left() -> None:
    found = windows_in(
        ics(event("DTSTART:20260312T090000Z", "DTEND:20260312T090001Z", "RRULE:FREQ=SECONDLY")), ZONE, SPAN
    )
    assert [one.starts_at for one in found.windows] == [at("2026-03-12T09:00")]
    assert found.windows[0].ends_at >= SPAN.ends_at


def test_where_there_are_too_many_whole_days_are_closed_and_none_is_lost() -> None:
    often = event(
        "DTSTART:20260312T090000Z", "DTEND:20260312T090100Z", f"RRULE:FREQ=MINUTELY;INTERVAL=2;COUNT={MOST + 1}"
    )
    found = windows_in(ics(often, LATER), ZONE, SPAN)
    assert (found.crowded, found.events) == (True, MOST + 2)
    assert found.windows == [Window(of_day(date(2026, 3, 12), ZONE).starts_at, of_day(date(2026, 3, 13), ZONE).ends_at),
                             of_day(date(2026, 9, 1), ZONE)]  # fmt: skip


def test_what_comes_after_more_than_can_be_looked_at_is_closed() -> None:
    often = event("DTSTART:20260312T090000Z", "DTEND:20260312T090001Z", "RRULE:FREQ=SECONDLY;INTERVAL=2")
    found = windows_in(ics(often, LATER), ZONE, SPAN)
    assert found.crowded
    assert any(one.starts_at <= THEN.starts_at and THEN.ends_at <= one.ends_at for one in found.windows)


@pytest.mark.parametrize(("events", "english", "dutch"), [
    ((event("SUMMARY:Jan", "DTSTART:2026-13-45"),),
     "1 booking there can't be read in full; check that its time is closed here: Jan 2026-13-45",
     "1 boeking daar is niet helemaal te lezen; kijk of die tijd hier dicht staat: Jan 2026-13-45"),
    ((event("DTSTART:noon"), event("DTSTART:night")),
     "2 bookings there can't be read in full; check that their time is closed here. The first of them: noon",
     "2 boekingen daar zijn niet helemaal te lezen; kijk of die tijden hier dicht staan. De eerste: noon"),
    ((event("DTSTART:20260312T120000Z", "DURATION:PT1M", "RRULE:FREQ=MINUTELY;INTERVAL=2;COUNT=1001"),),
     "There are too many bookings to keep each, so time between them is closed here, too.",
     "Er zijn te veel boekingen om ze elk te bewaren, dus ook tijd ertussen is hier dicht."),
])  # fmt: skip
def test_the_owner_reads_what_of_a_calendar_could_not_be_read(
    make_app: Callable[..., Any], frozen: Any, events: tuple[str, ...], english: str, dutch: str
) -> None:
    from marketplace.testing.factories import Factories

    app = make_app(outgoing_networks=("127.0.0.0/8",))
    with app.app_context(), other_site() as (address, says):
        stage = ItemStage(app, Factories(), frozen)
        item = stage.item()
        says["body"] = ics(*events, FINE)
        calendar = imports.add(item, stage.units(item)[0], "Elsewhere", address)
        imports.refresh({"id": calendar.id})
        assert occupancy.answer(item, ITS).code == "elsewhere", "the rest of it counts"
        known = db.session.get_one(ImportedCalendar, calendar.id, populate_existing=True)
        assert (imports.stale(known), imports.trouble(known), imports.remark(known)) == (False, "", english)
        client = client_of(app)
        log_in(client, stage.owner)
        page = page_text(client.get(f"/items/{item}/calendars"))
        assert english in page
        assert "Not fetched yet" not in page
        with force_locale("nl"):
            assert imports.remark(known) == dutch
        db.session.remove()
