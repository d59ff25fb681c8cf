"""The campaign pages through HTTP: what they show, what they refuse, and what they cost."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from flask import g, request
from sqlalchemy import event

from marketplace.database import db, transaction
from plugins.funding.forms import PledgeForm, in_currency, plain_wish
from plugins.funding.models import Campaign, Pledge


def page_of(campaign_id: int) -> str:
    return f"/campaigns/{campaign_id}-a-garden"


class Journal:
    """Counts the transactions of an engine that wrote something and were committed."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.writing_transactions = 0
        self._wrote = False
        self._events = [
            ("before_cursor_execute", self._statement),
            ("commit", self._commit),
            ("rollback", self._rollback),
        ]

    def _statement(self, _connection, _cursor, statement, *_rest) -> None:
        self._wrote = self._wrote or bool(re.match(r"\s*(INSERT|UPDATE|DELETE)", statement, re.IGNORECASE))

    def _commit(self, _connection) -> None:
        self.writing_transactions += self._wrote
        self._wrote = False

    def _rollback(self, _connection) -> None:
        self._wrote = False

    def __enter__(self) -> None:
        for name, listener in self._events:
            event.listen(self.engine, name, listener)

    def __exit__(self, *_error: object) -> None:
        for name, listener in self._events:
            event.remove(self.engine, name, listener)


def form_of(html: str) -> dict[str, str]:
    fields = dict(re.findall(r'<input[^>]*name="(nonce|version)"[^>]*value="([^"]*)"', html))
    fields.update((b, a) for a, b in re.findall(r'<input[^>]*value="([^"]*)"[^>]*name="(nonce|version)"', html))
    return fields


def add_pledges(stage: Any, campaign_id: int, count: int) -> None:
    for _ in range(count):
        stage.pledge(campaign_id, 5_00)


def test_a_campaign_page_costs_at_most_six_statements_and_does_not_grow_with_pledges(stage, client, auth, statements):
    campaign_id = stage.live()
    for number in range(3):
        stage.reward(campaign_id, title=f"Reward {number}")
    member, _method = stage.cardless()
    auth.login(member)
    client.get(page_of(campaign_id))
    costs = []
    for more in (0, 1, 40):
        add_pledges(stage, campaign_id, more)
        with statements() as seen:
            assert client.get(page_of(campaign_id)).status_code == 200
        costs.append(len(seen))
    assert len(set(costs)) == 1
    assert costs[0] <= 6, seen
    auth.logout()
    with statements() as seen:
        client.get(page_of(campaign_id))
    assert len(seen) <= 5


def test_a_pledge_through_http_is_one_transaction_and_calls_nobody(stage, client, auth, statements, no_network):
    campaign_id = stage.live()
    member, method = stage.cardless()
    auth.login(member)
    fields = form_of(client.get(f"/campaigns/{campaign_id}/pledge").text)
    journal = Journal(db.engine)
    with journal, statements() as seen:
        sent = {**fields, "reward": "0", "amount": "25", "method": str(method)}
        answer = client.post(f"/campaigns/{campaign_id}/pledge", data=sent)
    assert answer.status_code == 303
    assert stage.campaign(campaign_id).pledged_minor == 25_00
    assert journal.writing_transactions == 1
    assert len(seen) <= 40, seen


def test_the_pledge_form_keeps_what_was_typed_and_says_what_is_wrong(stage, client, auth):
    campaign_id = stage.live()
    reward_id = stage.reward(campaign_id, 30_00)
    auth.member()
    fields = form_of(client.get(f"/campaigns/{campaign_id}/pledge").text)
    for amount, message in (("12,5x", "not an amount"), ("10", "at least"), ("", "required")):
        answer = client.post(f"/campaigns/{campaign_id}/pledge", data={**fields, "reward": reward_id, "amount": amount})
        assert answer.status_code == 422
        assert message in answer.text
        assert f'value="{amount}"' in answer.text
    assert db.session.query(Pledge).count() == 0


TYPED = ("25", " 12,50 ", "1.250", "12,5x", "", "  ", "-3", "0", "\u0662\u0665")
CHOSEN = ("0", "00", "7", "x", "-1", "\u00b2", "9" * 18, "9" * 5000, "", "new")


