"""The operator's pages about chargebacks, debts and reserves: what they show, what they do, and what they refuse."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.admin.models import AuditEntry
from marketplace.database import db
from marketplace.payments import reserve
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.dispute_models import DisputeFile
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from tests.core.dispute_world import Disputes

WHY = {"reason": "They asked for it"}


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace whose bank takes money back."""
    return Disputes(app, sandbox, factories)


def test_the_list_shows_cases_with_their_deadline_and_the_overview_counts_them(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    world.dispute(world.charged(5000))
    text = page_text(client.get("/operator/disputes"))
    assert "€50.00" in text
    assert "Wants an answer" in text
    assert "Chargebacks that want an answer: 1" in page_text(client.get("/operator"))
    assert "No chargeback like this" in page_text(client.get("/operator/disputes?state=won"))


def test_one_case_shows_who_bears_it_and_everything_that_happened(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    world.reserve_of("20")
    world.onboard(world.owner)
    ref = world.dispute(world.paid_out(5000, 250))
    text = page_text(client.get(f"/operator/disputes/{world.case(ref).id}"))
    for words in ("The owner's reserve", "€9.50", "The owner owes it", "€40.50", "€20.00", "charge.dispute.created"):
        assert words in text, words


def test_evidence_is_kept_as_a_draft_and_then_submitted_with_its_files(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    operator = auth.operator()
    ref = world.dispute(world.charged(5000))
    case = world.case(ref)
    address = f"/operator/disputes/{case.id}/evidence"
    assert client.get(address).status_code == 200
    draft = {"version": str(case.version), "product_description": "A pledge for the bike", "act": "save"}
    assert client.post(address, data=draft).status_code == 303
    assert "A pledge for the bike" in client.get(address).get_data(as_text=True)
    assert world.case(ref).state == "needs_response"
    complete = {
        "version": str(world.case(ref).version), "product_description": "A pledge for the bike", "act": "submit",
        "receipt": (io.BytesIO(b"%PDF-1.7 receipt"), "receipt.pdf"),
    }  # fmt: skip
    assert client.post(address, data=complete, content_type="multipart/form-data").status_code == 303
    world.work()
    found = world.stripe.disputes.retrieve(ref)
    assert (found.status, found.evidence.product_description) == ("under_review", "A pledge for the bike")
    assert found.evidence.receipt == db.session.scalars(select(DisputeFile.ref)).one()
    assert "any more" in page_text(client.get(address))
    line = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert (line.action, line.actor_id) == ("dispute.answered", operator.id)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ((b"GIF89a", "x.gif"), "Banks take PDF, PNG and JPEG files."),
        ((b"", "x.pdf"), "Banks take PDF, PNG and JPEG files."),
    ],
)
def test_a_file_that_no_bank_takes_is_refused_beside_its_field(
    world: Disputes, client: MarketplaceClient, auth: Auth, file: tuple[bytes, str], words: str
) -> None:
    auth.operator()
    case = world.case(world.dispute(world.charged(5000)))
    data = {
        "version": str(case.version), "uncategorized_text": "See the file", "act": "submit",
        "receipt": (io.BytesIO(file[0]), file[1]),
    }  # fmt: skip
    answer = client.post(f"/operator/disputes/{case.id}/evidence", data=data, content_type="multipart/form-data")
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert 'id="receipt-error"' in text
    assert words in text
    assert "See the file" in text
    assert world.case(case.ref).answer == ""


def test_a_draft_that_somebody_else_changed_is_not_overwritten(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    case = world.case(world.dispute(world.charged(5000)))
    address = f"/operator/disputes/{case.id}/evidence"
    old = str(case.version)
    client.post(address, data={"version": old, "uncategorized_text": "one", "act": "save"})
    answer = client.post(address, data={"version": old, "uncategorized_text": "two", "act": "save"})
    assert answer.status_code == 409
    assert "Meanwhile this chargeback changed" in page_text(answer)
    assert world.case(case.ref).evidence == {"uncategorized_text": "one"}


def test_nothing_is_submitted_without_any_evidence(world: Disputes, client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    case = world.case(world.dispute(world.charged(5000)))
    data = {"version": str(case.version), "act": "submit"}
    answer = client.post(f"/operator/disputes/{case.id}/evidence", data=data)
    assert answer.status_code in (409, 422)
    assert "Write or upload something first" in page_text(answer)


def test_giving_up_is_asked_twice_and_needs_a_reason(world: Disputes, client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    ref = world.dispute(world.charged(5000))
    address = f"/operator/disputes/{world.case(ref).id}/concede"
    assert "for good" in page_text(client.get(address))
    assert client.post(address, data={"reason": ""}).status_code == 422
    assert client.post(address, data=WHY).status_code == 302
    world.work()
    assert world.case(ref).state == "lost"
    assert client.post(address, data=WHY).status_code == 409


def test_a_debt_is_repaid_and_written_off_by_the_operator(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    world.onboard(world.owner)
    world.dispute(world.paid_out(5000, 250))
    debt = db.session.scalars(select(MemberDebt)).one()
    assert "€50.00" in page_text(client.get("/operator/debts?state=open"))
    assert client.post(f"/operator/debts/{debt.id}/repay", data={**WHY, "amount": "10"}).status_code == 303
    too_much = client.post(f"/operator/debts/{debt.id}/write_off", data={**WHY, "amount": "40.01"})
    assert too_much.status_code == 422
    assert 'id="amount-error"' in too_much.get_data(as_text=True)
    assert client.post(f"/operator/debts/{debt.id}/write_off", data={**WHY, "amount": "40"}).status_code == 303
    assert (world.owed(), world.lost()) == (0, 4000)
    shown = page_text(client.get(f"/operator/debts/{debt.id}"))
    assert "Repaid" in shown
    assert WHY["reason"] in shown
    world.prove()


def test_a_debt_is_taken_back_from_the_account_by_the_operator(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    world.onboard(world.owner)
    world.dispute(world.paid_out(5000, 250))
    debt = db.session.scalars(select(MemberDebt)).one()
    assert client.post(f"/operator/debts/{debt.id}/take-back", data=WHY).status_code == 302
    world.work()
    assert world.owed() == 250
    assert client.post(f"/operator/debts/{debt.id}/take-back", data=WHY).status_code == 409
    world.prove()


def test_a_member_may_have_a_reserve_of_their_own(world: Disputes, client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    address = f"/operator/members/{world.owner.id}/reserve"
    assert "site’s rule" in page_text(client.get(address))
    assert client.post(address, data={**WHY, "percent": "101", "days": "0"}).status_code == 422
    finer = client.post(address, data={**WHY, "percent": "12.345", "days": "30", "act": "own"})
    assert (finer.status_code, reserve.rule_of(world.owner.id).own) == (422, False)
    assert "At most two decimals." in page_text(finer)
    assert 'value="12.345"' in finer.get_data(as_text=True)
    assert client.post(address, data={**WHY, "percent": "12,5", "days": "30", "act": "own"}).status_code == 303
    world.settled(5000, 0)
    assert world.set_aside() == 625
    assert "€6.25" in page_text(client.get(address))
    assert client.post(address, data={**WHY, "percent": "1", "days": "30", "act": "site"}).status_code == 303
    assert not reserve.rule_of(world.owner.id).own
    world.prove()


def test_members_see_their_debts_and_reserve_and_what_the_provider_wants(
    world: Disputes, client: MarketplaceClient, auth: Auth
) -> None:
    world.reserve_of("20")
    world.onboard(world.owner)
    world.paid_out(2000, 0)
    auth.login(world.owner)
    shown = page_text(client.get("/account/payments"))
    assert "€4.00" in shown
    assert "set aside" in shown
    world.dispute(world.paid_out(5000, 250))
    shown = page_text(client.get("/account/payments"))
    assert "You owe" in shown
    account = world.stripe.accounts.list({"limit": 1}).data[0].id
    world.act("account/ask", account=account, item="individual.verification.document", seconds=0)
    world.hear()
    assert "Answer the questions" in page_text(client.get("/account/payments"))
