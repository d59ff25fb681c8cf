"""The core runs with no plugin, with one, with all; a plugin that is off keeps its data, and its pages and money stay sound."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from marketplace import doctor
from marketplace.agreements import service as agreements
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.hooks import discovery
from marketplace.jobs.worker import drain
from marketplace.ledger import service as ledger
from marketplace.listings import service as listings
from marketplace.payments.models import Payment
from marketplace.testing.clients import MarketplaceClient, client_of
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from marketplace.users.models import User
from plugins.funding.models import Campaign
from tests.core.plugin_world import Install, install, sample
from tests.plugins.funding.conftest import Stage, funded_stage, stage

__all__ = ["funded_stage", "install", "sample", "stage"]

MakeApp = Callable[..., Flask]


@pytest.fixture
def off(make_app: MakeApp) -> Iterator[Callable[[], MarketplaceClient]]:
    """Switch every plugin off: from here on the site is another app on the same database; gives a client's maker."""
    contexts: list[Any] = []

    def switch() -> MarketplaceClient:
        app = make_app(plugins=())
        db.session.remove()
        context = app.app_context()
        context.push()
        contexts.append(context)
        return client_of(app)

    yield switch
    for context in contexts:
        db.session.remove()
        context.pop()


@pytest.mark.parametrize(
    "which", [(), ("funding",), ("sample",), ("funding", "sample")], ids=lambda names: "+".join(names) or "none"
)
def test_the_core_runs_with_no_plugin_with_one_and_with_all(
    which: tuple[str, ...], make_app: MakeApp, sample: ModuleType
) -> None:
    app = make_app(plugins=which)
    with app.app_context():
        factories, client = Factories(), client_of(app)
        member, operator = factories.user(), factories.operator()
        listing = factories.listing(member)
        pages = [
            "/",
            "/discover",
            f"/listings/{listing.id}-{listing.slug}",
            f"/members/{member.id}",
            "/login",
            "/healthz",
        ]
        assert [client.get(page).status_code for page in pages] == [200] * len(pages)
        log_in(client, member)
        mine = [
            "/account",
            "/account/listings",
            "/account/agreements",
            "/account/profile",
            "/messages",
            "/notifications",
        ]
        assert [client.get(page).status_code for page in mine] == [200] * len(mine)
        assert client.get("/listings/new").status_code in (200, 302)
        log_in(client, operator)
        theirs = ["/operator", "/operator/plugins", "/operator/listings", "/operator/settings"]
        assert [client.get(page).status_code for page in theirs] == [200] * len(theirs)
        assert client.get("/api/v1/openapi.json").status_code == 200
        db.session.remove()


def test_the_bundled_plugins_are_what_all_means() -> None:
    bundled = {name for name, point in discovery.installed().items() if point.module.startswith("plugins.")}
    assert bundled == {"funding", "sharing"}


