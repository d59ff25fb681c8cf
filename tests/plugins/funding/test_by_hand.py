"""Campaigns whose pledges are paid by hand: reversed money waits again, and cash between members needs no pay-out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from marketplace import clock
from marketplace.agreements import service as agreements
from marketplace.agreements.service import Actor
from marketplace.database import db
from marketplace.errors import InvalidInput
from marketplace.lifecycle import InvalidTransition
from marketplace.money import Money
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.models import BankOrder, OfflineRequest, Payout
from marketplace.payments.offline import details, methods, orders, receipts, reversing
from marketplace.settings import service as settings
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.people import Auth
from marketplace.users.models import User
from plugins.funding import totals
from plugins.funding.machine import PLEDGE
from plugins.funding.notices import NOTIFICATIONS


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    made = make_app(gateways=("offline",), stripe_api_key="")
    with made.app_context():
        values = {"offline.account": "NL91ABNA0417164300", "offline.between_members": "on"}
        for key, value in values.items():
            settings.set_value(key, value, None)
        yield made
        db.session.remove()


def pledged(stage: Any, campaign_id: int, minor: int, kind: str) -> int:
    """Pledge by hand; gives the agreement's id."""
    agreement = stage.pledge(campaign_id, minor, (stage.factories.user(), None))
    methods.choose(service.payments_of(agreement)[0], kind)
    return int(agreement.id)


def request_of(stage: Any, agreement_id: int) -> OfflineRequest:
    payment_id = stage.side(agreement_id).payment_id
    wanted = select(OfflineRequest).where(OfflineRequest.payment_id == payment_id).order_by(OfflineRequest.id.desc())
    return db.session.scalars(wanted.limit(1)).one()


def receive(stage: Any, agreement_id: int, by: int, *, payee: bool = False) -> int:
    request = request_of(stage, agreement_id)
    seen = receipts.Seen(Money(request.amount_minor, "EUR"), clock.now().date(), secrets.token_hex(8))
    return receipts.enter(request.id, seen, by, payee=payee).id


def test_a_pledge_whose_money_was_confirmed_by_mistake_waits_again_and_its_fee_is_forgotten(stage: Any) -> None:
    operator = stage.factories.operator().id
    campaign_id = stage.live(goal=50_00)
    first, second = (pledged(stage, campaign_id, 30_00, "bank_transfer") for _backer in range(2))
    stage.to_deadline(campaign_id)
    wrong = receive(stage, first, operator)
    stage.work()
    reversing.reverse(wrong, operator, "it was for somebody else")
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.collected_minor, campaign.fees_minor) == ("collecting", 0, 0)
    assert stage.agreement(first).state == "awaiting"
    for agreement_id in (second, first):
        receive(stage, agreement_id, operator)
    stage.work()
    campaign = stage.campaign(campaign_id)
    assert (campaign.state, campaign.collected_minor, campaign.fees_minor) == ("funded", 60_00, 3_00)
    assert db.session.scalars(select(Payout.amount_minor)).one() == 57_00
    assert totals.drift() == []


def test_money_that_comes_after_a_reversal_in_a_funded_campaign_is_paid_out_too(stage: Any) -> None:
    operator = stage.factories.operator().id
    campaign_id = stage.live(goal=20_00)
    agreement_id = pledged(stage, campaign_id, 30_00, "bank_transfer")
    stage.to_deadline(campaign_id)
    wrong = receive(stage, agreement_id, operator)
    stage.work()
    assert stage.campaign(campaign_id).state == "funded"
    reversing.reverse(wrong, operator, "too early")
    receive(stage, agreement_id, operator)
    stage.work()
    payout = db.session.scalars(select(Payout)).one()
    assert (payout.state, payout.amount_minor) == ("waiting_account", 28_50)