@pytest.mark.parametrize("nonce", ["n" * 64, "n" * 65, " ", ""])
def test_what_is_read_without_the_form_is_what_the_form_reads(app, nonce):
    for amount, reward in itertools.product(TYPED, CHOSEN):
        sent = {"nonce": nonce, "amount": amount, "reward": reward, "method": reward}
        with app.test_request_context("/", method="POST", data=sent):
            g.csrf_valid = True
            form = in_currency(PledgeForm, "amount", "EUR")()
            wish = plain_wish(request.form, "EUR")
            if wish is not None:
                assert form.validate(), form.errors
                assert wish == form.wish
            else:
                assert not form.validate() or not amount.strip()


@pytest.mark.parametrize("reward", ["999999", "x", "-1", "0 OR 1=1", "00", "\u00b2", "9" * 18, "9" * 5000])
def test_nonsense_rewards_never_become_a_pledge_with_a_reward(stage, client, auth, reward):
    campaign_id = stage.live()
    auth.member()
    fields = form_of(client.get(f"/campaigns/{campaign_id}/pledge").text)
    answer = client.post(f"/campaigns/{campaign_id}/pledge", data={**fields, "reward": reward, "amount": "20"})
    assert answer.status_code in (303, 422)
    assert all(pledge.reward_id is None for pledge in db.session.query(Pledge))


def test_a_wrong_csrf_token_pledges_nothing(stage, client, auth):
    campaign_id = stage.live()
    auth.member()
    sent = {"nonce": "n", "reward": "0", "amount": "20", "csrf_token": "forged"}
    answer = client.post(f"/campaigns/{campaign_id}/pledge", data=sent, csrf=False)
    assert answer.status_code == 400
    assert db.session.query(Pledge).count() == 0


def test_a_guest_is_led_to_the_log_in_and_back(stage, client):
    campaign_id = stage.live()
    answer = client.get(f"/campaigns/{campaign_id}/pledge")
    assert answer.status_code == 302
    assert "/login" in answer.headers["Location"]
    assert f"/campaigns/{campaign_id}/pledge" in unquote(answer.headers["Location"])


def test_a_draft_is_seen_by_its_owner_only(stage, client, auth):
    campaign_id = stage.draft()
    assert client.get(page_of(campaign_id)).status_code == 404
    auth.member()
    assert client.get(page_of(campaign_id)).status_code == 404
    auth.login(stage.owner)
    assert client.get(page_of(campaign_id)).status_code == 200


@pytest.mark.parametrize("path", ["manage", "edit", "rewards/new"])
def test_strangers_manage_nothing(stage, client, auth, path):
    campaign_id = stage.live()
    auth.member()
    assert client.get(f"/campaigns/{campaign_id}/{path}").status_code in (403, 404)
    assert client.post(f"/campaigns/{campaign_id}/publish").status_code in (403, 404)


def test_an_owner_starts_fills_publishes_and_tells(stage, client, auth):
    auth.login(stage.owner)
    facts = {"title": "A new bench", "summary": "To wait on", "category": "community", "place": "Utrecht"}
    answer = client.post("/campaigns/new", data={**facts, "goal": "450", "days": "20", "body_md": "Short."})
    assert answer.status_code == 302
    manage = answer.headers["Location"]
    campaign_id = int(re.search(r"/campaigns/(\d+)/", manage)[1])
    assert "at least 100 characters" in client.get(manage).text
    fields = form_of(client.get(f"/campaigns/{campaign_id}/edit").text)
    sent = {**facts, **fields, "goal": "500", "days": "20", "body_md": "We build a bench for everybody who waits. " * 5}
    assert client.post(f"/campaigns/{campaign_id}/edit", data=sent).status_code == 302
    reward = {"title": "A plate", "amount": "15,00", "description": "With your name", "stock": "3"}
    assert client.post(f"/campaigns/{campaign_id}/rewards/new", data=reward).status_code == 302
    assert client.post(f"/campaigns/{campaign_id}/publish").status_code == 302
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.goal_minor) == ("live", 500_00)
    edit = client.get(f"/campaigns/{campaign_id}/edit").text
    assert 'name="goal"' not in edit
    news = client.post(f"/campaigns/{campaign_id}/updates", data={"title": "Wood", "body": "It is *here*."})
    assert news.status_code == 302
    page = client.get(f"/campaigns/{campaign_id}-a-new-bench").text
    assert "<em>here</em>" in page
    assert "A plate" in page


