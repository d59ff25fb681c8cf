"""The operator's pages of sharing: who sees them, what they list, and that more rows cost no more statements."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from marketplace import clock
from marketplace.database import db
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.testing.statements import Statements
from plugins.sharing import operator_reads
from plugins.sharing.loan import handovers
from plugins.sharing.price import price_lists
from plugins.sharing.price.simple_tariffs import document
from tests.plugins.sharing.loan_world import PER_DAY, Lending
from tests.plugins.sharing.meal_world import Cooking
from tests.plugins.sharing.use_world import PLAIN, UseWorld

LISTS = ("", "/overdue", "/claims", "/uses", "/orders", "/prices")


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender and a borrower."""
    return Lending(app, factories, frozen)


def lent(lending: Lending, count: int) -> None:
    """Lend so many things that are overdue now, and claim something for as many that came back."""
    window = lending.soon(1)
    late = [lending.agreed(lending.item(), window) for _number in range(count)]
    back = [lending.agreed(lending.item(replacement_minor=50_000), window) for _number in range(count)]
    lending.to(window.starts_at)
    for agreement in (*late, *back):
        handovers.record(agreement.id, lending.as_lender(agreement), "out", condition="Fine")
    lending.to(window.ends_at + timedelta(hours=1))
    for agreement in back:
        lending.claim(lending.back(agreement), 2500)


def used(world: UseWorld, count: int) -> None:
    """Let so many members use something, each under prices of its own."""
    for _number in range(count):
        listing = world.item(PLAIN)
        world.start(world.member(), unit=world.add_unit(listing))


def ordered(cooking: Cooking, count: int) -> None:
    """Let so many members order a portion, each of a meal of its own."""
    for _number in range(count):
        cooking.order(cooking.meal(price=0), by=cooking.factories.user())


def text(client: MarketplaceClient, path: str) -> str:
    answer = client.get(f"/operator/sharing{path}")
    assert answer.status_code == 200, page_text(answer)[:300]
    assert answer.headers["Cache-Control"] == "no-store"
    return page_text(answer)


@pytest.mark.parametrize("path", LISTS)
def test_only_operators_see_the_lists(path: str, client: MarketplaceClient, auth: Auth) -> None:
    guest = client.get(f"/operator/sharing{path}")
    assert guest.status_code == 302
    assert "/login" in guest.headers["Location"]
    assert auth.client().get(f"/operator/sharing{path}").status_code == 403