def test_a_delivered_pledge_is_not_taken_back(stage: Any) -> None:
    operator = stage.factories.operator().id
    campaign_id = stage.live(goal=20_00)
    agreement_id = pledged(stage, campaign_id, 30_00, "bank_transfer")
    stage.to_deadline(campaign_id)
    wrong = receive(stage, agreement_id, operator)
    agreements.transition(agreement_id, "fulfil", Actor(stage.owner.id, "owner"))
    with pytest.raises(InvalidTransition):
        reversing.reverse(wrong, operator, "too late")
    assert stage.agreement(agreement_id).state == "fulfilled"


def test_cash_handed_to_the_owner_collects_the_pledge_and_needs_no_pay_out(stage: Any) -> None:
    campaign_id = stage.live(goal=20_00)
    agreement_id = pledged(stage, campaign_id, 30_00, "cash_owner")
    stage.to_deadline(campaign_id)
    receive(stage, agreement_id, stage.owner.id, payee=True)
    stage.work()
    assert (stage.agreement(agreement_id).state, stage.campaign(campaign_id).state) == ("collected", "funded")
    assert db.session.scalars(select(Payout.id)).all() == []
    assert db.session.scalars(select(BankOrder.id)).all() == []


CARDS = re.compile(r"\b(cards?|charged?(?! back)|kaart(en)?|afgeschreven|afschrijven)\b", re.I)


def speaks_of_cards(client: MarketplaceClient, *addresses: str) -> list[str]:
    """Give what of these pages speaks of cards, in either language."""
    found = []
    for language in ("nl", "en"):
        client.post(f"/account/language/{language}")
        for address in addresses:
            answer = client.get(address, follow_redirects=True)
            assert answer.status_code == 200, address
            said = page_text(answer)
            found += [f"{address}: {said[max(0, hit.start() - 40) : hit.end() + 40]}" for hit in CARDS.finditer(said)]
    return found


def test_nobody_reads_of_a_card_where_pledges_are_paid_by_bank_transfer(stage: Any, auth: Auth) -> None:
    campaign_id = stage.live(goal=20_00)
    agreement_id = pledged(stage, campaign_id, 30_00, "bank_transfer")
    payment_id = stage.side(agreement_id).payment_id
    about = (
        f"/agreements/{agreement_id}",
        f"/pay/{payment_id}",
        "/account/payments",
        f"/campaigns/{campaign_id}-a-garden",
    )
    backer = auth.client(db.session.get_one(User, stage.agreement(agreement_id).member_id))
    owner = auth.client(stage.owner)
    theirs = (*about, f"/campaigns/{campaign_id}/manage")
    assert speaks_of_cards(backer, *about, f"/campaigns/{campaign_id}/pledge") == []
    assert speaks_of_cards(owner, *theirs) == []
    stage.to_deadline(campaign_id)
    assert stage.agreement(agreement_id).state == "awaiting"
    assert speaks_of_cards(backer, *about) + speaks_of_cards(owner, *theirs) == []
    receive(stage, agreement_id, stage.factories.operator().id)
    stage.work()
    assert stage.campaign(campaign_id).state == "funded"
    assert speaks_of_cards(backer, *about, "/notifications") == []
    assert speaks_of_cards(owner, *theirs, "/notifications") == []


def test_no_notice_of_the_funding_plugin_speaks_of_a_card(app: Flask) -> None:
    for language in ("nl", "en"):
        with force_locale(language):
            said = {kind.name: str(kind.text) for kind in NOTIFICATIONS} | {
                state.name: str(state.label) for state in PLEDGE.states
            }
        assert {name: text for name, text in said.items() if CARDS.search(text)} == {}


def backer_of(stage: Any, agreement_id: int) -> User:
    return db.session.get_one(User, stage.agreement(agreement_id).member_id)


