"""A small world for tests of payments: members, a listing, agreements, cards given on the bank's own page, and the books."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count
from typing import Any

import requests
import stripe
from flask import Flask
from sqlalchemy import select, text

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.jobs.worker import drain
from marketplace.ledger import accounts
from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.models import LedgerAccount
from marketplace.money import Money
from marketplace.payments import methods, payees, service
from marketplace.payments.models import Payment, PaymentAttempt, SavedMethod
from marketplace.testing.bank import API_KEY, WEBHOOK_SECRET, Bank
from marketplace.testing.clients import MarketplaceClient, client_of, refresh
from marketplace.testing.factories import Factories
from marketplace.users.models import User

VISA = "4242424242424242"
DECLINES = "4000000000000341"
ASKS_AT_SETUP = "4000002500003155"
ASKS_ALWAYS = "4000002760003184"
NO_FUNDS = "4000008260003178"
PENDING_REFUND = "4000000000007726"
FAILING_REFUND = "4000000000005126"
IBAN = "NL91ABNA0417164300"


def eur(minor: int) -> Money:
    """Give an amount of euro cents."""
    return Money(minor, "EUR")


class World:
    """One marketplace and one bank."""

    def __init__(self, app: Flask, bank: Bank, factories: Factories) -> None:
        """Make an owner with a listing, and a guest's client."""
        self.app = app
        self.bank = bank
        self.factories = factories
        self.client: MarketplaceClient = client_of(app)
        self.owner = factories.user(name="Olaf Owner")
        self.listing = factories.listing(self.owner)
        self.stripe = stripe.StripeClient(API_KEY, base_addresses={"api": bank.url}, max_network_retries=0).v1
        self._numbers = count(1)

    def agreement(self, payer: User) -> Agreement:
        """Write an agreement of a kind that no plugin has."""
        at = clock.now()
        with transaction():
            agreement = Agreement(
                kind="test", listing_id=self.listing.id, owner_id=self.owner.id, member_id=payer.id, state="agreed",
                phase="agreed", terms={}, created_at=at, updated_at=at,
            )  # fmt: skip
            db.session.add(agreement)
        return agreement

    def payment(self, minor: int = 5000, payer: User | None = None, card: str = "") -> Payment:
        """Ask a member to pay; with `card` the member has given it on the bank's page."""
        payer = payer or self.factories.user()
        payment = service.request_payment(self.agreement(payer), "pledge", eur(minor))
        if card:
            self.save_card(payer, card, payment)
        return payment

    def save_card(self, user: User, number: str, payment: Payment | None = None, *, look: bool = True) -> str:
        """Give a card on the bank's hosted page, approve it where asked, and come back; gives the page's address."""
        returns = methods.Returns("http://site.example/done", "http://site.example/back")
        url = methods.begin_setup(user, payment, returns)
        assert isinstance(url, str), url
        self.fill_in(url, number)
        if look:
            methods.look_at_setup(user.id, payment.id if payment else None)
        refresh()
        return url

    def fill_in(self, url: str, number: str) -> str:
        """Fill in the hosted page; gives where it leads in the end."""
        answer = requests.post(url, {"quick": number}, allow_redirects=False, timeout=10)
        target = answer.headers.get("Location", "")
        return self.approve(target) if "/3ds/" in target else target

    def approve(self, url: str, answer: str = "yes") -> str:
        """Answer the bank's question; gives where it leads."""
        return requests.post(url, {"answer": answer}, allow_redirects=False, timeout=10).headers.get("Location", "")

    def onboard(self, user: User) -> None:
        """Open an account for a member and answer the bank's questions."""
        url = payees.onboard(user, "http://site.example/done", "http://site.example/again")
        assert isinstance(url, str), url
        requests.post(url, {"business_type": "individual", "iban": IBAN}, allow_redirects=False, timeout=10)
        payees.look_at_account(user.id)

    def work(self) -> int:
        """Run the jobs that are due."""
        done = drain(self.app)
        refresh()
        return done

    def charged(self, minor: int = 5000, card: str = VISA) -> Payment:
        """Give a payment that was charged."""
        payment = self.payment(minor, card=card)
        service.charge(payment)
        self.work()
        return self.fresh(payment)

    @staticmethod
    def fresh(payment: Payment) -> Payment:
        """Give a payment as the database has it now."""
        refresh()
        return db.session.get_one(Payment, payment.id, populate_existing=True)

    @staticmethod
    def payer(payment: Payment) -> User:
        """Give the member who pays."""
        return db.session.get_one(User, payment.payer_id)

    @staticmethod
    def attempts(payment: Payment, kind: str = "charge") -> Sequence[PaymentAttempt]:
        """Give a payment's attempts, the oldest first."""
        refresh()
        return db.session.scalars(
            select(PaymentAttempt)
            .where(PaymentAttempt.payment_id == payment.id, PaymentAttempt.kind == kind)
            .order_by(PaymentAttempt.id)
        ).all()

    @staticmethod
    def method_of(user_id: int) -> SavedMethod:
        """Give a member's newest saved method."""
        refresh()
        return db.session.scalars(
            select(SavedMethod).where(SavedMethod.user_id == user_id).order_by(SavedMethod.id.desc()).limit(1)
        ).one()

    def fault(self, operation: str, kind: str, times: int = 1) -> None:
        """Let the bank stumble."""
        self.bank.sandbox.faults.add(operation, kind, times)

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Give what the bank announced, the oldest first."""
        found = [event.to_dict() for event in self.stripe.events.list({"limit": 100}).auto_paging_iter()]
        found.reverse()
        return [event for event in found if not types or event["type"] in types]

    def post_event(self, event: dict[str, Any] | bytes, **changes: Any) -> int:
        """Send an event to the webhook as Stripe does; gives the status. Changes: `secret`, `stamp`, `header`."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        header = changes.get("header")
        if header is None:
            header = stripe.WebhookSignature.generate_signature_header(
                body.decode("utf-8", "replace"), changes.get("secret", WEBHOOK_SECRET), changes.get("stamp")
            )
        headers = {"Stripe-Signature": header} if header else {}
        return self.client.post(
            "/webhooks/stripe", data=body, headers=headers, content_type="application/json", csrf=False
        ).status_code

    def count(self, thing: str) -> int:
        """Count the bank's objects of a kind, for instance `charges` or `refunds`."""
        objects: Any = getattr(self.stripe, thing)
        return sum(1 for _one in objects.list({"limit": 100}).auto_paging_iter())

    def at_bank(self) -> int:
        """Give what the bank says that it keeps for us, pending and available, in euro cents."""
        balance = self.stripe.balance.retrieve()
        return sum(part.amount for part in (*balance.pending, *balance.available) if part.currency == "eur")

    @staticmethod
    def standing(account: AccountSpec) -> int:
        """Give what an account holds in the books, in its own direction."""
        refresh()
        row = db.session.scalars(select(LedgerAccount).where(LedgerAccount.code == account.code)).one_or_none()
        if row is None:
            return 0
        return (row.posted_debit - row.posted_credit) * (1 if account.grows_by_debit else -1)

    def held(self, payment: Payment) -> int:
        """Give what is held for a payment's agreement."""
        return self.standing(accounts.agreement_held(payment.agreement_id, "EUR"))

    def earned(self) -> int:
        """Give what is owed to the owner."""
        return self.standing(accounts.member_payable(self.owner.id, "EUR"))

    def prove(self) -> None:
        """The books say what the bank says, to the cent, and nothing is out of balance."""
        booked, there = self.standing(accounts.provider_clearing("stripe", "EUR")), self.at_bank()
        assert booked == there, f"the books say {booked}, the bank says {there}"
        debit, credit = db.session.execute(
            text("SELECT coalesce(sum(posted_debit), 0), coalesce(sum(posted_credit), 0) FROM ledger_balance")
        ).one()
        assert debit == credit
