"""A neighbourhood of any size, written by bulk inserts: members, listings, campaigns, pledges, and totals that agree with them.

Every fifth listing is a campaign. Pledges go to campaigns at random, three per campaign on average; besides, one campaign
has a tenth of the listings' number, so that growth with the number of pledges shows on its page. All is drawn from one seed:
both databases hold the same rows.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Connection, func, insert, select, text

from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.database import db, is_sqlite
from marketplace.listings.categories import CATEGORIES
from marketplace.listings.models import Listing
from marketplace.payments.models import Payment, SavedMethod
from marketplace.users.models import User
from plugins.funding import totals
from plugins.funding.models import Campaign, Pledge, Reward, Update

CHUNK = 2000
CENTRE = (52.3676, 4.9041)
SPREAD = 0.35
MEMBER, OWNER, BUSY_CAMPAIGN = 1, 2, 5
"""Ids: the member who looks and pledges, the busy campaign's owner, and the busy campaign."""

THINGS = ("drill", "ladder", "tent", "cargo bike", "sewing machine", "projector", "lawn mower", "canoe", "cookbook",
          "guitar", "wheelbarrow", "party table", "pressure washer", "sledge", "telescope", "chessboard")  # fmt: skip
KINDS = ("sturdy", "small", "old", "new", "borrowed", "red", "quiet", "folding", "light", "handy", "solar", "wooden")
PLACES = ("Amsterdam", "Utrecht", "Haarlem", "Zaandam", "Hoofddorp", "Amstelveen", "Hilversum", "Almere")
UNITS = ("hour", "day", "week", "piece", "once")


