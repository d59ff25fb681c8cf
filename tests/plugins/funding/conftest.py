"""A stage for campaigns: an owner, a live campaign, and backers with cards saved at the real sandbox."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from flask import Flask

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.jobs.worker import drain
from marketplace.listings import service as listings
from marketplace.payments.models import GatewayCustomer, SavedMethod
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.funding import campaigns, pledges, rewards
from plugins.funding.models import Campaign, Pledge
from plugins.funding.rewards import RewardFacts

START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
STORY = "We plant a garden behind the library. " * 5
GATEWAY = "stripe"


class Stage:
    """What happens around one campaign, in a few words each; amounts are minor units of EUR."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any, bank: Any = None) -> None:
        """Start at a fixed morning in March."""
        self.app, self.factories, self.frozen, self.bank = app, factories, frozen, bank
        frozen.at(START)
        self.owner: User = factories.user(name="Olivia Owner")
        self._stripe: Any = None

    @property
    def stripe(self) -> Any:
        """Give the SDK, talking to the sandbox."""
        if self._stripe is None:
            base = {"api": self.app.extensions["marketplace"].settings.stripe_api_base}
            self._stripe = stripe.StripeClient("sk_test_sandbox", base_addresses=base, max_network_retries=0)
        return self._stripe

    def draft(self, goal: int = 100_00, days: int = 30) -> int:
        """Start a campaign that could be published."""
        facts = {"title": "A garden", "summary": "Groente voor iedereen", "body_md": STORY, "place": "Utrecht"}
        facts["category"] = "garden"
        return campaigns.create(self.owner, facts=facts, goal_minor=goal, days=days).id

    def live(self, goal: int = 100_00, days: int = 30) -> int:
        """Publish a campaign."""
        campaign_id = self.draft(goal, days)
        listings.publish(campaign_id, actor=self.owner)
        return campaign_id

    def reward(
        self, campaign_id: int, amount: int = 10_00, stock: int | None = None, title: str = "A bag of beans"
    ) -> int:
        """Add a reward."""
        return rewards.add(campaign_id, self.owner, RewardFacts(title, "Dried", amount, stock, None)).id

    def backer(self, card: str = "pm_card_visa") -> tuple[User, int]:
        """Make a member with a card saved at the sandbox; gives the member and the saved method's id."""
        user = self.factories.user()
        return user, self.card(user, card)

    def card(self, user: User, card: str = "pm_card_visa") -> int:
        """Save another card of a member."""
        known = db.session.query(GatewayCustomer).filter_by(user_id=user.id).one_or_none()
        ref = known.ref if known else self.stripe.v1.customers.create({"email": user.email}).id
        method = self.stripe.v1.payment_methods.attach(card, {"customer": ref})
        with transaction() as session:
            if known is None:
                session.add(GatewayCustomer(user_id=user.id, gateway=GATEWAY, ref=ref, created_at=clock.now()))
            saved = SavedMethod(
                user_id=user.id, gateway=GATEWAY, ref=method.id, brand="visa", last4="4242", created_at=clock.now()
            )
            session.add(saved)
        return saved.id

    def cardless(self) -> tuple[User, int]:
        """Make a member whose card only we know of: enough for everything before the charge, and quicker."""
        user = self.factories.user()
        with transaction() as session:
            saved = SavedMethod(
                user_id=user.id, gateway=GATEWAY, ref=f"pm_{secrets.token_hex(6)}", brand="visa", created_at=clock.now()
            )
            session.add(saved)
        return user, saved.id

    def pledge(
        self, campaign_id: int, amount: int, backer: tuple[User, int | None] | None = None, **more: Any
    ) -> Agreement:
        """Pledge with a saved card (or, with method None, without one)."""
        user, method = backer or self.cardless()
        facts = {"reward_id": None, "nonce": secrets.token_hex(8), "arrived": clock.now(), "method_id": method}
        return pledges.place(campaign_id, user, amount_minor=amount, **{**facts, **more})

    def campaign(self, campaign_id: int) -> Campaign:
        """Read a campaign anew."""
        db.session.rollback()
        return db.session.get(Campaign, campaign_id, populate_existing=True)

    def agreement(self, agreement_id: int) -> Agreement:
        """Read an agreement anew."""
        db.session.rollback()
        return db.session.get(Agreement, agreement_id, populate_existing=True)

    def side(self, agreement_id: int) -> Pledge:
        """Read a pledge's side anew."""
        db.session.rollback()
        return db.session.get(Pledge, agreement_id, populate_existing=True)

    def work(self) -> None:
        """Let the worker do all that is due."""
        db.session.remove()
        drain(self.app)
        db.session.rollback()

    def to_deadline(self, campaign_id: int, after: timedelta = timedelta(seconds=61)) -> None:
        """Move the clock past a campaign's deadline and let the worker run."""
        self.frozen.at(self.campaign(campaign_id).ends + after)
        self.work()


@pytest.fixture
def stage(app: Flask, factories: Factories, frozen: Any) -> Stage:
    """Give a stage without a bank: for everything before the charge."""
    return Stage(app, factories, frozen)


@pytest.fixture
def funded_stage(sandbox: Any, app: Flask, factories: Factories, frozen: Any) -> Stage:
    """Give a stage whose cards are charged by the payment sandbox."""
    return Stage(app, factories, frozen, sandbox)