def test_bad_campaign_input_is_told_beside_the_fields_and_kept(stage, client, auth):
    auth.login(stage.owner)
    sent = {"title": "", "goal": "nothing", "days": "900", "body_md": "My story", "category": "tools"}
    answer = client.post("/campaigns/new", data=sent)
    assert answer.status_code == 422
    assert "My story" in answer.text
    assert answer.text.count("field-error") >= 3
    assert db.session.query(Campaign).count() == 0


def test_an_edit_on_an_old_version_loses_nothing(stage, client, auth):
    campaign_id = stage.draft()
    auth.login(stage.owner)
    old = form_of(client.get(f"/campaigns/{campaign_id}/edit").text)
    facts = {
        "title": "First",
        "category": "garden",
        "place": "Utrecht",
        "goal": "100",
        "days": "30",
        "body_md": "x" * 120,
    }
    assert client.post(f"/campaigns/{campaign_id}/edit", data={**facts, **old}).status_code == 302
    answer = client.post(f"/campaigns/{campaign_id}/edit", data={**facts, **old, "title": "Second"})
    assert answer.status_code == 422
    assert 'value="Second"' in answer.text


def test_a_sold_reward_is_frozen_and_can_only_grow(stage, client, auth):
    campaign_id = stage.live()
    reward_id = stage.reward(campaign_id, 10_00, stock=5)
    stage.pledge(campaign_id, 10_00, reward_id=reward_id)
    stage.pledge(campaign_id, 10_00, reward_id=reward_id)
    auth.login(stage.owner)
    where = f"/campaigns/{campaign_id}/rewards/{reward_id}"
    kept = {"title": "A bag of beans", "description": "Dried", "amount": "10,00"}
    assert client.post(where, data={**kept, "title": "Changed", "stock": "5"}).status_code == 422
    assert client.post(where, data={**kept, "stock": "1"}).status_code == 422
    assert client.post(where, data={**kept, "stock": "9"}).status_code == 302
    assert client.post(where, data={**kept, "stock": "9", "remove": "1"}).status_code == 302
    assert "Not offered" in client.get(f"/campaigns/{campaign_id}/manage").text


def test_the_live_total_is_a_piece_of_the_page(stage, client):
    campaign_id = stage.live(goal=100_00)
    stage.pledge(campaign_id, 40_00)
    piece = client.get(f"/campaigns/{campaign_id}/total")
    assert piece.status_code == 200
    assert "€40" in piece.text
    assert "<html" not in piece.text


def test_an_ended_campaign_takes_no_pledge_by_form(stage, client, auth):
    campaign_id = stage.live(days=2)
    auth.member()
    fields = form_of(client.get(f"/campaigns/{campaign_id}/pledge").text)
    stage.frozen.at(stage.campaign(campaign_id).ends + timedelta(seconds=1))
    answer = client.post(f"/campaigns/{campaign_id}/pledge", data={**fields, "reward": "0", "amount": "20"})
    assert answer.status_code == 422
    assert "has ended" in answer.text


def test_cards_of_campaigns_show_bar_and_figures_on_discover(stage, client):
    campaign_id = stage.live(goal=100_00)
    stage.pledge(campaign_id, 40_00)
    text = client.get("/discover?kind=campaign").text
    assert 'value="40"' in text
    assert "of €100" in text


def test_switched_off_payments_leave_campaigns_readable(make_app, factories, stage, client):
    campaign_id = stage.live()
    quiet = make_app(payments=False)
    other = quiet.test_client()
    assert other.get(page_of(campaign_id)).status_code == 200


def test_the_totals_of_a_tampered_campaign_are_found(stage):
    from plugins.funding import totals

    campaign_id = stage.live()
    stage.pledge(campaign_id, 40_00)
    with transaction() as session:
        session.get(Campaign, campaign_id).pledged_minor = 41_00
    assert [drift.campaign_id for drift in totals.drift()] == [campaign_id]


def test_changing_a_pledge_by_form_is_no_second_pledge(stage, client, auth):
    campaign_id = stage.live()
    member, method = stage.cardless()
    stage.pledge(campaign_id, 20_00, (member, method))
    auth.login(member)
    fields = form_of(client.get(f"/campaigns/{campaign_id}/pledge").text)
    answer = client.post(f"/campaigns/{campaign_id}/pledge", data={**fields, "reward": "0", "amount": "35"})
    assert answer.status_code == 302
    campaign = stage.campaign(campaign_id)
    assert (campaign.pledged_minor, campaign.backers) == (35_00, 1)
