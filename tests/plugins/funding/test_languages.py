"""Campaigns speak Dutch as a whole: their pages, what is agreed, and what their people are told."""

from __future__ import annotations

from typing import Any

import pytest
from flask_babel import force_locale
from sqlalchemy import select

from marketplace.database import db
from marketplace.notifications.kinds import sentence
from marketplace.notifications.models import Notification
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.people import Auth
from tests.core.english_left import english_left
from tests.plugins.funding.conftest import Stage


@pytest.fixture
def campaign_id(stage: Stage) -> int:
    """Give a live campaign with a reward, in Dutch so that nothing in it looks like a text of ours."""
    campaign = stage.live()
    stage.reward(campaign, title="Een zakje bonen", stock=5)
    return campaign


def dutch(client: MarketplaceClient, address: str) -> str:
    """Get a page that has to be there."""
    answer = client.get(address, headers={"Accept-Language": "nl"}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_no_page_of_a_campaign_has_english_left(
    client: MarketplaceClient, auth: Auth, stage: Stage, campaign_id: int, factories: Any
) -> None:
    for address in ("/campaigns", f"/campaigns/{campaign_id}-a-garden", "/discover", "/"):
        assert english_left(dutch(client, address)) == []
    auth.login(factories.user(locale="nl"))
    assert english_left(dutch(client, f"/campaigns/{campaign_id}/pledge")) == []
    assert english_left(dutch(client, "/campaigns/new")) == []


def test_no_page_of_a_campaign_s_owner_has_english_left(
    client: MarketplaceClient, auth: Auth, stage: Stage, campaign_id: int
) -> None:
    auth.login(stage.owner)
    client.post("/account/language/nl")
    draft = stage.draft()
    for address in (f"/campaigns/{campaign_id}/manage", f"/campaigns/{draft}/manage", f"/campaigns/{draft}/edit"):
        assert english_left(dutch(client, address)) == []


def test_amounts_days_and_plurals_of_a_campaign_are_dutch(client: MarketplaceClient, campaign_id: int) -> None:
    page = page_text(
        client.get(f"/campaigns/{campaign_id}-a-garden", headers={"Accept-Language": "nl"}, follow_redirects=True)
    )
    for text in ("€ 0 toegezegd van € 100", "steuners 0", "dagen te gaan 30", "9 apr 2026, 23:59", "Nog 5"):
        assert text in page


def test_the_agreement_and_what_is_told_are_in_each_reader_s_language(
    client: MarketplaceClient, auth: Auth, funded_stage: Stage
) -> None:
    campaign = funded_stage.live()
    backer, card = funded_stage.backer()
    agreement = funded_stage.pledge(campaign, 25_00, (backer, card)).id
    auth.login(backer)
    client.post("/account/language/nl")
    assert english_left(dutch(client, f"/agreements/{agreement}")) == []
    told = db.session.scalars(select(Notification).where(Notification.user_id == backer.id)).all()
    with force_locale("nl"):
        said = [sentence(each.kind, each.params) for each in told]
    assert "Je hebt € 25 toegezegd aan “A garden”." in [text.replace("\u00a0", " ") for text in said]