@dataclass(slots=True)
class Plan:
    """What is to be written: numbers of rows, and the sums that campaigns will keep."""

    listings: int
    now: datetime
    chance: random.Random
    backed: dict[int, list[int]] = field(default_factory=dict)

    @property
    def members(self) -> int:
        """Give how many people there are; ids are 1 to this."""
        return max(40, self.listings // 10)

    def campaigns(self) -> range:
        """Give the ids of listings that are campaigns."""
        return range(BUSY_CAMPAIGN, self.listings + 1, 5)


def plan_of(listings: int, now: datetime) -> Plan:
    """Draw who pledges to what, for this number of listings."""
    plan = Plan(listings, now, random.Random(f"shareconomy {listings}"))
    _draw_pledges(plan)
    return plan


def fill(app: Flask, plan: Plan, label: str) -> None:
    """Write it all in one go and prove that the kept totals are the counted ones; shows its progress on a terminal."""
    pledges = sum(map(len, plan.backed.values()))
    bar = Bar(label, plan.listings + 4 * pledges)
    with app.app_context():
        with db.engine.begin() as connection:
            for table, rows in _tables(plan):
                for chunk in _chunks(rows):
                    connection.execute(insert(table), chunk)
                    bar.forward(len(chunk) if table in BIG else 0)
            if connection.dialect.name == "postgresql":
                _continue_numbers(connection)
        _analyse()
        drift = totals.drift()
        db.session.remove()
    bar.end()
    if drift:
        raise RuntimeError(f"kept totals differ from the pledges: {drift[:3]}")


def _draw_pledges(plan: Plan) -> None:
    """Choose who pledges to what; nobody twice to one campaign, and never the member whose pledges are measured."""
    backers = range(MEMBER + 2, plan.members + 1)
    for campaign in plan.campaigns():
        number = min(len(backers) - 1, plan.listings // 10 if campaign == BUSY_CAMPAIGN else plan.chance.randrange(7))
        chosen = plan.chance.sample(backers, number)
        plan.backed[campaign] = [member for member in chosen if member != _owner(plan, campaign)]


def _owner(plan: Plan, listing: int) -> int:
    if listing == BUSY_CAMPAIGN:
        return OWNER
    return 2 + listing * 7919 % (plan.members - 1)


def _tables(plan: Plan) -> Iterator[tuple[Any, Iterator[dict[str, Any]]]]:
    yield User, _users(plan)
    yield SavedMethod, (_card(plan, member) for member in range(1, plan.members + 1))
    yield Listing, (_listing(plan, number) for number in range(1, plan.listings + 1))
    yield Campaign, (_campaign(plan, number) for number in plan.campaigns())
    yield Reward, _rewards(plan)
    yield Update, _updates(plan)
    yield Agreement, (_agreement(plan, *each) for each in _numbered(plan))
    yield AgreementEvent, (_event(plan, *each) for each in _numbered(plan))
    yield Payment, (_payment(plan, *each) for each in _numbered(plan))
    yield Pledge, (_pledge(*each) for each in _numbered(plan))


BIG = {Listing, Agreement, AgreementEvent, Payment, Pledge}


def _numbered(plan: Plan) -> Iterator[tuple[int, int, int]]:
    """Go through (agreement id, campaign id, member id)."""
    number = 0
    for campaign, members in plan.backed.items():
        for member in members:
            number += 1
            yield number, campaign, member


def _amount(campaign: int, member: int) -> int:
    return 500 + (campaign * 31 + member * 17) % 40 * 100


def _users(plan: Plan) -> Iterator[dict[str, Any]]:
    for number in range(1, plan.members + 1):
        yield {
            "id": number,
            "email": f"member{number}@example.org",
            "email_confirmed_at": plan.now,
            "password_hash": "!",
            "name": f"Member Number{number}",
            "place": PLACES[number % len(PLACES)],
            "lat": CENTRE[0],
            "lon": CENTRE[1],
            "created_at": plan.now - timedelta(days=number % 700),
        }


def _card(plan: Plan, member: int) -> dict[str, Any]:
    return {"id": member, "user_id": member, "gateway": "stripe", "ref": f"pm_{member}", "brand": "visa",
            "last4": "4242", "exp_month": 12, "exp_year": 2099, "created_at": plan.now}  # fmt: skip


def _listing(plan: Plan, number: int) -> dict[str, Any]:
    chance = plan.chance
    title = f"{chance.choice(KINDS)} {chance.choice(THINGS)} {number}"
    published = plan.now - timedelta(seconds=60 * (plan.listings - number) + chance.randrange(60) + 60)
    campaign = number in plan.campaigns()
    lat, lon = (middle + chance.gauss(0, SPREAD) for middle in CENTRE)
    priced = not campaign and chance.random() < 0.8
    return {
        "id": number,
        "kind": "campaign" if campaign else "notice",
        "owner_id": _owner(plan, number),
        "state": "published",
        "category": chance.choice(CATEGORIES).key,
        "title": title.capitalize(),
        "slug": title.replace(" ", "-"),
        "summary": f"A {title} that neighbours may use; ask for it in the evening.",
        "body_md": f"This {title} stands in the shed. It works well and comes with all that belongs to it. " * 3,
        "body_html": f"<p>This {title} stands in the shed. It works well and comes with all that belongs to it.</p>",
        "place": chance.choice(PLACES),
        "lat": lat,
        "lon": lon,
        "public_lat": round(lat, 3),
        "public_lon": round(lon, 3),
        "price_minor": chance.randrange(0, 60) * 50 if priced else None,
        "price_unit": chance.choice(UNITS) if priced else None,
        "currency": "EUR",
        "cover_key": f"pictures/{number % 256:02x}/{number:040x}" if chance.random() < 0.6 else None,
        "cover_alt": f"A {title}",
        "published_at": published,
        "closes_at": plan.now + timedelta(days=5 + number % 40) if campaign else None,
        "created_at": published,
        "updated_at": published,
    }


def _campaign(plan: Plan, number: int) -> dict[str, Any]:
    members = plan.backed[number]
    return {
        "listing_id": number,
        "state": "live",
        "goal_minor": 100_00 + number % 50 * 100_00,
        "currency": "EUR",
        "days": 30,
        "zone": "Europe/Amsterdam",
        "closes_at": plan.now + timedelta(days=5 + number % 40),
        "fee_basis_points": 500,
        "risks": "It may rain.",
        "pledged_minor": sum(_amount(number, member) for member in members),
        "backers": len(members),
    }


def _rewards(plan: Plan) -> Iterator[dict[str, Any]]:
    for campaign in plan.campaigns():
        for place, amount in enumerate((500, 1500, 5000)):
            yield {
                "id": campaign * 10 + place,
                "campaign_id": campaign,
                "title": f"{('A card', 'A bag of beans', 'A day in the garden')[place]}",
                "description": "With thanks of everybody in the street.",
                "amount_minor": amount,
                "stock": None,
            }


def _updates(plan: Plan) -> Iterator[dict[str, Any]]:
    for campaign in plan.campaigns():
        for place in range(2):
            yield {
                "id": campaign * 10 + place,
                "campaign_id": campaign,
                "title": f"News, part {place + 1}",
                "body_md": "The beans are in the ground.",
                "body_html": "<p>The beans are in the ground.</p>",
                "posted_at": plan.now - timedelta(days=2 - place),
            }


def _agreement(plan: Plan, number: int, campaign: int, member: int) -> dict[str, Any]:
    return {
        "id": number,
        "kind": "pledge",
        "listing_id": campaign,
        "owner_id": _owner(plan, campaign),
        "member_id": member,
        "state": "pledged",
        "phase": "agreed",
        "amount_minor": _amount(campaign, member),
        "currency": "EUR",
        "terms": {"amount_minor": _amount(campaign, member), "currency": "EUR", "reward": None},
        "created_at": plan.now,
        "updated_at": plan.now,
    }


def _event(plan: Plan, number: int, campaign: int, member: int) -> dict[str, Any]:
    return {"agreement_id": number, "seq": 1, "transition": "created", "from_state": None, "to_state": "pledged",
            "actor_id": member, "actor_role": "member", "note": "", "data": {}, "at": plan.now}  # fmt: skip


def _payment(plan: Plan, number: int, campaign: int, member: int) -> dict[str, Any]:
    return {
        "id": number,
        "agreement_id": number,
        "payer_id": member,
        "payee_id": _owner(plan, campaign),
        "purpose": "pledge",
        "amount_minor": _amount(campaign, member),
        "currency": "EUR",
        "state": "ready",
        "method_id": member,
        "created_at": plan.now,
        "updated_at": plan.now,
    }


def _pledge(number: int, campaign: int, member: int) -> dict[str, Any]:
    return {"agreement_id": number, "campaign_id": campaign, "member_id": member, "payment_id": number,
            "amount_minor": _amount(campaign, member), "nonce": f"seed{number}", "counted": True,
            "standing": True}  # fmt: skip


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _continue_numbers(connection: Connection) -> None:
    """Let PostgreSQL's sequences go on after the ids that were written by hand."""
    for model in (User, SavedMethod, Listing, Reward, Update, Agreement, Payment):
        highest = connection.scalar(select(func.max(model.id)))
        name = f'"{model.__tablename__}"'
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {highest})"))


def _analyse() -> None:
    """Give the planner what a site that has run for a day has: statistics, and pages known to be all visible."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if is_sqlite() else "VACUUM ANALYZE")


class Bar:
    """A bar on a terminal; one line elsewhere."""

    WIDTH = 30

    def __init__(self, label: str, total: int) -> None:
        """Begin at nothing of `total` rows."""
        self.label, self.total, self.done = label, total, 0
        self.live = sys.stderr.isatty()

    def forward(self, count: int) -> None:
        """Note that more rows are written."""
        self.done += count
        if self.live:
            part = min(1.0, self.done / self.total)
            filled = round(part * self.WIDTH)
            sys.stderr.write(f"\rseeding {self.label:24} [{'#' * filled}{' ' * (self.WIDTH - filled)}] {part:4.0%}")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave a finished line."""
        sys.stderr.write(("\r" if self.live else "") + f"seeded {self.label:25} {self.done:>9,} rows{' ' * 26}\n")
        sys.stderr.flush()
