"""What operators do: each act asks for a reason, changes what it says, and is written into the audit log; bad input is a 422."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select, text

from marketplace.admin import audit
from marketplace.admin.audit import Entry
from marketplace.database import db, transaction
from marketplace.jobs.models import Job, Recurring
from marketplace.jobs.recurring import ask_for_due
from marketplace.jobs.service import enqueue
from marketplace.listings.models import Listing, ListingReport
from marketplace.messages.models import Message
from marketplace.payments.models import GatewayEvent, Payment, Refund
from marketplace.settings import service as settings
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.mailbox import Mailbox
from marketplace.testing.people import Auth
from marketplace.users.models import User, UserSession
from tests.core.operator_world import Place, furnished
from tests.core.payment_world import World

WHY = {"reason": "Because the rules say so"}


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


@pytest.fixture
def place(world: World, factories: Factories) -> Place:
    """Give a place with something of everything."""
    return furnished(world, factories)


def newest() -> Entry:
    """Return the newest line of the audit log."""
    return audit.entries(limit=1)[0]


def count() -> int:
    """Return how many lines the audit log has."""
    return len(audit.entries(limit=1000))


def state_of(model: type, key: object) -> object:
    """Return a row's state as the database has it."""
    return db.session.get_one(model, key, populate_existing=True).state  # type: ignore[attr-defined]


def test_blocking_ends_sessions_tells_the_member_and_is_undone(
    client: MarketplaceClient, auth: Auth, factories: Factories, mailbox: Mailbox
) -> None:
    operator = auth.operator()
    user = factories.user(name="Bea Busy")
    auth.client(user)
    page = client.get(f"/operator/members/{user.id}/block")
    assert "Block Bea Busy" in page_text(page)
    assert state_of(User, user.id) == "active"
    answer = client.post(f"/operator/members/{user.id}/block", data=WHY)
    assert answer.location == f"/operator/members/{user.id}"
    assert state_of(User, user.id) == "blocked"
    assert all(row.revoked_at for row in db.session.scalars(select(UserSession).where(UserSession.user_id == user.id)))
    line = newest()
    assert (line.action, line.actor_id, line.reason) == ("user.blocked", operator.id, WHY["reason"])
    shown = page_text(client.get(f"/operator/members/{user.id}"))
    assert "user.blocked" in shown
    assert WHY["reason"] in shown
    client.post(f"/operator/members/{user.id}/unblock", data=WHY)
    assert state_of(User, user.id) == "active"


@pytest.mark.parametrize("data", [{}, {"reason": "  "}, {"reason": "\0"}, {"reason": "x" * 501}])
def test_without_a_good_reason_nothing_happens_and_the_form_comes_back(
    data: dict[str, str], client: MarketplaceClient, auth: Auth, place: Place, factories: Factories
) -> None:
    auth.operator()
    user = factories.user()
    before = count()
    for path in (f"members/{user.id}/block", f"members/{user.id}/promote", f"listings/{place.listing}/remove",
                 f"reports/{place.report}/dismiss", f"reports/{place.report}/remove",
                 f"reports/messages/{place.message_report}/remove", f"jobs/{place.job}/retry", f"jobs/{place.job}/cancel",
                 "jobs/recurring/payments.sweep/off"):  # fmt: skip
        answer = client.post(f"/operator/{path}", data=data)
        assert answer.status_code == 422, path
        assert 'aria-invalid="true"' in answer.get_data(as_text=True)
    assert count() == before
    assert state_of(User, user.id) == "active"
    assert state_of(Listing, place.listing) == "published"


def test_nobody_does_these_things_to_the_own_account(client: MarketplaceClient, auth: Auth) -> None:
    operator = auth.operator()
    assert "Block" not in page_text(client.get(f"/operator/members/{operator.id}"))
    for act in ("block", "demote"):
        answer = client.post(f"/operator/members/{operator.id}/{act}", data=WHY)
        assert answer.status_code == 409
        assert "You can't do this with your own account." in page_text(answer)
        assert WHY["reason"] in answer.get_data(as_text=True)
    assert db.session.get_one(User, operator.id).role == "operator"


def test_making_and_unmaking_operators(client: MarketplaceClient, auth: Auth, factories: Factories) -> None:
    auth.operator()
    user = factories.user()
    client.post(f"/operator/members/{user.id}/promote", data=WHY)
    assert db.session.get_one(User, user.id, populate_existing=True).role == "operator"
    assert newest().data == {"from": "member", "to": "operator"}
    client.post(f"/operator/members/{user.id}/demote", data=WHY)
    assert db.session.get_one(User, user.id, populate_existing=True).role == "member"


