"""The worked cases of metering, on stored tariffs and sealed bills; and what was quoted is what is billed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from marketplace.database import db
from marketplace.testing.factories import Factories
from plugins.sharing.price import price_lists
from plugins.sharing.tariffs import Circumstances, bill, planned, use_of
from plugins.sharing.use import use_bills
from plugins.sharing.use.metering import state_names
from tests.plugins.sharing.tariff_world import DATA, FILES
from tests.plugins.sharing.use_world import UseWorld, at, number_of

ROUNDS = 3
"""Random uses of each ready-made tariff and database."""


@dataclass(frozen=True)
class Span:
    """A window."""

    starts_at: datetime
    ends_at: datetime


@pytest.fixture
def world(make_app: Any, frozen: Any) -> Any:
    """Give a site without payments."""
    app: Flask = make_app(payments=False)
    with app.app_context():
        yield UseWorld(app, Factories(), frozen)
        db.session.remove()


def one(price: dict[str, Any], example: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give a document with one component and one example."""
    return {
        "format": 1,
        "name": "Case",
        "version": 1,
        "currency": "EUR",
        "component": [price],
        "example": [example],
        **more,
    }


@pytest.mark.parametrize("name", FILES)
def test_known_tariffs_are_saved_and_give_their_examples_to_the_cent(world: UseWorld, name: str) -> None:
    document = price_lists.parse((DATA / f"{name}.toml").read_text(encoding="utf-8"))
    saved = price_lists.save(number_of(world.listing), "use", document, None)
    for example in saved.terms.examples:
        found = price_lists.quote(saved.id, use_of(example))
        assert [(line.key, line.amount) for line in found.lines] == list(example.lines), example.name
        assert found.total == example.total


@pytest.mark.parametrize("name", FILES)
def test_a_use_as_quoted_is_billed_as_quoted(world: UseWorld, name: str) -> None:
    chance = random.Random(name)  # the same uses on every run
    document = price_lists.parse((DATA / f"{name}.toml").read_text(encoding="utf-8"))
    unit = world.add_unit(world.item(document))
    for _round in range(ROUNDS):
        agreement = world.reserve(world.member(), unit=unit)
        terms = price_lists.stored(world.side(agreement).tariff_id).terms
        running, paused = state_names(terms)
        waits = chance.randrange(1, 10) if terms.reservation else 0
        lengths = (
            [chance.randrange(1, 40_000) for _part in range(3)] if running != paused else [chance.randrange(1, 200_000)]
        )
        registers = list(dict.fromkeys(part.register for part in terms.components if part.register))
        counts = {key: Decimal(chance.randrange(0, 90_000)) / 100 for key in registers}
        began = world.side(agreement).reserved_at
        parts = [(terms.reservation, timedelta(minutes=waits))] if waits else []
        parts += [((running, paused)[place % 2], timedelta(seconds=length)) for place, length in enumerate(lengths)]
        quoted = bill(terms, planned(began, parts, counts, {}, Circumstances("Europe/Amsterdam")))
        world.frozen.forward(minutes=waits)
        world.move(agreement, "start", **dict.fromkeys(registers, "500"))
        for move, length in zip(("pause", "resume", "end")[-len(lengths) :], lengths, strict=True):
            world.frozen.forward(seconds=length)
            ends = {key: str(500 + count) for key, count in counts.items()} if move == "end" else {}
            world.move(agreement, move, sure=True, **ends)  # figures by chance, whatever the time allows
        world.work()
        (sealed,) = world.bills(agreement)
        assert sealed.document.encode() == quoted.canonical(), (name, parts, counts)


def test_a_cap_counts_what_the_month_has_billed_already(world: UseWorld) -> None:
    price = {"key": "units", "kind": "quantity", "register": "units", "price": "10"}
    example = {"name": "Two", "use": ["1 h"], "quantities": {"units": "2"}, "lines": [["units", "20"]], "total": "20"}
    cap = [{"key": "month-cap", "amount": "100", "of": ["units"], "per": "period"}]
    unit = world.add_unit(world.item(one(price, example, cap=cap)))
    member = world.member()

    def used(count: int) -> Any:
        from plugins.sharing.use import sessions
        from plugins.sharing.use.sessions import Wish

        made = sessions.start_now(
            world.by_id(number_of(member)), Wish(unit_id=number_of(unit), nonce=str(count)), {"units": "0"}
        )
        world.frozen.forward(hours=1)
        world.move(made, "end", units=str(count))
        world.work()
        return world.bills(made)[0]

    assert used(7).total_minor == 70_00
    second = used(5)
    lines = [(line.key, line.amount) for line in use_bills.thawed(second).lines]
    assert (second.total_minor, lines) == (30_00, [("units", 50_00), ("month-cap", -20_00)])
    assert second.about["before"] == {"month-cap": "7000"}
    world.frozen.at("2026-04-02T09:00:00+00:00")
    assert used(6).total_minor == 60_00, "a new month begins anew"


def test_42_minutes_of_parking_by_the_five_are_45(world: UseWorld) -> None:
    price = {"key": "time", "kind": "time", "price": "0.10", "per": "minute", "step": "5 min"}
    example = {"name": "Six minutes", "use": ["6 min"], "lines": [["time", "1.00"]], "total": "1.00"}
    unit = world.add_unit(world.item(one(price, example)))
    agreement = world.use(world.member(), 42, 0, unit=unit)
    assert world.bills(agreement)[0].total_minor == 4_50


def test_floats_never_not_even_where_they_would_hide(world: UseWorld) -> None:
    price = {"key": "energy", "kind": "quantity", "register": "kwh", "price": "1", "step": "0.7"}
    example = {"name": "2.1 in steps of 0.7", "use": ["1 h"], "quantities": {"kwh": "2.1"}, "lines": [["energy", "2.10"]],
               "total": "2.10"}  # fmt: skip
    saved = price_lists.save(number_of(world.listing), "use", one(price, example), None)
    steps = (
        price_lists.quote(saved.id, Span(at(0), at(60)), quantities={"kwh": Decimal("2.1")}).lines[0].facts["charged"]
    )
    assert steps == "2.1", "three steps, not four"


@pytest.mark.parametrize(("begins", "hours"), [("2026-03-28T09:00", 47), ("2026-10-24T08:00", 49)])
def test_hours_that_pass_are_charged_across_both_changes_of_clock(world: UseWorld, begins: str, hours: int) -> None:
    price = {"key": "time", "kind": "time", "price": "1", "per": "hour"}
    example = {"name": "An hour", "use": ["1 h"], "lines": [["time", "1"]], "total": "1"}
    saved = price_lists.save(number_of(world.listing), "use", one(price, example), None)
    start = datetime.fromisoformat(f"{begins}:00+00:00")
    assert price_lists.quote(saved.id, Span(start, start + timedelta(hours=hours))).total == hours * 100
