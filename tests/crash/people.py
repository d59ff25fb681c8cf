"""Who takes part: members with cards, sessions and tokens made beforehand, and the owners of the campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe
from flask import Flask
from sqlalchemy import update

from marketplace import clock
from marketplace.api_v1 import tokens
from marketplace.database import db, transaction
from marketplace.payments.models import GatewayCustomer, SavedMethod
from marketplace.testing.bank import API_KEY
from marketplace.testing.clients import client_of
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from marketplace.users.models import User, UserSession
from tests.crash.client import Client, Tally

SCOPES = ("agreements:write", "payments:read", "payments:write", "pledges:read", "pledges:write")
CARDS = {
    "good": "pm_card_visa",
    "refused": "pm_card_chargeCustomerFail",
    "asks": "pm_card_authenticationRequired",
    "slow refund": "pm_card_pendingRefund",
}
"""The bank's test cards by what they do when the owner of the card is away."""

NEVER = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Person:
    """Somebody who acts; `cards` are the numbers of saved methods by what they do."""

    id: int
    client: Client
    cards: dict[str, int]


class People:
    """Makes people, each in a few rows, without the site's pages."""

    def __init__(self, app: Flask, site: str, bank: str, tally: Tally) -> None:
        """Take the app whose database they live in, and the addresses of site and bank."""
        self._app = app
        self._site = site
        self._tally = tally
        self._factories = Factories()
        self._stripe = stripe.StripeClient(API_KEY, base_addresses={"api": bank}, max_network_retries=0).v1

    def backers(self, count: int) -> list[Person]:
        """Make members who each have one card of every sort."""
        return [self._person(self._factories.user(), CARDS) for _number in range(count)]

    def owner(self) -> tuple[User, Person]:
        """Make somebody who can start a campaign."""
        user = self._factories.user()
        return user, self._person(user, {})

    def operator(self) -> Person:
        """Make somebody who runs the place."""
        return self._person(self._factories.operator(), {})

    def stay(self) -> None:
        """Let everybody stay logged in: a session that is used lasts for thirty days, which a run leaps over in minutes."""
        with transaction() as session:
            session.execute(update(UserSession).values(expires_at=NEVER, remembered=True))

    def _person(self, user: User, cards: dict[str, str]) -> Person:
        _row, token = tokens.create(user.id, name="crash", scopes=SCOPES, expires_at=None)
        browser = client_of(self._app)
        log_in(browser, user)
        csrf = browser.csrf_token()
        cookie = browser.get_cookie(self._app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        client = Client(self._site, self._tally, token, f"{cookie.key}={cookie.value}", csrf)
        return Person(user.id, client, self._save(user, cards))

    def _save(self, user: User, cards: dict[str, str]) -> dict[str, int]:
        if not cards:
            return {}
        customer = self._stripe.customers.create({"email": user.email}).id
        attached = {
            sort: self._stripe.payment_methods.attach(card, {"customer": customer}) for sort, card in cards.items()
        }
        at = clock.now()
        with transaction() as session:
            session.add(GatewayCustomer(user_id=user.id, gateway="stripe", ref=customer, created_at=at))
            rows: dict[str, Any] = {
                sort: SavedMethod(
                    user_id=user.id, gateway="stripe", ref=method.id, brand="visa", last4="4242", created_at=at
                )
                for sort, method in attached.items()
            }
            session.add_all(rows.values())
            db.session.flush()
            return {sort: row.id for sort, row in rows.items()}