def test_the_confirming_link_is_mailed_again(
    client: MarketplaceClient, auth: Auth, factories: Factories, mailbox: Mailbox
) -> None:
    auth.operator()
    user = factories.user(email_confirmed_at=None)
    assert client.post(f"/operator/members/{user.id}/resend").status_code == 302
    assert newest().action == "user.confirmation_resent"
    assert [mail["To"] for mail in mailbox.deliver()] == [user.email]
    confirmed = factories.user()
    assert client.post(f"/operator/members/{confirmed.id}/resend").status_code == 409


def test_a_report_is_dismissed_once(client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    assert "The photo is from a shop" in page_text(client.get("/operator/reports"))
    assert client.post(f"/operator/reports/{place.report}/dismiss", data=WHY).location == "/operator/reports"
    assert state_of(ListingReport, place.report) == "handled"
    assert state_of(Listing, place.listing) == "published"
    assert newest().reason == WHY["reason"]
    assert "No open report" in page_text(client.get("/operator/reports"))
    assert client.post(f"/operator/reports/{place.report}/dismiss", data=WHY).status_code == 409


def test_removing_a_listing_settles_its_reports(client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    client.post(f"/operator/reports/{place.report}/remove", data=WHY)
    assert state_of(Listing, place.listing) == "removed"
    assert state_of(ListingReport, place.report) == "handled"
    assert {line.action for line in audit.entries(limit=2)} == {"listing.removed", "report.handled"}
    assert client.post(f"/operator/listings/{place.listing}/remove", data=WHY).status_code == 409


@pytest.mark.parametrize(("act", "state"), [("dismiss", "sent"), ("remove", "removed")])
def test_a_reported_message_stays_or_goes(
    act: str, state: str, client: MarketplaceClient, auth: Auth, place: Place
) -> None:
    auth.operator()
    assert "Give me your card number" in page_text(client.get("/operator/reports/messages"))
    before = state_of(Message, 1)
    client.post(f"/operator/reports/messages/{place.message_report}/{act}", data=WHY)
    assert state_of(Message, 1) == (before if act == "dismiss" else state)
    assert newest().subject_type == "message"


def refund(client: MarketplaceClient, place: Place, **data: str) -> object:
    """Send the refund form as the last question does."""
    return client.post(f"/operator/payments/{place.payment}/refund", data={**WHY, **data})


def refunds(place: Place) -> list[Refund]:
    """Return the payment's refunds."""
    return list(db.session.scalars(select(Refund).where(Refund.payment_id == place.payment)))


def test_a_refund_is_asked_twice_made_once_and_reaches_the_payer(
    client: MarketplaceClient, auth: Auth, place: Place, world: World
) -> None:
    operator = auth.operator()
    sure = client.post(f"/operator/payments/{place.payment}/refund", data={**WHY, "amount": "12,50"})
    assert "Refund €12.50?" in page_text(sure)
    assert refunds(place) == []
    data = {**WHY, "amount": "12.50", "left": "5000", "sure": "1"}
    address = f"/operator/payments/{place.payment}/refund"
    assert client.post(address, data=data).location == f"/operator/payments/{place.payment}"
    again = client.post(address, data=data)
    assert again.status_code == 409
    assert "Meanwhile something was refunded already" in page_text(again)
    line = newest()
    assert (line.action, line.subject_id, line.reason) == ("payment.refunded", str(place.payment), WHY["reason"])
    assert line.data["amount"] == 1250
    assert [(row.amount_minor, row.actor_id) for row in refunds(place)] == [(1250, operator.id)]
    world.work()
    world.prove()
    assert db.session.get_one(Refund, refunds(place)[0].id, populate_existing=True).state == "succeeded"
    shown = page_text(client.get(f"/operator/payments/{place.payment}"))
    assert "€37.50" in shown
    assert "Partly refunded" in shown or "Refund of €12.50" in shown


@pytest.mark.parametrize("amount", ["", "abc", "0", "-5", "50.01", "99999999999999999999999", "1e3"])
def test_an_amount_that_cannot_go_back_is_refused_beside_the_field(
    amount: str, client: MarketplaceClient, auth: Auth, place: Place
) -> None:
    auth.operator()
    answer = client.post(
        f"/operator/payments/{place.payment}/refund", data={**WHY, "amount": amount, "left": "5000", "sure": "1"}
    )
    assert answer.status_code == 422
    assert 'id="amount-error"' in answer.get_data(as_text=True)
    assert WHY["reason"] in answer.get_data(as_text=True)
    assert refunds(place) == []


def test_money_goes_back_after_the_owner_was_paid_out_and_the_operator_says_who_bears_it(
    client: MarketplaceClient, auth: Auth, place: Place, world: World
) -> None:
    auth.operator()
    other = db.session.scalars(select(Payment).where(Payment.settled_at.is_not(None))).one()
    world.onboard(world.owner)
    world.work()
    page = client.get(f"/operator/payments/{other.id}/refund")
    assert "The owner owes it" in page_text(page)
    data = {**WHY, "amount": "1", "left": "2500", "sure": "1", "fee_back": "none", "bearer": "platform"}
    assert client.post(f"/operator/payments/{other.id}/refund", data=data).status_code == 302
    row = db.session.scalars(select(Refund).where(Refund.payment_id == other.id)).one()
    assert (row.fee_back, row.bearer) == ("none", "platform")
    world.work()
    assert world.fresh(other).refunded_minor == 100
    world.prove()


def test_a_parked_event_is_looked_at_again_and_nothing_is_booked_twice(
    client: MarketplaceClient, auth: Auth, place: Place, world: World
) -> None:
    auth.operator()
    page = client.get(f"/operator/agreements/{place.agreement}")
    assert "raw body" in page_text(page)
    assert f'action="/operator/gateway/{place.event}/replay' in page.get_data(as_text=True)
    balances = db.session.execute(
        text("SELECT code, posted_debit, posted_credit FROM ledger_balance ORDER BY code")
    ).all()
    answer = client.post(f"/operator/gateway/{place.event}/replay?next=/operator/agreements/{place.agreement}")
    assert answer.location == f"/operator/agreements/{place.agreement}"
    assert newest().action == "gateway_event.replayed"
    assert client.post(f"/operator/gateway/{place.event}/replay").status_code == 409
    world.work()
    assert state_of(GatewayEvent, place.event) == "applied"
    after = db.session.execute(text("SELECT code, posted_debit, posted_credit FROM ledger_balance ORDER BY code")).all()
    assert after == balances


def test_a_replay_never_leads_to_another_site(client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    answer = client.post(f"/operator/gateway/{place.event}/replay?next=//evil.example/")
    assert answer.location == f"/operator/gateway/{place.event}"


def test_money_leads_from_the_account_to_the_gateways_word(client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    accounts = client.get("/operator/ledger?owner=agreement").get_data(as_text=True)
    assert f"/operator/ledger/accounts/{place.account}" in accounts
    statement = client.get(f"/operator/ledger/accounts/{place.account}").get_data(as_text=True)
    assert f"/operator/ledger/transactions/{place.booking}" in statement
    booking = client.get(f"/operator/ledger/transactions/{place.booking}").get_data(as_text=True)
    assert f"/operator/agreements/{place.agreement}" in booking
    assert f"/operator/gateway/{place.event}" in booking
    assert f"/operator/payments/{place.payment}" in booking


def test_the_books_are_proved_on_request(client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    assert "The books are right" in page_text(client.post("/operator/ledger/audit"))
    line = newest()
    assert (line.action, line.data) == ("ledger.audited", {"findings": 0})


def test_a_dead_job_is_tried_again_or_given_up(client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    assert "the bank is closed" in page_text(client.get(f"/operator/jobs/{place.job}"))
    client.post(f"/operator/jobs/{place.job}/retry", data=WHY)
    assert state_of(Job, place.job) == "queued"
    client.post(f"/operator/jobs/{place.job}/cancel", data=WHY)
    assert state_of(Job, place.job) == "done"
    assert newest().data["state"] == "queued"
    assert "cancelled by an operator" in db.session.get_one(Job, place.job, populate_existing=True).last_error
    for act in ("retry", "cancel"):
        assert client.post(f"/operator/jobs/{place.job}/{act}", data=WHY).status_code == 409


def test_a_recurring_job_is_switched_off_and_on_and_asked_for(client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    ask_for_due()
    assert "payments.sweep" in page_text(client.get("/operator/jobs/recurring"))
    client.post("/operator/jobs/recurring/payments.sweep/off", data=WHY)
    assert db.session.get_one(Recurring, "payments.sweep", populate_existing=True).enabled is False
    assert newest().action == "job.switched_off"
    page = client.get("/operator/jobs/recurring").get_data(as_text=True)
    assert "payments.sweep/on" in page
    assert "payments.sweep/run" not in page
    refused = client.post("/operator/jobs/recurring/payments.sweep/run", follow_redirects=True)
    assert "payments.sweep is off. Switch it on first." in page_text(refused)
    assert newest().action == "job.switched_off"
    client.post("/operator/jobs/recurring/payments.sweep/on", data=WHY)
    assert db.session.get_one(Recurring, "payments.sweep", populate_existing=True).enabled is True
    assert client.post("/operator/jobs/recurring/payments.sweep/run").status_code == 302
    assert newest().action == "job.asked"
    assert client.post("/operator/jobs/recurring/nothing/run").status_code == 404


def form_of(**changes: str) -> dict[str, str]:
    """Return the settings form as it would be sent unchanged, with some of it changed."""
    data: dict[str, str] = {}
    for field in settings.form_fields():
        if field.type != "bool" or field.checked:
            data[field.key] = "y" if field.type == "bool" else field.text
        data[f"version:{field.key}"] = str(field.version)
    return {**data, **changes}


def test_settings_are_changed_together_and_audited(client: MarketplaceClient, auth: Auth) -> None:
    operator = auth.operator()
    changes = form_of(**{"funding.fee_percent": "7,5", "funding.minimum_pledge": "2.50", **WHY})
    assert client.post("/operator/settings", data=changes).status_code == 302
    settings.forget()
    assert str(settings.get("funding.fee_percent")) == "7.5"
    assert settings.get("funding.minimum_pledge").minor == 250
    lines = audit.entries(limit=5)
    assert {line.subject_id for line in lines} == {"funding.fee_percent", "funding.minimum_pledge"}
    assert {(line.actor_id, line.reason) for line in lines} == {(operator.id, WHY["reason"])}
    assert 'value="2.50"' in client.get("/operator/settings").get_data(as_text=True)
    assert client.post("/operator/settings", data=form_of()).status_code == 302
    assert count() == 2


@pytest.mark.parametrize(
    ("key", "value"),
    [("funding.fee_percent", "51"), ("funding.fee_percent", "much"), ("funding.longest_days", "1.5"),
     ("funding.longest_days", ""), ("funding.minimum_pledge", "free"), ("funding.minimum_pledge", "")],
)  # fmt: skip
def test_a_setting_that_does_not_fit_keeps_all_as_it_was(
    key: str, value: str, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    other = "funding.longest_days" if key == "funding.fee_percent" else "funding.fee_percent"
    answer = client.post("/operator/settings", data=form_of(**{other: "9", key: value}))
    assert answer.status_code == 422
    body = answer.get_data(as_text=True)
    assert f'id="{key}-error"' in body
    assert 'value="9"' in body
    assert count() == 0


def test_two_operators_do_not_overwrite_each_other(client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    stale = form_of(**{"funding.fee_percent": "9"})
    assert client.post("/operator/settings", data=form_of(**{"funding.fee_percent": "8"})).status_code == 302
    answer = client.post("/operator/settings", data=stale)
    assert answer.status_code == 422
    assert "Somebody else changed this setting meanwhile" in page_text(answer)
    settings.forget()
    assert str(settings.get("funding.fee_percent")) == "8"


def test_the_audit_log_is_filtered_and_shows_reasons(
    client: MarketplaceClient, auth: Auth, factories: Factories
) -> None:
    operator = auth.operator()
    user = factories.user()
    client.post(f"/operator/members/{user.id}/block", data=WHY)
    for query in ("action=user.blocked", f"actor={operator.id}", "subject=user", f"subject=user&id={user.id}"):
        page = page_text(client.get(f"/operator/audit?{query}"))
        assert WHY["reason"] in page, query
    assert "No line like this" in page_text(client.get("/operator/audit?action=user.unblocked"))


def test_the_plugins_page_tells_what_each_brings(client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    page = page_text(client.get("/operator/plugins"))
    for text_ in ("campaign", "pledge", "funding.close", "funding.fee_percent", "0001_funding", "register_jobs"):
        assert text_ in page, text_


def test_a_plugin_that_is_off_keeps_its_tables_and_members_money_is_named(
    make_app: Callable[..., Flask], place: Place, client: MarketplaceClient, auth: Auth
) -> None:
    auth.operator()
    page = page_text(client.get("/operator/plugins"))
    assert "are held for agreements of the kind 'test', whose plugin is off" in page


def test_html_in_what_people_wrote_is_only_text(client: MarketplaceClient, auth: Auth, factories: Factories) -> None:
    auth.operator()
    evil = "<script>alert(1)</script>"
    user = factories.user(name=evil, place=evil)
    listing = factories.listing(user, title=evil, summary=evil)
    with transaction():
        job_id = enqueue("payments.sweep", {"note": evil})
        db.session.get_one(Job, job_id).last_error = evil
    for path in ("members", f"members/{user.id}", "listings", f"listings/{listing.id}", f"jobs/{job_id}", "jobs",
                 "search?q=script", f"members/{user.id}/block", f"search?q={evil}", f"audit?action={evil}"):  # fmt: skip
        body = client.get(f"/operator/{path}").get_data(as_text=True)
        assert evil not in body, path
        assert "&lt;script&gt;alert(1)" in body or path == "audit", path
