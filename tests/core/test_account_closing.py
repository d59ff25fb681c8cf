"""Closing an account: what stands in the way, what is erased, and what stays."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from marketplace import clock
from marketplace.agreements import service
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor
from marketplace.database import db, transaction
from marketplace.ledger.accounts import member_payable, platform_bank
from marketplace.ledger.service import TransferSpec, post
from marketplace.lifecycle import Role
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.payments.models import Payment
from marketplace.runtime import runtime
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.mailbox import Mailbox
from marketplace.testing.people import Auth
from marketplace.users import closing
from marketplace.users.models import User, UserSession
from tests.core.account_loans import Lend, loan
from tests.core.test_users_login import is_member, log_in

__all__ = ["loan"]


def close(client: MarketplaceClient, password: str, **more: str) -> Any:
    return client.post("/account/close", data={"password": password, "sure": "y", **more})


def row(user: User) -> User:
    return db.session.scalars(select(User).where(User.id == user.id).execution_options(populate_existing=True)).one()


def test_a_closed_account_tells_nobody_who_it_was(
    client: MarketplaceClient, auth: Auth, factories: Factories, mailbox: Mailbox
) -> None:
    user = auth.member(name="Fenna de Wit", email="fenna@example.org", about="Mine", lat=52.0, lon=5.0)
    elsewhere = auth.client(user)
    answer = close(client, factories.password)
    assert "Your account is closed" in page_text(answer)
    kept = row(user)
    assert (kept.name, kept.state, kept.about, kept.place, kept.lat) == ("Former member", "closed", "", "", None)
    assert kept.closed_at is not None
    assert "fenna" not in " ".join(str(getattr(kept, name)) for name in User.__mapper__.columns.keys()).lower()  # noqa: SIM118
    assert not is_member(client)
    assert not is_member(elsewhere)
    assert not db.session.scalars(select(UserSession)).all()
    assert client.get(f"/members/{user.id}").status_code == 404
    mailbox.deliver()
    assert "is closed" in mailbox.to("fenna@example.org")[0]["Subject"]


def test_nobody_logs_in_to_a_closed_account_and_its_address_is_free_again(
    client: MarketplaceClient, auth: Auth, factories: Factories
) -> None:
    auth.member(email="fenna@example.org")
    close(client, factories.password)
    assert log_in(client, "fenna@example.org", factories.password).status_code == 422
    assert factories.user(email="fenna@example.org").id


def test_closing_needs_the_password_and_a_tick(client: MarketplaceClient, auth: Auth, factories: Factories) -> None:
    user = auth.member()
    assert close(client, "not this one").status_code == 422
    unsure = client.post("/account/close", data={"password": factories.password})
    assert unsure.status_code == 422
    assert "Tick this" in page_text(unsure)
    assert row(user).state == "active"


@pytest.mark.parametrize("party", ["owner", "member"])
def test_an_agreement_that_has_not_ended_stands_in_the_way_of_both(
    client: MarketplaceClient, auth: Auth, factories: Factories, loan: Lend, party: str
) -> None:
    user = auth.member()
    made = loan(**{party: user})
    refused = close(client, factories.password)
    assert refused.status_code == 409
    assert "“A cargo bike” has not ended yet" in page_text(refused)
    assert f'href="/agreements/{made.id}"' in refused.get_data(as_text=True)
    assert row(user).state == "active"
    service.transition(made.id, "lapse", Actor.system())
    assert "Your account is closed" in page_text(close(client, factories.password))
    assert db.session.get(Agreement, made.id) is not None


def test_an_open_payment_stands_in_the_way(
    client: MarketplaceClient, auth: Auth, factories: Factories, loan: Lend
) -> None:
    user = auth.member()
    made = loan(member=user, amount=1000)
    service.transition(made.id, "lapse", Actor.system())
    now = clock.now()
    facts = {"agreement_id": made.id, "payer_id": user.id, "payee_id": made.owner_id, "purpose": "test",
             "amount_minor": 1000, "currency": "EUR", "created_at": now, "updated_at": now}  # fmt: skip
    with transaction() as session:
        payment = session.execute(insert(Payment).values(facts).returning(Payment.id)).scalar_one()
    assert "1 payment is not finished" in page_text(close(client, factories.password))
    with transaction() as session:
        session.get_one(Payment, payment).state = "cancelled"
    assert "Your account is closed" in page_text(close(client, factories.password))


def test_money_that_waits_to_be_paid_out_stands_in_the_way(
    client: MarketplaceClient, auth: Auth, factories: Factories
) -> None:
    user = auth.member()
    transfer = TransferSpec(platform_bank("EUR"), member_payable(user.id, "EUR"), Money(1250, "EUR"))
    post("test:money", [transfer], description="earned")
    page = page_text(client.get("/account/close"))
    assert "Money is waiting to be paid out to you. €12.50" in page
    assert close(client, factories.password).status_code == 409
    post(
        "test:back",
        [TransferSpec(member_payable(user.id, "EUR"), platform_bank("EUR"), Money(1250, "EUR"))],
        description="paid",
    )
    assert closing.obstacles(user.id) == []


def test_listings_are_closed_and_drafts_emptied(client: MarketplaceClient, auth: Auth, factories: Factories) -> None:
    user = auth.member()
    offered = factories.listing(user, title="Offered")
    draft = factories.listing(user, state="draft", title="Private thoughts")
    theirs = factories.listing(title="Not mine", lat=52.5)
    assert "Your account is closed" in page_text(close(client, factories.password))
    fresh = select(Listing).execution_options(populate_existing=True)
    rows = {found.id: found for found in db.session.scalars(fresh)}
    assert (rows[offered.id].state, rows[offered.id].title, rows[offered.id].lat) == ("closed", "Offered", None)
    assert (rows[draft.id].title, rows[draft.id].body_md) == ("Removed", "")
    assert (rows[theirs.id].state, rows[theirs.id].lat) == ("published", 52.5)


def test_plugins_erase_their_part_and_one_that_fails_keeps_the_account_whole(
    app: Flask, client: MarketplaceClient, auth: Auth, factories: Factories, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = auth.member(name="Fenna de Wit")
    asked = runtime(app).hooks.implementations
    heard: list[str] = []

    def failing(user: User) -> None:
        heard.append(user.name)
        if len(heard) == 1:
            raise RuntimeError("the plugin is broken")

    def patched(name: str) -> object:
        return [("careful", failing)] if name == "erase_member" else asked(name)

    monkeypatch.setattr(runtime(app).hooks, "implementations", patched)
    assert close(client, factories.password).status_code == 500
    assert (row(user).name, row(user).state) == ("Fenna de Wit", "active")
    assert is_member(client)
    close(client, factories.password)
    assert heard == ["Fenna de Wit"] * 2
    assert row(user).state == "closed"


def test_the_other_party_reads_former_member(
    client: MarketplaceClient, auth: Auth, factories: Factories, loan: Lend
) -> None:
    leaver, stays = factories.user(name="Leaver"), factories.user()
    made = loan(stays, leaver)
    service.transition(made.id, "refuse", Actor(stays.id, Role.OWNER))
    auth.login(leaver)
    close(client, factories.password)
    auth.login(stays)
    page = page_text(client.get(f"/agreements/{made.id}"))
    assert "Former member" in page
    assert "Leaver" not in page
