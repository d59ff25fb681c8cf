"""The demo is a living neighbourhood, made through the site's own services, and its books balance."""

from __future__ import annotations

import json
import urllib.request

import pytest
from click import ClickException
from sqlalchemy import func, select

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.demo import load
from marketplace.demo.serve import alone, plugin_steps
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerAccount
from marketplace.listings.models import Listing, Picture
from marketplace.messages.models import Message
from marketplace.payments.models import Payout
from marketplace.payments.offline import methods
from marketplace.users.accounts import by_email
from plugins.funding import totals
from plugins.funding.demo_scenes import SCENES
from plugins.funding.hooks import DEMO_STEPS
from plugins.funding.models import Campaign
from plugins.sharing import demo_asking, demo_scenes, demo_together, hooks
from plugins.sharing.buy import buy_demo
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan.booking_models import Loan
from plugins.sharing.request.request_models import Request


def counts(column) -> dict[str, int]:
    return dict(db.session.execute(select(column, func.count()).group_by(column)).all())


def test_the_demo_shows_every_state_and_its_books_equal_the_bank(sandbox, app, client, auth):
    steps = []
    assert not load.is_loaded()
    load.load(app, lambda: steps.append(1))
    db.session.rollback()
    assert load.is_loaded()
    assert len(steps) == load.CORE_STEPS + plugin_steps(app)
    campaigns = counts(Campaign.state)
    assert set(campaigns) == {"draft", "live", "collecting", "funded", "failed"}
    assert sum(campaigns.values()) >= 12
    listings = counts(Listing.kind)
    assert listings["notice"] >= 30
    assert set(counts(Listing.state)) == {"draft", "published", "closed"}
    assert counts(Picture.state).keys() == {"ready"}
    assert db.session.scalar(select(func.count()).select_from(Message)) >= 7
    assert counts(Payout.state).get("paid", 0) >= 1
    assert_things_are_shared()
    assert totals.drift() == []
    assert list(ledger.audit()) == []
    clearing = db.session.scalars(select(LedgerAccount).where(LedgerAccount.role == "provider_clearing")).one()
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox/state") as answer:
        held = json.load(answer)["balance"][""]["eur"]
    assert clearing.posted_debit - clearing.posted_credit == held["available"] + held["pending"]
    assert_pages_answer(client, auth)


def assert_things_are_shared() -> None:
    """Look for every arrangement, and for what may become of a loan and of a use."""
    assert {way for ways in db.session.scalars(select(Item.arrangements)) for way in ways} == {
        "borrow",
        "rent",
        "use",
        "buy",
    }
    found = {(row.kind, row.state) for row in db.session.execute(select(Agreement.kind, Agreement.state))}
    lent = {state for kind, state in found if kind == "loan"}
    assert lent == {"requested", "agreed", "active", "claimed", "closed"}
    assert {state for kind, state in found if kind == "use"} == {"running", "paid"}
    assert {state for kind, state in found if kind == "order"} == {"agreed", "completed"}
    assert {state for kind, state in found if kind == "purchase"} == {"agreed", "completed"}
    assert {state for kind, state in found if kind == "help"} >= {"answered", "completed"}
    assert set(counts(Request.state)) == {"open", "settled"}
    assert {"item", "request", "meal", "help_asked", "help_offered"} <= set(counts(Listing.kind))
    late = (Agreement.state == "active", Loan.ends_at < clock.now())
    assert db.session.scalar(
        select(func.count()).select_from(Loan).join(Agreement, Agreement.id == Loan.agreement_id).where(*late)
    )


def assert_pages_answer(client, auth) -> None:
    """Open the main pages as a member of the neighbourhood."""
    auth.login(by_email("fenna@example.org"))
    paths = ["/", "/discover", "/account", "/account/agreements", "/account/listings", "/account/payments", "/messages"]
    paths += ["/notifications", "/members/2", "/account/profile", "/account/sessions", "/account/notifications"]
    paths += [f"/campaigns/{row.id}-{row.slug}" for row in db.session.execute(
        select(Listing.id, Listing.slug).where(Listing.kind == "campaign", Listing.state == "published")
    )]  # fmt: skip
    paths += ["/items", "/items?now=1", "/gbfs/vehicle_status.json"]
    paths += [f"/{row.kind}s/{row.id}-{row.slug}" for row in db.session.execute(
        select(Listing.id, Listing.slug, Listing.kind).where(Listing.kind.in_(("request", "meal")))
    )]  # fmt: skip
    paths += [f"/agreements/{number}" for number in db.session.scalars(
        select(Agreement.id).where(Agreement.member_id == by_email("fenna@example.org").id)
    )]  # fmt: skip
    paths += [f"/items/{row.id}-{row.slug}" for row in db.session.execute(
        select(Listing.id, Listing.slug).where(Listing.kind == "item", Listing.state == "published")
    )]  # fmt: skip
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_the_demo_can_be_seen_without_a_provider(make_app):
    app = make_app(gateways=("offline",), stripe_api_key="")
    with app.app_context():
        load.load(app)
        assert counts(Campaign.state)["live"] >= 2
        assert [offer.kind for offer in methods.offered()] == ["bank_transfer", "cash_desk", "cash_owner"]
        assert list(ledger.audit()) == []
        db.session.remove()


def test_the_progress_bar_knows_how_many_scenes_there_are():
    assert len(SCENES) == DEMO_STEPS
    assert len(demo_scenes.SCENES) + demo_asking.STEPS + demo_together.STEPS + buy_demo.STEPS == hooks.DEMO_STEPS


def test_two_demos_never_run_in_one_folder(tmp_path):
    with alone(tmp_path / "demo"), pytest.raises(ClickException, match="already running"), alone(tmp_path / "demo"):
        pass
    with alone(tmp_path / "demo"):
        pass
