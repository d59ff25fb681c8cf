"""What tests of chargebacks do at the bank, and what must hold after every step."""

from __future__ import annotations

from typing import Any

import requests
from sqlalchemy import func, select

from marketplace.database import db, transaction
from marketplace.ledger import accounts
from marketplace.ledger.audit import audit
from marketplace.ledger.models import LedgerAccount
from marketplace.payments import refund_sources, service
from marketplace.payments.apply import apply
from marketplace.payments.burden_models import Burden, MemberDebt, ReserveHold
from marketplace.payments.dispute_models import Dispute, DisputeMovement
from marketplace.payments.facts import ChargeFacts, Succeeded
from marketplace.payments.models import GatewayEvent, Payment, Refund
from marketplace.payments.outcome import Fate
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.provider import provider
from marketplace.payments.share_models import RefundShare
from marketplace.payments.shares import asked_for
from marketplace.sandbox.calls import public
from marketplace.settings import service as settings
from marketplace.testing.clients import refresh
from tests.core.payment_world import VISA, World, eur


class Disputes(World):
    """A world in which payers' banks take money back."""

    def act(self, action: str, **facts: Any) -> dict[str, Any]:
        """Do something at the bank that only a bank can."""
        answer = requests.post(f"{self.bank.url}/_sandbox/{action}", facts, timeout=10)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def dispute(self, payment: Payment, *, hear: bool = True, **facts: Any) -> str:
        """Let the payer dispute a payment; gives the dispute's reference."""
        ref = str(self.act("dispute", charge=payment.source_ref, **facts)["id"])
        if hear:
            self.hear()
        return ref

    def look(self, ref: str) -> None:
        """Read a case at the bank and apply it, as the job does, without hearing anything else."""
        answer = provider().read_case(ref)
        assert isinstance(answer, tuple), answer
        for facts in answer:
            apply(facts)

    def decide(self, ref: str, *, won: bool, hear: bool = True) -> None:
        """Let the bank decide."""
        self.act("dispute/settle", dispute=ref, won=str(won).lower())
        if hear:
            self.hear()

    def send_out(self) -> None:
        """Let earnings go on their way to an owner with an account."""
        self.onboard(self.owner)
        self.settled(5000)
        service.pay_out(self.owner.id, "EUR")

    def ask_back(self) -> None:
        """Ask for a part of earnings that an owner has."""
        self.onboard(self.owner)
        self.paid_out(5000)
        with transaction():
            refund_sources.ask(db.session.scalars(select(PayoutPart)).one(), 500)

    def hear(self, *, times: int = 2, backwards: bool = True) -> None:
        """Hear all the news of the bank, each event several times and, unless told otherwise, the newest first."""
        with self.bank.sandbox.store.read() as tx:  # also those of connected accounts
            events = [public(event) for event in tx.find("event", oldest_first=True)]
        known = set(db.session.scalars(select(GatewayEvent.event_id)))
        fresh = [event for event in events if event["id"] not in known]
        for _time in range(times):
            for event in reversed(fresh) if backwards else fresh:
                assert self.post_event(event) == 200
            self.work()

    def reserve_of(self, percent: str, days: int = 90) -> None:
        """Set a reserve aside from now on."""
        settings.set_value("payments.reserve_percent", percent, None)
        settings.set_value("payments.reserve_days", str(days), None)

    def charged_late(self, ref: str) -> Payment:
        """Give a payment of 50.00 that was cancelled before anybody heard of its charge: nothing is due for that money."""
        payment = self.payment(5000, card=VISA)
        self.fault("payment_intents.create", "lost_before")
        service.charge(payment)
        self.work()
        (attempt,) = self.attempts(payment)
        service.cancel_payment(self.fresh(payment))
        assert apply(ChargeFacts(ref, attempt.key, Succeeded(), 5000, "EUR")).fate is Fate.APPLIED
        return self.fresh(payment)

    def settled(self, minor: int = 5000, fee: int = 250) -> Payment:
        """Give a payment that was charged and settled."""
        payment = self.charged(minor)
        service.settle(payment, fee=eur(fee))
        return self.fresh(payment)

    def paid_out(self, minor: int = 5000, fee: int = 250) -> Payment:
        """Give a payment whose earnings have reached the owner's account."""
        payment = self.settled(minor, fee)
        service.pay_out(self.owner.id, "EUR")
        self.work()
        return self.fresh(payment)

    @staticmethod
    def case(ref: str) -> Dispute:
        """Give a dispute as the database has it."""
        refresh()
        return db.session.scalars(
            select(Dispute).where(Dispute.ref == ref).execution_options(populate_existing=True)
        ).one()

    @staticmethod
    def parts() -> list[PayoutPart]:
        """Give all parts of pay-outs."""
        refresh()
        rows = select(PayoutPart).order_by(PayoutPart.id).execution_options(populate_existing=True)
        return list(db.session.scalars(rows))

    def owed(self) -> int:
        """Give what the owner owes."""
        return self.standing(accounts.member_receivable(self.owner.id, "EUR"))

    def set_aside(self) -> int:
        """Give what is set aside for the owner."""
        return self.standing(accounts.member_reserve(self.owner.id, "EUR"))

    def lost(self) -> int:
        """Give what the platform has written off."""
        return self.standing(accounts.write_offs("EUR"))

    def costs(self) -> int:
        """Give what the provider has taken in fees."""
        return self.standing(accounts.provider_fees("EUR"))

    def prove(self) -> None:
        """Books equal bank, and each row that says where money is agrees with the books."""
        super().prove()
        refresh()
        for role, rows in (("payable", self._payable()), ("reserve", self._reserve()), ("receivable", self._debts())):
            assert self._booked(role) == rows, f"{role}: the books say {self._booked(role)}, the rows {rows}"
        self._prove_shares()
        assert audit() == []

    @staticmethod
    def _prove_shares() -> None:
        """Nobody gives more than was received, and what each gives for a refund adds up to what goes back."""
        asked: dict[int, int] = {}
        for refund in db.session.scalars(select(Refund).where(Refund.state != "failed", ~Refund.surplus)):
            parts = db.session.scalars(select(RefundShare).where(RefundShare.refund_id == refund.id)).all()
            borne = db.session.scalars(select(Burden).where(Burden.refund_id == refund.id)).all()
            if parts:
                assert sum(part.missing_minor for part in parts) == refund.missing_minor
                assert sum(one.amount_minor for one in borne) + refund.missing_minor == refund.amount_minor
            for part in parts:
                asked[part.payment_id] = asked.get(part.payment_id, 0) + part.amount_minor
        for share in db.session.scalars(select(Payment).where(~asked_for())):
            taken = db.session.scalar(
                select(func.sum(Burden.amount_minor - Burden.returned_minor)).where(
                    Burden.payment_id == share.id, Burden.movement_id.is_not(None)
                )
            )
            assert (share.refunded_minor, share.disputed_minor) == (asked.get(share.id, 0), taken or 0)
            assert share.refunded_minor + share.disputed_minor <= share.amount_minor
            assert share.earned_minor >= 0

    @staticmethod
    def _booked(role: str) -> dict[int, int]:
        found = db.session.execute(
            select(LedgerAccount.owner_id, func.abs(LedgerAccount.posted_debit - LedgerAccount.posted_credit)).where(
                LedgerAccount.role == role
            )
        ).all()
        return {owner: amount for owner, amount in found if amount}

    @staticmethod
    def _payable() -> dict[int, int]:
        found: dict[int, int] = {}
        ready = select(Payment.payee_id, Payment.payable_minor).where(Payment.payable_minor > 0)
        waiting = (
            select(Payment.payee_id, PayoutPart.amount_minor)
            .join(Payment, Payment.id == PayoutPart.payment_id)
            .where(PayoutPart.state == "waiting")
        )
        for statement in (ready, waiting):
            for owner, amount in db.session.execute(statement):
                found[owner] = found.get(owner, 0) + amount
        return found

    @staticmethod
    def _reserve() -> dict[int, int]:
        rows = db.session.execute(
            select(ReserveHold.user_id, func.sum(ReserveHold.left_minor)).group_by(ReserveHold.user_id)
        )
        return {owner: int(amount) for owner, amount in rows if amount}

    @staticmethod
    def _debts() -> dict[int, int]:
        left = MemberDebt.amount_minor - MemberDebt.cleared_minor - MemberDebt.written_off_minor
        rows = db.session.execute(select(MemberDebt.user_id, func.sum(left)).group_by(MemberDebt.user_id))
        return {owner: int(amount) for owner, amount in rows if amount}

    @staticmethod
    def movements(ref: str) -> list[tuple[int, int]]:
        """Give amounts and fees of a dispute's movements."""
        refresh()
        rows = db.session.execute(
            select(DisputeMovement.amount_minor, DisputeMovement.fee_minor)
            .join(Dispute, Dispute.id == DisputeMovement.dispute_id)
            .where(Dispute.ref == ref)
            .order_by(DisputeMovement.id)
        )
        return [tuple(row) for row in rows]
