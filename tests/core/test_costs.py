"""What pages and pledges cost in SQL statements: a fixed number, with three hundred listings as with nine hundred."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from marketplace import clock
from marketplace.api_v1 import tokens
from marketplace.database import db
from marketplace.outgoing import hearing
from marketplace.settings import service as settings_service
from marketplace.testing.clients import MarketplaceClient, client_of
from marketplace.testing.databases import TestDatabase
from marketplace.testing.people import log_in
from marketplace.testing.statements import BOUNDARIES, Statements
from marketplace.users.models import User
from plugins.funding import totals
from plugins.funding.models import STANDING, Campaign
from tests.benchmarks.seed import BUSY_CAMPAIGN, MEMBER, OWNER, fill, plan_of

FEW, MANY = 300, 900
SEARCHES = (
    "/discover", "/discover?kind=campaign", "/discover?kind=notice", "/discover?category=tools", "/discover?price=20",
    "/discover?free=1", "/discover?pictures=1", "/discover?q=drill", "/discover?q=dri&sort=price",
    "/discover?radius=50", "/discover?radius=100&place=Utrecht", "/discover?sort=near", "/discover?sort=price",
    "/discover?sort=ending", "/discover?sort=new", "/discover?category=tools&price=25&pictures=1&radius=100&q=a",
    "/discover?category=garden&price=25",
)  # fmt: skip
PAGED = ("/discover", "/discover?radius=50", "/discover?sort=price", "/discover?sort=ending")
LISTING = f"/listings/{BUSY_CAMPAIGN + 1}-x"
CAMPAIGN = f"/campaigns/{BUSY_CAMPAIGN}-x"
ACCOUNT = (
    "/account", "/account/listings", "/account/agreements", "/account/agreements?role=owner", "/account/payments",
    "/account/sessions", "/account/tokens", "/account/notifications", "/notifications", "/messages",
)  # fmt: skip
LISTS = ("/api/v1/listings", "/api/v1/listings?limit=50", "/api/v1/campaigns", "/api/v1/pledges", "/api/v1/agreements")
MOST = {
    **dict.fromkeys(SEARCHES, 4),
    "/discover?category=garden&price=25": 2,
    "/": 6,
    LISTING: 5,
    CAMPAIGN: 6,
    **dict.fromkeys(ACCOUNT, 8),
    **dict.fromkeys(LISTS, 4),
}
"""The most statements that a page may send; a member's page spends one on who they are and one on the header's counts."""


PLEDGES = [14, 16]
"""The statements of a pledge by form, and by the API, which also claims its key and keeps its answer; one of them is what
a process asks every five seconds, and a pledge in between does without."""


def seeded(app: Flask, listings: int) -> None:
    """Fill the app's database, which is empty, and end what was read meanwhile."""
    fill(app, plan_of(listings, clock.now()), "test")


def cost(client: MarketplaceClient, engine: Engine, address: str, **options: object) -> tuple[int, str]:
    """Ask twice and give how many statements the second answer took, with its text."""
    client.get(address, follow_redirects=True, **options)
    if address in (LISTING, CAMPAIGN):
        address = client.get(address).location
    with Statements(engine) as seen:
        answer = client.get(address, **options)
    assert answer.status_code == 200, address
    return len(seen), answer.text


def visitors(app: Flask) -> tuple[MarketplaceClient, MarketplaceClient, dict[str, str]]:
    """Give a guest, the owner of the busy campaign, and the headers of the owner's token."""
    with app.app_context():
        owner = db.session.get_one(User, OWNER)
        member = client_of(app)
        log_in(member, owner)
        scopes = ("listings:read", "pledges:read", "agreements:read", "profile:read")
        _row, secret = tokens.create(owner.id, name="t", scopes=scopes, expires_at=None)
        db.session.remove()
    return client_of(app), member, {"Authorization": f"Bearer {secret}"}


def costs(app: Flask, listings: int) -> dict[str, int]:
    """Give the statements of every page on a site of this size."""
    seeded(app, listings)
    guest, member, token = visitors(app)
    with app.app_context():
        engine = db.engine
    found: dict[str, int] = {}
    for address in ("/", *SEARCHES, LISTING, CAMPAIGN):
        found[address], text = cost(guest, engine, address)
        if address in PAGED and (more := re.search(r'<link rel="next" href="([^"]+)"', text)):
            found[f"{address}, page 2"], _text = cost(guest, engine, unescape(more[1]))
    for address in ACCOUNT:
        found[address], _text = cost(member, engine, address)
    for address in LISTS:
        found[address], _text = cost(guest, engine, address, headers=token)
    return found


@pytest.fixture
def sites(make_app: Callable[..., Flask], database: TestDatabase) -> Callable[[], Flask]:
    """Give a maker of apps, each on a database that is empty again."""

    def make() -> Flask:
        database.clean()
        return make_app()

    return make


