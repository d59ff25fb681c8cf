"""The label on a thing that is lent leads the two whom it concerns to the hand-over, and tells others why it is not theirs."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace.database import db
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.users.models import User
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import handovers
from tests.plugins.sharing.loan_world import Lending


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


def entered(lending: Lending, user: User) -> MarketplaceClient:
    client = client_of(lending.app)
    Auth(client, lending.factories).login(user)
    return client


def label(item: int) -> str:
    """Give the path of the label of an item's first unit."""
    return f"/s/{db.session.scalars(select(Unit.code).where(Unit.item_id == item).order_by(Unit.id)).first()}"


def leads(client: MarketplaceClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 302, page_text(answer)
    return str(answer.headers["Location"])


def test_the_label_leads_borrower_and_lender_to_the_hand_over_and_then_to_the_return(lending: Lending) -> None:
    item = lending.item()
    agreement = lending.agreed(item)
    ben, lena, path = entered(lending, lending.borrower), entered(lending, lending.lender), label(item)
    assert leads(ben, path).startswith(f"/items/{item}-")
    lending.to(lending.loan(agreement).starts_at)
    for client in (ben, lena):
        assert leads(client, path).endswith(f"/loans/{agreement.id}/out")
    handovers.record(agreement.id, lending.as_lender(agreement), "out")
    for client in (ben, lena):
        assert leads(client, path).endswith(f"/loans/{agreement.id}/in")


def test_a_scan_on_a_phone_refuses_what_is_reserved_for_somebody_else_and_says_why(lending: Lending) -> None:
    item = lending.item()
    agreement = lending.agreed(item)
    other, guest, path = entered(lending, lending.factories.user()), client_of(lending.app), label(item)
    assert "reserved" not in page_text(other.get(path, follow_redirects=True))
    lending.to(lending.loan(agreement).starts_at)
    assert "It is reserved for somebody else until" in page_text(other.get(path, follow_redirects=True))
    assert "reserved for" not in page_text(guest.get(path, follow_redirects=True))
    handovers.record(agreement.id, lending.as_lender(agreement), "out")
    assert "Somebody else has it at the moment" in page_text(other.get(path, follow_redirects=True))
    assert client_of(lending.app).get("/s/no-such-label").status_code == 404
