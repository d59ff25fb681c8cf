"""A marketplace without a payment provider: members, agreements, operators, and the books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from flask import Flask
from sqlalchemy import select, text

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.jobs.worker import drain
from marketplace.ledger import accounts
from marketplace.ledger import service as ledger
from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.models import LedgerAccount
from marketplace.money import Money
from marketplace.payments import service
from marketplace.payments.models import BankOrder, OfflineReceipt, OfflineRequest, Payment, Refund
from marketplace.payments.offline import details, methods, receipts
from marketplace.payments.offline.receipts import Seen
from marketplace.settings import service as settings
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.users.models import User

OURS, THEIRS = "NL91ABNA0417164300", "BE68539007547034"


def eur(minor: int) -> Money:
    """Give an amount of euro cents."""
    return Money(minor, "EUR")


@contextmanager
def without_a_provider(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all, with its context open."""
    made = make_app(gateways=("offline",), stripe_api_key="")
    with made.app_context():
        yield made
        db.session.remove()


class OfflineWorld:
    """One marketplace that takes bank transfers and cash."""

    def __init__(self, app: Flask, factories: Factories) -> None:
        """Switch on every way to pay by hand; make an owner with a listing, and two operators."""
        self.app, self.factories = app, factories
        self.owner = factories.user(name="Olaf Owner")
        self.listing = factories.listing(self.owner, title="A bench for the square")
        self.anna, self.bert = factories.operator(name="Anna"), factories.operator(name="Bert")
        self._numbers = count(1)
        self.set(**{
            "offline.account": OURS, "offline.holder": "Stichting Buurtdeel", "offline.desk": "Library, Tuesdays",
            "offline.between_members": "on",
        })  # fmt: skip

    @staticmethod
    def set(**values: Any) -> None:
        """Set settings as an operator does."""
        for key, value in values.items():
            settings.set_value(key, value, None)

    def payment(self, minor: int = 5000, kind: str = "bank_transfer", payer: User | None = None) -> Payment:
        """Ask a member to pay by hand; gives the payment once its request is out."""
        payment = self.chosen(minor, kind, payer)
        service.charge(payment)
        self.work()
        return self.fresh(payment)

    def chosen(self, minor: int = 5000, kind: str = "bank_transfer", payer: User | None = None) -> Payment:
        """Give a payment for which a way to pay was chosen, and nothing more."""
        payment = service.request_payment(self.agreement(payer), "pledge", eur(minor))
        methods.choose(payment, kind)
        return self.fresh(payment)

    def agreement(self, payer: User | None = None) -> Agreement:
        """Write an agreement of a kind that no plugin has."""
        payer = payer or self.factories.user(name="Petra Payer")
        at = clock.now()
        with transaction():
            agreement = Agreement(
                kind="test", listing_id=self.listing.id, owner_id=self.owner.id, member_id=payer.id, state="agreed",
                phase="agreed", terms={}, created_at=at, updated_at=at,
            )  # fmt: skip
            db.session.add(agreement)
        return agreement

    def seen(self, minor: int, **facts: Any) -> Seen:
        """Give what somebody saw come in today."""
        on = facts.pop("on", clock.today("Europe/Amsterdam"))
        return Seen(eur(minor), on, facts.pop("nonce", f"form-{next(self._numbers)}"), **facts)

    def receive(self, payment: Payment, minor: int, by: User | None = None, **facts: Any) -> OfflineReceipt:
        """Let an operator enter what came in for the newest request."""
        receipt = receipts.enter(self.request(payment).id, self.seen(minor, **facts), (by or self.anna).id)
        self.work()
        return receipt

    @staticmethod
    def request(payment: Payment) -> OfflineRequest:
        """Give a payment's newest request."""
        refresh()
        wanted = (
            select(OfflineRequest).where(OfflineRequest.payment_id == payment.id).order_by(OfflineRequest.id.desc())
        )
        return db.session.scalars(wanted.limit(1).execution_options(populate_existing=True)).one()

    @staticmethod
    def orders(*wanted: Any) -> list[BankOrder]:
        """Give the tasks to send money by hand."""
        refresh()
        return list(
            db.session.scalars(
                select(BankOrder).where(*wanted).order_by(BankOrder.id).execution_options(populate_existing=True)
            )
        )

    @staticmethod
    def refunds(payment: Payment) -> list[Refund]:
        """Give a payment's refunds."""
        refresh()
        return list(
            db.session.scalars(
                select(Refund)
                .where(Refund.payment_id == payment.id)
                .order_by(Refund.id)
                .execution_options(populate_existing=True)
            )
        )

    def tell_account(self, user: User, account: str = THEIRS) -> None:
        """Let a member tell an account number."""
        details.tell(user.id, name="", address="", tax_number="", account=account, holder=user.name)
        self.work()

    def work(self) -> int:
        """Run the jobs that are due."""
        done = drain(self.app)
        refresh()
        return done

    @staticmethod
    def fresh(payment: Payment) -> Payment:
        """Give a payment as the database has it now."""
        refresh()
        return db.session.get_one(Payment, payment.id, populate_existing=True)

    @staticmethod
    def standing(account: AccountSpec) -> int:
        """Give what an account holds, in its own direction."""
        refresh()
        row = db.session.scalars(select(LedgerAccount).where(LedgerAccount.code == account.code)).one_or_none()
        return 0 if row is None else (row.posted_debit - row.posted_credit) * (1 if account.grows_by_debit else -1)

    def bank(self) -> int:
        """Give what the books say is on our bank account."""
        return self.standing(accounts.platform_bank("EUR"))

    def held(self, payment: Payment) -> int:
        """Give what is held for a payment's agreement."""
        return self.standing(accounts.agreement_held(payment.agreement_id, "EUR"))

    def payable(self) -> int:
        """Give what we owe the owner."""
        return self.standing(accounts.member_payable(self.owner.id, "EUR"))

    @staticmethod
    def prove() -> None:
        """Nothing is out of balance, and the audit of the books finds nothing."""
        refresh()
        debit, credit = db.session.execute(
            text("SELECT coalesce(sum(posted_debit), 0), coalesce(sum(posted_credit), 0) FROM ledger_balance")
        ).one()
        assert debit == credit
        assert list(ledger.audit()) == []