def test_an_empty_place_says_so(client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    for path in LISTS:
        assert "Nothing here" in text(client, path)


def test_what_is_out_overdue_and_claimed_is_listed_with_its_people(
    client: MarketplaceClient, auth: Auth, lending: Lending
) -> None:
    auth.operator()
    fine = lending.out(lending.item(), lending.soon(20))
    late = lending.out(lending.item(), lending.soon(1))
    claimed = lending.out(lending.item(replacement_minor=50_000), lending.soon(1))
    lending.later(days=3)
    claim = lending.claim(lending.back(claimed), 2500)
    out = text(client, "")
    assert out.count("A ladder") == 2
    assert "Lena Lender" in out
    assert "Ben Borrower" in out
    html = client.get("/operator/sharing").get_data(as_text=True)
    assert f"/operator/agreements/{fine.id}" in html
    assert f"/operator/agreements/{claimed.id}" not in html
    overdue = client.get("/operator/sharing/overdue").get_data(as_text=True)
    assert f"/operator/agreements/{late.id}" in overdue
    assert f"/operator/agreements/{fine.id}" not in overdue
    claims = text(client, "/claims")
    assert "€25.00" in claims
    assert "the borrower" in claims
    assert f"/loans/claims/{claim.id}" in client.get("/operator/sharing/claims").get_data(as_text=True)
    assert "Decide it" in page_text(client.get(f"/loans/claims/{claim.id}"))
    assert re.findall(r"<dd>(\d+)</dd>", _figures(client)) == ["2", "1", "1", "0", "0", "0"]


def _figures(client: MarketplaceClient) -> str:
    page = client.get("/operator").get_data(as_text=True)
    return page[page.index('id="sharing-figures"') :].split("</section>")[0]


def test_the_longest_overdue_stands_first_and_no_row_is_lost_between_pages(
    client: MarketplaceClient, auth: Auth, lending: Lending, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth.operator()
    made = [lending.out(lending.item(), lending.soon(days)) for days in (3, 1, 2, 1)]
    lending.later(days=9)
    monkeypatch.setattr(operator_reads.soonest, "__defaults__", (2,))
    seen: list[int] = []
    path = "/operator/sharing/overdue"
    while path:
        html = client.get(path).get_data(as_text=True)
        seen += [int(number) for number in re.findall(r"/operator/agreements/(\d+)", html)]
        onward = re.search(r'rel="next" href="([^"]+)"', html)
        path = onward.group(1) if onward else ""
    ends = [lending.loan(db.session.get_one(type(made[0]), number)).ends_at for number in seen]
    assert sorted(seen) == sorted(one.id for one in made)
    assert ends == sorted(ends)
    assert client.get("/operator/sharing/overdue?before=999999").status_code == 200


def test_uses_that_run_and_prices_in_force_are_listed(
    app: Flask, factories: Factories, frozen: Any, sandbox: Bank, client: MarketplaceClient, auth: Auth
) -> None:
    world = UseWorld(app, factories, frozen, sandbox)
    auth.operator()
    running = world.start(world.member(), limit_minor=2000)
    ended = world.start(world.member(), unit=world.add_unit())
    world.frozen.forward(minutes=5)
    world.move(ended, "end", km="1001")
    uses = client.get("/operator/sharing/uses").get_data(as_text=True)
    assert f"/operator/agreements/{running.id}" in uses
    assert f"/operator/agreements/{ended.id}" not in uses
    assert "€20.00" in uses
    price_lists.save(world.listing.id, "rent", document(PER_DAY, "EUR", "By the day"), world.owner)
    prices = text(client, "/prices")
    assert "By the minute" in prices
    assert "By the day" in prices
    price_lists.save(world.listing.id, "rent", document(PER_DAY, "EUR", "By the long day"), world.owner)
    again = text(client, "/prices")
    assert "By the long day" in again
    assert "By the day" not in again


def test_orders_that_are_not_over_are_listed_by_their_pick_up(
    app: Flask, factories: Factories, frozen: Any, client: MarketplaceClient, auth: Auth
) -> None:
    cooking = Cooking(app, factories, frozen)
    auth.operator()
    now = clock.now()
    late, soon = (
        cooking.order(
            cooking.meal(6, pickup_from=now + timedelta(hours=hours), pickup_until=now + timedelta(hours=30)), 2
        )
        for hours in (28, 26)
    )
    cooking.move(cooking.order(cooking.meal()), "cancel", cooking.as_borrower(late))
    html = client.get("/operator/sharing/orders").get_data(as_text=True)
    assert [int(number) for number in re.findall(r"/operator/agreements/(\d+)", html)] == [soon.id, late.id]
    page = text(client, "/orders")
    assert "2 of 6" in page
    assert "Lentil stew" in page
    assert "Ben Borrower" in page
    assert re.findall(r"<dd>(\d+)</dd>", _figures(client)) == ["0", "0", "0", "0", "2", "0"]


def test_thirty_rows_cost_as_many_statements_as_three(
    app: Flask, factories: Factories, frozen: Any, sandbox: Bank, client: MarketplaceClient, auth: Auth,
    lending: Lending, statements: Callable[[], Statements],
) -> None:  # fmt: skip
    auth.operator()
    world = UseWorld(app, factories, frozen, sandbox)
    cooking = Cooking(app, factories, frozen)
    counted: list[dict[str, int]] = []
    for more, rows in ((3, 3), (27, 30)):
        lent(lending, more)
        used(world, more)
        ordered(cooking, more)
        counted.append({})
        for path in LISTS:
            client.get(f"/operator/sharing{path}")
            with statements() as seen:
                page = client.get(f"/operator/sharing{path}").get_data(as_text=True)
            counted[-1][path] = len(seen)
            assert page.count('<th scope="row"') >= rows, path
    assert counted[0] == counted[1]
    assert max(counted[0].values()) <= 5, counted
