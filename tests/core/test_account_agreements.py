"""The page of an agreement, the moves made on it, and the waits that end by themselves."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import insert, select

from marketplace import clock
from marketplace.agreements import expiry
from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.database import db, transaction
from marketplace.payments.models import Payment
from marketplace.runtime import runtime
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.people import Auth
from marketplace.testing.statements import Statements
from tests.core.account_loans import Lend, loan, stop_offering_loans

__all__ = ["loan"]


def state_of(agreement: Agreement) -> str:
    return db.session.scalars(select(Agreement.state).where(Agreement.id == agreement.id)).one()


def test_both_parties_read_terms_history_and_price(client: MarketplaceClient, auth: Auth, loan: Lend) -> None:
    made = loan(amount=1250)
    for party, other in ((made.owner_id, made.member_id), (made.member_id, made.owner_id)):
        auth.login(db.session.get_one(type(auth.member()), party))
        page = page_text(client.get(f"/agreements/{made.id}"))
        assert "Loan: A cargo bike" in page
        assert "The red one" in page
        assert "€12.50" in page
        assert "Asked" in page
        assert f"/members/{other}" in client.get(f"/agreements/{made.id}").get_data(as_text=True)


def test_only_the_one_who_may_move_sees_the_button_and_what_to_do(
    client: MarketplaceClient, auth: Auth, loan: Lend
) -> None:
    owner, member = auth.member(), auth.member()
    made = loan(owner, member, waits_until=clock.now() + timedelta(days=2, minutes=5))
    as_member = page_text(client.get(f"/agreements/{made.id}"))
    assert "Lend it" not in as_member
    assert "Answer the question" not in as_member
    auth.login(owner)
    as_owner = page_text(client.get(f"/agreements/{made.id}"))
    assert "Lend it" in as_owner
    assert "Answer the question" in as_owner
    assert "2 days left" in as_owner
    assert "Nobody sees this" not in as_owner


def test_a_move_is_made_once_and_written_into_the_history(client: MarketplaceClient, auth: Auth, loan: Lend) -> None:
    made = loan(auth.member())
    first = client.post(f"/agreements/{made.id}/lend", data={"note": "Mind the brakes"})
    assert first.location == f"/agreements/{made.id}"
    again = client.post(f"/agreements/{made.id}/lend")
    assert again.status_code == 409
    assert "has moved on meanwhile" in page_text(again)
    assert state_of(made) == "lent"
    notes = db.session.scalars(select(AgreementEvent.note).where(AgreementEvent.transition == "lend")).all()
    assert notes == ["Mind the brakes"]
    assert "You: Mind the brakes" in page_text(client.get(f"/agreements/{made.id}"))


def test_a_move_that_needs_it_asks_first(client: MarketplaceClient, auth: Auth, loan: Lend) -> None:
    made = loan(auth.member())
    asked = client.get(f"/agreements/{made.id}/refuse")
    assert "The asker will be told." in page_text(asked)
    assert state_of(made) == "asked"
    client.post(f"/agreements/{made.id}/refuse")
    assert state_of(made) == "refused"


@pytest.mark.parametrize("name", ["give_back", "lapse", "secret", "nonsense", "created", "%00", "refuse%2F.."])
def test_moves_of_others_and_nonsense_change_nothing(
    client: MarketplaceClient, auth: Auth, loan: Lend, name: str
) -> None:
    made = loan(auth.member())
    for answer in (client.get(f"/agreements/{made.id}/{name}"), client.post(f"/agreements/{made.id}/{name}")):
        assert answer.status_code in (404, 409)
    assert state_of(made) == "asked"


def test_a_stranger_finds_nothing(client: MarketplaceClient, auth: Auth, loan: Lend) -> None:
    made = loan()
    auth.member()
    there, nowhere = client.get(f"/agreements/{made.id}"), client.get("/agreements/999999")
    assert there.status_code == nowhere.status_code == 404
    assert "does not exist, or is not for you" in page_text(there)
    for name in ("lend", "refuse"):
        assert client.get(f"/agreements/{made.id}/{name}").status_code == 404
        assert client.post(f"/agreements/{made.id}/{name}").status_code == 404
    assert client.get(f"/agreements/{10**30}").status_code == 404
    assert state_of(made) == "asked"


def test_a_guest_is_asked_to_log_in_whether_the_page_exists_or_not(client: MarketplaceClient, loan: Lend) -> None:
    made = loan()
    for number in (made.id, 999999):
        assert client.get(f"/agreements/{number}").location == f"/login?next=/agreements/{number}"
    assert client.post(f"/agreements/{made.id}/lend").status_code == 302
    assert state_of(made) == "asked"


def test_without_the_forms_token_or_with_another_method_nothing_moves(
    client: MarketplaceClient, auth: Auth, loan: Lend
) -> None:
    made = loan(auth.member())
    assert client.post(f"/agreements/{made.id}/lend", csrf=False).status_code == 400
    assert client.post(f"/agreements/{made.id}").status_code == 405
    assert client.delete(f"/agreements/{made.id}/lend").status_code == 405
    assert state_of(made) == "asked"


def test_an_operator_must_say_why(client: MarketplaceClient, auth: Auth, loan: Lend) -> None:
    made = loan()
    auth.operator()
    assert "Refuse" in page_text(client.get(f"/agreements/{made.id}"))
    silent = client.post(f"/agreements/{made.id}/refuse", data={"note": "  "})
    assert silent.status_code == 422
    assert "both sides get to read it" in page_text(silent)
    client.post(f"/agreements/{made.id}/refuse", data={"note": "Stolen goods"})
    assert state_of(made) == "refused"


def test_a_note_that_is_too_long_comes_back(client: MarketplaceClient, auth: Auth, loan: Lend) -> None:
    made = loan(auth.member())
    answer = client.post(f"/agreements/{made.id}/lend", data={"note": "x" * 1001})
    assert answer.status_code == 422
    assert "x" * 1001 in answer.get_data(as_text=True)
    assert state_of(made) == "asked"


def test_while_the_plugin_is_off_the_page_only_reads(
    app: Flask, client: MarketplaceClient, auth: Auth, loan: Lend
) -> None:
    made = loan(auth.member())
    stop_offering_loans(app)
    page = client.get(f"/agreements/{made.id}")
    assert page.status_code == 200
    assert "not offered here at the moment" in page_text(page)
    assert "Lend it" not in page_text(page)
    assert client.post(f"/agreements/{made.id}/lend").status_code == 409
    assert state_of(made) == "asked"
    assert client.get("/account").status_code == 200
    assert "Not offered here" in page_text(client.get("/account/agreements?role=owner"))


def test_an_objection_of_a_plugin_is_shown(
    app: Flask, client: MarketplaceClient, auth: Auth, loan: Lend, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = loan(auth.member())
    asked = runtime(app).hooks.implementations

    def objecting(name: str) -> object:
        if name == "transition_objections":
            return [("stubborn", lambda **_facts: ["The bike is at the mender's."])]
        return asked(name)

    monkeypatch.setattr(runtime(app).hooks, "implementations", objecting)
    assert "Lend it" not in page_text(client.get(f"/agreements/{made.id}"))
    answer = client.post(f"/agreements/{made.id}/lend")
    assert answer.status_code == 409
    assert "at the mender" in page_text(answer)
    assert state_of(made) == "asked"


def test_an_overdue_wait_ends_once_and_by_itself(app: Flask, loan: Lend, frozen: FrozenClock) -> None:
    start = frozen.at("2026-11-21T12:00:00")
    overdue = [loan(waits_until=start + timedelta(hours=1)) for _number in range(3)]
    later = loan(waits_until=start + timedelta(hours=2))
    forever = loan()
    expiry.expire({})
    assert {state_of(one) for one in (*overdue, later, forever)} == {"asked"}
    frozen.at(start + timedelta(hours=1))
    for _twice in range(2):
        expiry.expire({})
    assert [state_of(one) for one in (*overdue, later, forever)] == ["lapsed"] * 3 + ["asked"] * 2
    events = db.session.scalars(select(AgreementEvent).where(AgreementEvent.transition == "lapse")).all()
    assert [event.actor_role for event in events] == ["system"] * 3


def test_one_that_can_not_be_moved_does_not_hold_up_the_others(
    app: Flask, loan: Lend, frozen: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = frozen.at("2026-11-21T12:00:00")
    monkeypatch.setattr(expiry, "BATCH", 2)
    made = [loan(waits_until=start + timedelta(minutes=number)) for number in range(5)]
    asked = runtime(app).hooks.implementations

    def objecting(name: str) -> object:
        if name == "transition_objections":
            return [("stubborn", lambda agreement, **_facts: ["No."] if agreement.id == made[0].id else [])]
        return asked(name)

    monkeypatch.setattr(runtime(app).hooks, "implementations", objecting)
    frozen.forward(hours=1)
    expiry.expire({})
    assert [state_of(one) for one in made] == ["asked", *["lapsed"] * 4]


def test_what_happened_meanwhile_is_seen_under_the_lock(app: Flask, loan: Lend, frozen: FrozenClock) -> None:
    start = frozen.at("2026-11-21T12:00:00")
    made = loan(waits_until=start + timedelta(hours=1))
    assert not expiry.expire_one(made.id, start)
    assert expiry.expire_one(made.id, start + timedelta(hours=1))
    assert not expiry.expire_one(made.id, start + timedelta(hours=1))
    assert state_of(made) == "lapsed"


def test_a_plugin_that_is_off_keeps_its_waits(app: Flask, loan: Lend, frozen: FrozenClock) -> None:
    start = frozen.at("2026-11-21T12:00:00")
    made = loan(waits_until=start)
    stop_offering_loans(app)
    expiry.expire({})
    assert state_of(made) == "asked"


def test_the_page_needs_as_many_statements_after_ninety_events_as_after_one(
    client: MarketplaceClient, auth: Auth, loan: Lend, statements: Callable[[], Statements]
) -> None:
    made = loan(auth.member())
    client.get(f"/agreements/{made.id}")
    with statements() as few:
        client.get(f"/agreements/{made.id}")
    from marketplace.agreements import service
    from marketplace.agreements.service import Actor

    for number in range(90):
        service.amend(made.id, Actor.system(), amount=None, terms={"thing": f"Bike {number}"})
    with statements() as many:
        page = client.get(f"/agreements/{made.id}")
    assert "Bike 89" in page_text(page)
    assert len(many) == len(few) <= 7, repr(many)


def test_the_page_shows_what_was_paid_and_what_came_back(client: MarketplaceClient, auth: Auth, loan: Lend) -> None:
    payer = auth.member()
    made = loan(member=payer, amount=2500)
    now = clock.now()
    facts = {"agreement_id": made.id, "payer_id": payer.id, "payee_id": made.owner_id, "purpose": "rent",
             "amount_minor": 2500, "refunded_minor": 1000, "currency": "EUR", "state": "succeeded", "charged_at": now,
             "created_at": now, "updated_at": now}  # fmt: skip
    with transaction() as session:
        session.execute(insert(Payment).values(facts))
    page = page_text(client.get(f"/agreements/{made.id}"))
    assert "€25.00" in page
    assert "Partly refunded" in page
    assert "Refunded: €10.00" in page


def test_a_second_browser_of_the_other_party_sees_the_move(
    client: MarketplaceClient, auth: Auth, loan: Lend, factories: Factories
) -> None:
    owner, member = factories.user(), factories.user()
    made = loan(owner, member)
    auth.login(owner)
    other = auth.client(member)
    client.post(f"/agreements/{made.id}/lend")
    assert "Lent out" in page_text(other.get(f"/agreements/{made.id}"))
    assert client_of(client.application).get(f"/agreements/{made.id}").status_code == 302