def test_no_page_sends_more_statements_because_there_are_more_rows(sites: Callable[[], Flask]) -> None:
    few, many = costs(sites(), FEW), costs(sites(), MANY)
    grown = {address: (few[address], number) for address, number in many.items() if number > few.get(address, number)}
    assert not grown
    assert {f"{address}, page 2" for address in PAGED} <= many.keys()


def test_every_page_keeps_to_its_number_of_statements(sites: Callable[[], Flask]) -> None:
    found = costs(sites(), MANY)
    limits = {address: MOST[address.removesuffix(", page 2")] for address in found}
    assert {address: number for address, number in found.items() if number > limits[address]} == {}


class Writers:
    """Counts the transactions in which something was written."""

    def __init__(self, engine: Engine) -> None:
        """Watch `engine` within the block."""
        self.engine, self.count, self.statements, self._wrote = engine, 0, 0, False

    def __enter__(self) -> Writers:
        """Begin."""
        event.listen(self.engine, "before_cursor_execute", self._note)
        event.listen(self.engine, "commit", self._end)
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        event.remove(self.engine, "before_cursor_execute", self._note)
        event.remove(self.engine, "commit", self._end)

    def _note(self, _connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        first = statement.split(None, 1)[0].upper()
        self.statements += first not in BOUNDARIES
        self._wrote |= first in ("INSERT", "UPDATE", "DELETE")

    def _end(self, _connection: object) -> None:
        self.count += self._wrote
        self._wrote = False


def pledge_by_form(client: MarketplaceClient, engine: Engine) -> Writers:
    """Fill in the form of the busy campaign and send it."""
    form = client.get(f"/campaigns/{BUSY_CAMPAIGN}/pledge").text
    nonce = re.search(r'name="nonce"[^>]*value="([^"]+)"', form)
    assert nonce is not None
    fields = {"nonce": nonce[1], "amount": "15", "reward": str(BUSY_CAMPAIGN * 10), "method": str(MEMBER)}
    with Writers(engine) as seen:
        answer = client.post(f"/campaigns/{BUSY_CAMPAIGN}/pledge", data=fields)
    assert answer.status_code == 303
    return seen


def pledge_by_api(client: MarketplaceClient, engine: Engine, secret: str) -> Writers:
    """Pledge to another campaign with a token."""
    campaign = BUSY_CAMPAIGN + 5
    body = {"amount": {"minor": 1500, "currency": "EUR"}, "reward_id": campaign * 10, "method_id": MEMBER}
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "k" * 20}
    with Writers(engine) as seen:
        answer = client.post(f"/api/v1/campaigns/{campaign}/pledges", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return seen


def pledge_costs(app: Flask, listings: int) -> list[int]:
    """Pledge by form and by the API on a site of this size; give the statements of both."""
    seeded(app, listings)
    client = client_of(app)
    with app.app_context():
        log_in(client, db.session.get_one(User, MEMBER))
        _row, secret = tokens.create(MEMBER, name="t", scopes=("pledges:write",), expires_at=None)
        backers = db.session.get_one(Campaign, BUSY_CAMPAIGN).backers
        engine = db.engine
        db.session.remove()
    ways = [pledge_by_form(client, engine), pledge_by_api(client_of(app), engine, secret)]
    assert [way.count for way in ways] == [1, 1]
    with app.app_context():
        assert db.session.get_one(Campaign, BUSY_CAMPAIGN).backers == backers + 1
        assert totals.drift() == []
        db.session.remove()
    return [way.statements for way in ways]


def test_a_pledge_is_one_writing_transaction_of_the_same_length_on_any_site(
    sites: Callable[[], Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is asked anew every few seconds is asked once here, however slow the machine.
    for module in (settings_service, hearing):
        monkeypatch.setattr(module, "FRESH_SECONDS", float("inf"))
    few, many = pledge_costs(sites(), FEW), pledge_costs(sites(), MANY)
    assert many == few
    assert [number - most for number, most in zip(many, PLEDGES, strict=True) if number > most] == []


def test_looking_for_ones_own_pledge_does_not_read_everybodys(app: Flask, database: TestDatabase) -> None:
    if database.dialect == "postgresql":
        ask = "EXPLAIN SELECT 1 FROM funding_pledge WHERE campaign_id = 1 AND member_id = 2 AND {}"
        before = "SET enable_seqscan = off"
    else:
        ask, before = (
            "EXPLAIN QUERY PLAN SELECT 1 FROM funding_pledge WHERE campaign_id = 1 AND member_id = 2 AND {}",
            "SELECT 1",
        )
    with db.engine.connect() as connection:
        connection.exec_driver_sql(before)
        plan = str(connection.exec_driver_sql(ask.format(STANDING)).all())
    assert "uq_funding_pledge_standing" in plan
