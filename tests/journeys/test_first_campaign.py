"""The first campaign from registration to pay-out, through the pages, with the real SDK and a real payment server."""

from __future__ import annotations

import json
import re
import urllib.request
from typing import Any

from sqlalchemy import select

from marketplace.database import db
from marketplace.demo import bank_visit
from marketplace.jobs.worker import drain
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerAccount
from marketplace.payments.models import Payment, Payout
from marketplace.testing.clients import client_of
from plugins.funding import totals
from plugins.funding.models import Campaign

PASSWORD = "a very long walk home"
STORY = "We put a piano in the hall of the station, for everybody who has to wait. " * 3


def follow(client: Any, answer: Any) -> Any:
    while answer.status_code in (301, 302, 303):
        answer = client.get(answer.headers["Location"].replace("http://127.0.0.1:8000", ""))
    return answer


def register(client: Any, mailbox: Any, name: str, email: str) -> None:
    sent = {"name": name, "email": email, "password": PASSWORD, "locale": "en", "accept": "y"}
    assert client.post("/register", data=sent).status_code in (200, 302, 303)
    mailbox.deliver()
    link = re.search(r"https?://[^/\s]+(/confirm/\S+)", mailbox.text(mailbox.to(email)[-1]))[1]
    page = client.get(link)
    if "<form" in page.text and "confirm" in page.text:
        client.post(link)
    log_in(client, email)


def log_in(client: Any, email: str) -> None:
    assert client.post("/login", data={"email": email, "password": PASSWORD}).status_code in (302, 303)


def hidden(html: str, name: str) -> str:
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', html)[0]
    return re.search(r'value="([^"]*)"', tag)[1]


def start_campaign(owner: Any) -> int:
    facts = {
        "title": "A piano for the station",
        "summary": "Play while you wait",
        "category": "music",
        "place": "Utrecht",
    }
    answer = owner.post("/campaigns/new", data={**facts, "goal": "100", "days": "2", "body_md": STORY})
    campaign_id = int(re.search(r"/campaigns/(\d+)/manage", answer.headers["Location"])[1])
    reward = {"title": "First song", "amount": "25", "stock": "2"}
    owner.post(f"/campaigns/{campaign_id}/rewards/new", data=reward)
    page = follow(owner, owner.post(f"/campaigns/{campaign_id}/publish"))
    assert "A piano for the station" in page.text
    return campaign_id


def pledge(backer: Any, campaign_id: int, amount: str, card: str) -> str:
    form = backer.get(f"/campaigns/{campaign_id}/pledge").text
    sent = {"nonce": hidden(form, "nonce"), "reward": "0", "amount": amount, "method": "new"}
    to_pay = backer.post(f"/campaigns/{campaign_id}/pledge", data=sent)
    assert to_pay.status_code == 303
    pay = to_pay.headers["Location"]
    assert "charged" in backer.get(pay).text
    to_bank = backer.post(pay, data={"method": "new"})
    assert to_bank.status_code in (302, 303)
    back = bank_visit.save_card(to_bank.headers["Location"], card, "A Backer")
    page = follow(backer, backer.get(back.replace("http://127.0.0.1:8000", "")))
    assert page.status_code == 200
    return page.text


def test_from_registration_to_pay_out(sandbox, app, mailbox, frozen):
    owner, first, second = client_of(app), client_of(app), client_of(app)
    register(owner, mailbox, "Olivia", "olivia@example.org")
    register(first, mailbox, "Finn", "finn@example.org")
    register(second, mailbox, "Sofia", "sofia@example.org")
    campaign_id = start_campaign(owner)
    assert "Pledged" in pledge(first, campaign_id, "70", "4242424242424242")
    assert "Pledged" in pledge(second, campaign_id, "40,50", "4000002500003155")
    assert "€110.50" in first.get(f"/campaigns/{campaign_id}-a-piano-for-the-station").text

    frozen.forward(days=4)
    db.session.remove()
    drain(app)
    campaign = db.session.get(Campaign, campaign_id)
    assert (campaign.state, campaign.collected_minor) == ("funded", 110_50)
    assert db.session.scalars(select(Payout)).one().state == "waiting_account"

    log_in(owner, "olivia@example.org")  # four days later the browser's session is over
    questions = owner.post("/account/payments/payouts")
    assert questions.headers["Location"].startswith(sandbox.url)
    back = bank_visit.answer_questions(questions.headers["Location"])
    follow(owner, owner.get(back.replace("http://127.0.0.1:8000", "")))
    frozen.forward(minutes=2)
    drain(app)
    db.session.rollback()
    payout = db.session.scalars(select(Payout)).one()
    fee = 3_50 + 2_03  # 5 % of 70.00 and of 40.50, each rounded half up
    assert (payout.state, payout.amount_minor) == ("paid", 110_50 - fee)
    assert_books_equal_the_bank(sandbox)
    assert totals.drift() == []
    subjects = [str(message["Subject"]) for message in mailbox.messages]
    assert any("made it" in subject for subject in subjects), subjects


def assert_books_equal_the_bank(sandbox: Any) -> None:
    """Compare our clearing account with what the bank says it holds for us."""
    assert list(ledger.audit()) == []
    with urllib.request.urlopen(f"{sandbox.url}/_sandbox/state") as answer:
        state = json.load(answer)
    clearing = db.session.scalars(select(LedgerAccount).where(LedgerAccount.role == "provider_clearing")).one()
    ours = clearing.posted_debit - clearing.posted_credit
    held = state["balance"][""]["eur"]
    assert ours == held["available"] + held["pending"]
    assert sum(payment.amount_minor for payment in db.session.scalars(select(Payment))) == 110_50