def test_a_listing_whose_plugin_is_off_says_so_at_each_of_its_addresses(
    stage: Stage, off: Callable[[], MarketplaceClient]
) -> None:
    campaign_id = stage.live()
    client = off()
    for address in (f"/campaigns/{campaign_id}-a-garden", f"/listings/{campaign_id}-a-garden"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "Not offered here at the moment" in answer.text
        assert "A garden" in answer.text
    assert client.get(f"/listings/{campaign_id}", follow_redirects=True).status_code == 404
    assert "Not offered here" not in client.get(f"/campaigns/{campaign_id}-another-name").text
    assert "Not offered here" not in client.get("/campaigns/999999-a-garden").text


def test_a_draft_of_a_plugin_that_is_off_stays_its_owners_secret(
    stage: Stage, off: Callable[[], MarketplaceClient]
) -> None:
    draft = stage.draft()
    client = off()
    assert "A garden" not in client.get(f"/campaigns/{draft}-a-garden").text


def test_a_listing_whose_plugin_is_off_is_not_found_by_search_and_its_data_is_kept(
    stage: Stage, off: Callable[[], MarketplaceClient]
) -> None:
    campaign_id = stage.live()
    stage.pledge(campaign_id, 10_00)
    client = off()
    assert "A garden" not in client.get("/discover").text
    assert "A garden" not in client.get("/").text
    assert db.session.get_one(Campaign, campaign_id).pledged_minor == 10_00
    assert db.session.scalar(select(func.count()).select_from(Agreement)) == 1


def test_a_switched_off_plugins_campaign_goes_on_when_it_is_on_again(
    stage: Stage, off: Callable[[], MarketplaceClient], client: MarketplaceClient
) -> None:
    campaign_id = stage.live()
    assert off().get(f"/campaigns/{campaign_id}-a-garden").status_code == 404
    assert client.get(f"/campaigns/{campaign_id}-a-garden").status_code == 200


def test_an_agreement_whose_plugin_is_off_can_be_read_and_not_moved(
    stage: Stage, off: Callable[[], MarketplaceClient]
) -> None:
    pledge = stage.pledge(stage.live(), 10_00)
    client = off()
    log_in(client, db.session.get_one(User, pledge.member_id))
    page = client.get(f"/agreements/{pledge.id}")
    assert page.status_code == 200
    assert "not offered here at the moment" in page.text
    assert "Cancel my pledge" not in page.text
    assert client.post(f"/agreements/{pledge.id}/cancel").status_code == 409
    for address in ("/account", "/account/agreements", "/account/listings"):
        assert client.get(address).status_code == 200
    with pytest.raises(Refused, match="not offered here"):
        agreements.transition(pledge.id, "cancel", Actor.system())


def test_nothing_new_can_be_offered_of_a_kind_that_is_off(stage: Stage, off: Callable[[], MarketplaceClient]) -> None:
    owner = stage.owner
    off()
    with pytest.raises(Refused, match="not offered here"):
        listings.create_draft("campaign", owner=db.session.get_one(User, owner.id), title="Another")


def test_the_jobs_of_a_plugin_that_is_off_wait_and_disturb_nobody(
    stage: Stage, off: Callable[[], MarketplaceClient]
) -> None:
    campaign_id = stage.live()
    stage.pledge(campaign_id, 10_00)
    stage.frozen.at(stage.campaign(campaign_id).ends)
    stage.frozen.forward(hours=2)
    client = off()
    db.session.remove()
    drain(client.application)
    assert db.session.get_one(Campaign, campaign_id).state == "live"
    db.session.remove()
    with stage.app.app_context():
        stage.frozen.forward(hours=2)
        stage.work()
        assert stage.campaign(campaign_id).state == "failed", "switched on again, the close happens"


def test_an_operator_refunds_money_of_a_plugin_that_is_off(
    funded_stage: Stage, off: Callable[[], MarketplaceClient]
) -> None:
    """While another backer's card is refused, so that the owner has not been paid yet."""
    campaign_id = funded_stage.live(goal=10_00)
    pledge = funded_stage.pledge(campaign_id, 25_00, funded_stage.backer())
    funded_stage.pledge(campaign_id, 10_00, funded_stage.backer("pm_card_chargeCustomerFail"))
    operator = funded_stage.factories.operator()
    funded_stage.to_deadline(campaign_id)
    payment = db.session.scalars(select(Payment).where(Payment.agreement_id == pledge.id)).one()
    assert (payment.state, payment.earned_minor) == ("succeeded", 23_75)
    client = off()
    log_in(client, operator)
    address = f"/operator/payments/{payment.id}/refund"
    assert client.get(address).status_code == 200
    form = {"amount": "23.75", "reason": "The campaign can't go on", "left": "2500", "sure": "1"}
    assert client.post(address, data=form).status_code == 302
    db.session.remove()
    drain(client.application)
    assert db.session.get_one(Payment, payment.id).refunded_minor == 23_75
    assert list(ledger.audit()) == []


def test_the_doctor_warns_of_open_agreements_and_held_money_of_a_plugin_that_is_off(
    stage: Stage, off: Callable[[], MarketplaceClient]
) -> None:
    stage.pledge(stage.live(), 10_00)
    assert list(doctor.check_plugins_off()) == []
    client = off()
    found = [problem.message for problem in doctor.check_plugins_off()]
    assert found == ["1 open agreements of the kind 'pledge' belong to a plugin that is off"]
    told = client.application.test_cli_runner().invoke(args=["doctor"])
    assert "belong to a plugin that is off" in told.output
    assert "MARKETPLACE_PLUGINS" in told.output


def test_an_error_of_a_plugins_page_part_shows_the_page_without_it(install: Install, make_app: MakeApp) -> None:
    install("broken", "@hookimpl\ndef nav_items(area):\n    raise RuntimeError('broken')\n")
    app = make_app(plugins=("broken", "funding"), environment="development")
    page = app.test_client().get("/")
    assert page.status_code == 200
    assert "/campaigns" in page.text, "the other plugin's link is there"