def test_an_owner_finds_on_the_agreement_where_cash_is_confirmed_and_a_backer_does_not(stage: Any, auth: Auth) -> None:
    campaign_id = stage.live(goal=20_00)
    agreement_id = pledged(stage, campaign_id, 30_00, "cash_owner")
    stage.to_deadline(campaign_id)
    where = f"/pay/{stage.side(agreement_id).payment_id}/received"
    page = auth.client(stage.owner).get(f"/agreements/{agreement_id}")
    assert where in page.text
    assert "pays you in cash: confirm it here once you have it" in page_text(page)
    assert "Your pledge" not in page_text(page)
    assert where in auth.client(stage.owner).get("/account").text
    assert where not in auth.client(backer_of(stage, agreement_id)).get(f"/agreements/{agreement_id}").text
    receive(stage, agreement_id, stage.owner.id, payee=True)
    assert where not in auth.client(stage.owner).get(f"/agreements/{agreement_id}").text


def test_only_the_backer_is_asked_to_change_a_pledge(stage: Any, auth: Auth) -> None:
    agreement_id = pledged(stage, stage.live(), 30_00, "bank_transfer")
    for reader, asked in ((stage.owner, False), (backer_of(stage, agreement_id), True)):
        page = page_text(auth.client(reader).get(f"/agreements/{agreement_id}"))
        assert ("Change your pledge" in page) is asked, reader.name


def told_the_owner(stage: Any) -> list[str]:
    """Give what the owner was told when everything was settled."""
    db.session.rollback()
    wanted = select(Notification.kind).where(Notification.user_id == stage.owner.id).order_by(Notification.id)
    settled = ("funding.owner_funded", "funding.owner_account", "funding.owner_settled")
    return [kind for kind in db.session.scalars(wanted) if kind in settled]


def test_an_owner_is_told_how_the_pay_out_really_stands(stage: Any) -> None:
    operator = stage.factories.operator().id
    for kind, account in (("bank_transfer", False), ("cash_owner", True), ("bank_transfer", True)):
        if account:
            details.tell(stage.owner.id, name="", address="", tax_number="", account="BE68539007547034", holder="Olaf")
            stage.work()
            for order in db.session.scalars(select(BankOrder).where(BankOrder.state == "waiting")).all():
                orders.done(order.id, orders.Done(clock.now().date()), operator)
        campaign_id = stage.live(goal=20_00)
        agreement_id = pledged(stage, campaign_id, 30_00, kind)
        stage.to_deadline(campaign_id)
        by_owner = kind == "cash_owner"
        receive(stage, agreement_id, stage.owner.id if by_owner else operator, payee=by_owner)
        stage.work()
        assert stage.campaign(campaign_id).state == "funded"
    assert told_the_owner(stage) == ["funding.owner_account", "funding.owner_settled", "funding.owner_funded"]


def test_the_least_pledge_is_said_as_the_reader_writes_amounts(stage: Any, app: Flask) -> None:
    campaign_id = stage.live()
    for language, amount in (("en", "€1"), ("nl", "€\u00a01")):
        with force_locale(language), pytest.raises(InvalidInput) as caught:
            stage.pledge(campaign_id, 50, (stage.factories.user(), None))
        assert f" {amount} " in str(caught.value.errors["amount"])


def test_the_days_of_a_campaign_are_counted_in_words(stage: Any, auth: Auth) -> None:
    draft = stage.draft(days=1)
    assert "its 1 day can't change" in page_text(auth.client(stage.owner).get(f"/campaigns/{draft}/manage"))


def test_an_operator_reads_what_a_payment_is_for_and_of_no_provider_where_none_was(stage: Any, auth: Auth) -> None:
    by = stage.factories.operator().id
    agreement_id = pledged(stage, stage.live(goal=20_00), 30_00, "bank_transfer")
    stage.to_deadline(stage.side(agreement_id).campaign_id)
    receive(stage, agreement_id, by)
    stage.work()
    client = auth.client(db.session.get_one(User, by))
    here = f"/operator/payments/{stage.side(agreement_id).payment_id}"
    for language, purpose in (("nl", "Doel Toezegging"), ("en", "Purpose Pledge")):
        client.post(f"/account/language/{language}")
        assert purpose in page_text(client.get(here))
    refund = page_text(client.get(f"{here}/refund"))
    assert "It comes out of what the owner earned." in refund
    assert "the provider" not in refund
