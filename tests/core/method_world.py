"""A world for tests of payment methods: holds, pages to pay at once, bank debits and dunning; time moves here and at the bank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select

from marketplace import clock
from marketplace.database import db
from marketplace.jobs.models import Job
from marketplace.ledger import accounts
from marketplace.ledger.models import LedgerAccount
from marketplace.money import Money
from marketplace.notifications.models import Notification
from marketplace.payments import apply_charges, apply_holds, checkouts, dunning, methods, service
from marketplace.payments.models import Payment, PaymentDunning, PaymentHold, SavedMethod
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.users.models import User
from tests.core.payment_world import VISA, World, eur

MASTERCARD = "5555555555554444"
RETURNS = methods.Returns("http://site.example/done", "http://site.example/back")
SAVE, NOW, HOLD = "save_and_charge", "charge_and_refund", "hold"
START = datetime.fromisoformat("2027-03-01T09:00:00+00:00")


class MethodWorld(World):
    """One marketplace, one bank, and one time for both."""

    def __init__(self, app: Flask, bank: Bank, factories: Factories, frozen: FrozenClock) -> None:
        """Start on a Monday morning in March."""
        self.frozen = frozen
        self._at(bank, START)
        super().__init__(app, bank, factories)

    def _at(self, bank: Bank, at: datetime) -> None:
        self.frozen.at(at)
        ahead = at.timestamp() - bank.sandbox.clock.precise()
        bank.sandbox.clock.advance(max(ahead, 0))  # the bank's clock runs on by itself, and never back

    def forward(self, **span: float) -> None:
        """Move both clocks, let the bank do what falls due, and run the jobs."""
        at = clock.now() + timedelta(**span)
        self._at(self.bank, at)
        self.bank.deliver()
        self.work()

    def ask(
        self, *strategies: str, minor: int = 5000, payer: User | None = None, money: Money | None = None
    ) -> Payment:
        """Ask a member to pay in one of these ways."""
        payer = payer or self.factories.user()
        amount = money or eur(minor)
        return service.request_payment(self.agreement(payer), "rent", amount, strategies=strategies or (SAVE,))

    def on_card(self, *strategies: str, card: str = VISA, minor: int = 5000, money: Money | None = None) -> Payment:
        """Ask a member to pay, who has given a card."""
        payment = self.ask(*strategies, minor=minor, money=money)
        self.save_card(self.payer(payment), card, payment)
        return self.fresh(payment)

    def on_hold(self, card: str = VISA, minor: int = 5000, until: timedelta | None = None) -> Payment:
        """Give a payment whose amount is held."""
        payment = self.on_card(HOLD, card=card, minor=minor)
        service.hold(payment, clock.now() + until if until else None)
        self.work()
        return self.fresh(payment)

    def on_debit(self, iban: str, *strategies: str) -> Payment:
        """Ask a member to pay, who has given a bank account."""
        payment = self.ask(*strategies)
        url = methods.begin_setup(self.payer(payment), payment, RETURNS, "sepa_debit")
        assert isinstance(url, str), url
        requests.post(url, {"quick": iban}, allow_redirects=False, timeout=10)
        methods.look_at_setup(payment.payer_id, payment.id)
        return self.fresh(payment)

    def page(self, payment: Payment, kind: str = "ideal") -> str:
        """Open the page on which the payer pays at once."""
        url = checkouts.begin_page(self.payer(payment), payment, kind, RETURNS)
        assert isinstance(url, str), url
        return url

    def at_own_bank(self, url: str, answer: str = "yes") -> str:
        """Choose a bank on the page and answer there: yes, no, later, fails_later; gives where the payer lands."""
        asked = requests.post(url, {"bank": "ing"}, allow_redirects=False, timeout=10)
        at_bank = asked.headers["Location"]
        return requests.post(at_bank, {"answer": answer}, allow_redirects=False, timeout=10).headers["Location"]

    @staticmethod
    def holds(payment: Payment) -> Sequence[PaymentHold]:
        """Give a payment's holds, the oldest first."""
        refresh()
        return db.session.scalars(
            select(PaymentHold).where(PaymentHold.payment_id == payment.id).order_by(PaymentHold.id)
        ).all()

    @staticmethod
    def dunning(payment: Payment) -> PaymentDunning:
        """Give how far the dunning of a payment has come."""
        refresh()
        return db.session.get_one(PaymentDunning, payment.id, populate_existing=True)

    @staticmethod
    def told(kind: str) -> int:
        """Count the notifications of a kind."""
        refresh()
        return db.session.scalar(select(func.count()).select_from(Notification).where(Notification.kind == kind)) or 0

    @staticmethod
    def pending(payment: Payment, currency: str = "EUR") -> int:
        """Give what the books say is pending for a payment's agreement."""
        refresh()
        code = accounts.agreement_held(payment.agreement_id, currency).code
        row = db.session.scalars(select(LedgerAccount).where(LedgerAccount.code == code)).one_or_none()
        return row.pending_credit if row else 0

    def intents(self) -> list[str]:
        """Give the states of the bank's payment intents, the oldest first."""
        found = [intent.status for intent in self.stripe.payment_intents.list({"limit": 100}).auto_paging_iter()]
        return found[::-1]

    def kept(self, currency: str) -> int:
        """Give what the bank keeps for us in a currency."""
        balance: Any = self.stripe.balance.retrieve()
        return sum(part.amount for part in (*balance.pending, *balance.available) if part.currency == currency.lower())

    @staticmethod
    def jobs(kind: str) -> list[Any]:
        """Give the unfinished jobs of a kind by their time."""
        refresh()
        found = db.session.scalars(select(Job).where(Job.kind == kind, Job.state == "queued").order_by(Job.run_at))
        return list(found)

    @staticmethod
    def card(payment: Payment) -> SavedMethod:
        """Give the method that was chosen for a payment."""
        return db.session.get_one(SavedMethod, payment.method_id, populate_existing=True)


__all__ = ["HOLD", "MASTERCARD", "NOW", "SAVE", "VISA", "MethodWorld", "eur"]


def listening(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give a list that grows by what agreements are told of a payment."""
    found: list[str] = []

    def listen(_hook: str, **facts: Any) -> None:
        found.append(facts["change"])

    for module in (apply_charges, apply_holds, dunning):
        monkeypatch.setattr(module, "announce", listen)
    return found
