"""A random walk over everything that can happen to payments, against a bank that stumbles."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

from sqlalchemy import select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.ledger import accounts
from marketplace.ledger.service import TransferSpec, post
from marketplace.payments import debts, disputes, reversals, service
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.models import Payment
from marketplace.payments.reserve import release_due
from marketplace.payments.shares import asked_for
from marketplace.testing.clients import refresh
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.users.models import User
from tests.core.dispute_world import Disputes
from tests.core.payment_world import DECLINES, FAILING_REFUND, PENDING_REFUND, VISA, eur

CARDS = (VISA, VISA, VISA, DECLINES, PENDING_REFUND, FAILING_REFUND)
FAULTS = ("lost", "lost_before", "error_before", "error_after", "rate_limit")
CALLS = (
    "payment_intents.create", "refunds.create", "transfers.create", "transfers.reversals.create", "disputes.close",
    "disputes.update", "payment_intents.retrieve", "disputes.retrieve", "transfers.list",
)  # fmt: skip


class Walk:
    """Takes one random step after the other; `prove` must hold after each that leaves nothing on its way."""

    def __init__(self, world: Disputes, frozen: FrozenClock, seed: int) -> None:
        """Make payers with saved cards, an operator, and an owner with an account at the bank."""
        self.world, self.frozen = world, frozen
        self.random = random.Random(seed)
        self.seed = seed
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.operator = world.factories.operator()
        self.payers: list[tuple[User, int]] = []
        for card in CARDS:
            payer = world.factories.user()
            world.save_card(payer, card)
            self.payers.append((payer, world.method_of(payer.id).id))
        world.onboard(world.owner)
        self.sharers = [world.factories.user() for _number in range(3)]
        for sharer in self.sharers[:2]:
            world.onboard(sharer)
        world.reserve_of("10", 30)
        self.sponsored = world.agreement(self.payers[0][0]).id
        self.gifts = 0
        self.steps: tuple[tuple[Callable[[], None], int], ...] = (
            (self.pledge, 8), (self.change, 2), (self.charge, 8), (self.cancel, 1), (self.settle, 6), (self.refund, 5),
            (self.pay_out, 4), (self.dispute, 4), (self.escalate, 1), (self.decide, 4), (self.answer, 1), (self.concede, 1),
            (self.repay, 1), (self.write_off, 1), (self.take_back, 1), (self.match, 1), (self.fault, 2), (self.hear, 3),
            (self.restrict, 1), (self.days, 1),
        )  # fmt: skip

    def step(self) -> str:
        """Take one step, let the jobs run, and give its name; a refusal is an answer, too."""
        steps, weights = zip(*self.steps, strict=True)
        chosen: Callable[[], None] = self.random.choices(steps, weights)[0]
        name = chosen.__name__
        refresh()
        try:
            chosen()
        except DomainError as error:
            db.session.rollback()
            self.refused[f"{name}: {error.code}"] += 1
        else:
            self.done[name] += 1
        if self.random.random() < 0.7:
            self.world.work()
        return name

    def come_to_rest(self) -> None:
        """Let the bank stand still, hear everything, and wait until nothing is open any more."""
        self.world.bank.sandbox.faults.clear()
        for account in self._accounts():
            self.world.act("account/restrict", account=account, reason="")
        for _round in range(4):
            self.world.bank.sandbox.clock.advance(60)
            self.world.bank.deliver()
            self.world.hear(times=1, backwards=self.random.random() < 0.5)
            self.frozen.forward(hours=2)
            self.world.work()

    def _accounts(self) -> list[str]:
        return [account.id for account in self.world.stripe.accounts.list({"limit": 10}).data]

    def _some(self, *where: object) -> Payment:
        found = db.session.scalars(select(Payment).where(*where).order_by(Payment.id.desc()).limit(30)).all()  # type: ignore[arg-type]
        if not found:
            raise DomainError("nothing to do it with", code="nothing")
        return self.random.choice(found)

    def _case(self, *states: str) -> Dispute:
        found = db.session.scalars(select(Dispute).where(Dispute.state.in_(states)).limit(30)).all()
        if not found:
            raise DomainError("nothing to do it with", code="nothing")
        return self.random.choice(found)

    def _debt(self) -> MemberDebt:
        found = [debt for member in (self.world.owner, *self.sharers) for debt in debts.open_debts(member.id)]
        if not found:
            raise DomainError("nothing to do it with", code="nothing")
        return self.random.choice(found)

    def _part(self, minor: int) -> int:
        return minor if self.random.random() < 0.4 else self.random.randint(1, max(1, minor))

    def pledge(self) -> None:
        """Ask a member to pay, with a card that is known."""
        payer, method = self.random.choice(self.payers)
        payment = service.request_payment(self.world.agreement(payer), "pledge", eur(self.random.randint(100, 20_000)))
        service.use_saved_method(payment, method)

    def change(self) -> None:
        """Change what is to be paid."""
        service.change_amount(self._some(Payment.state == "ready"), eur(self.random.randint(100, 20_000)))

    def charge(self) -> None:
        """Charge what is ready, or try again what was declined."""
        service.charge(self._some(Payment.state.in_(("ready", "declined"))))

    def cancel(self) -> None:
        """Let go of a payment, also of one that is being charged."""
        service.cancel_payment(self._some(Payment.state.in_(("ready", "charging", "declined"))))

    def settle(self) -> None:
        """Divide what was kept, half of the time also over others than the payee."""
        payment = self._some(Payment.state == "succeeded", Payment.settled_at.is_(None))
        fee = eur(payment.kept.minor * self.random.randint(0, 20) // 100)
        weights = [
            self.random.randint(0, 3) * self.random.randint(0, 1) for _sharer in (*self.sharers, self.world.owner)
        ]
        parts = (payment.kept - fee).split(weights)[:-1] if sum(weights) else []
        service.settle(payment, fee=fee, others={one.id: part for one, part in zip(self.sharers, parts, strict=False)})

    def refund(self) -> None:
        """Give a part or all of it back."""
        payment = self._some(Payment.state == "succeeded", Payment.refunded_minor < Payment.amount_minor, asked_for())
        fee_back, bearer = self.random.random() < 0.7, self.random.choice(("owner", "platform"))
        service.refund(payment, eur(self._part(payment.kept.minor)), fee_back=fee_back, bearer=bearer)

    def pay_out(self) -> None:
        """Send the owner, or one of those who share, what was earned."""
        service.pay_out(self.random.choice((self.world.owner, *self.sharers)).id, "EUR")

    def dispute(self) -> None:
        """Let a payer's bank take money back, or ask about it."""
        payment = self._some(Payment.state == "succeeded", Payment.source_ref.is_not(None), asked_for())
        left = payment.amount_minor - payment.refunded_minor - payment.disputed_minor - payment.inquired_minor
        facts: dict[str, object] = {"amount": self._part(left)} if left > 0 else {"even_refunded": "true"}
        if self.random.random() < 0.2:
            facts["inquiry"] = "true"
        try:
            self.world.dispute(payment, hear=False, **facts)
        except AssertionError:  # the bank knows of something that we have not heard of yet
            raise DomainError("the bank says no", code="bank") from None

    def escalate(self) -> None:
        """Let a bank that asked take the money."""
        self._at_bank("dispute/escalate", self._case("inquiry", "inquiry_review"))

    def decide(self) -> None:
        """Let the bank decide."""
        case = self._case("needs_response", "under_review", "inquiry")
        self._at_bank("dispute/settle", case, won=self.random.choice(("true", "false")))

    def _at_bank(self, action: str, case: Dispute, **facts: object) -> None:
        try:
            self.world.act(action, dispute=case.ref, **facts)
        except AssertionError:
            raise DomainError("the bank says no", code="bank") from None

    def answer(self) -> None:
        """Submit evidence."""
        case = self._case("needs_response", "inquiry")
        disputes.save(case.id, {"uncategorized_text": "See the agreement"}, case.version)
        disputes.submit(case.id, self.operator.id)

    def concede(self) -> None:
        """Give a case up."""
        disputes.concede(self._case("needs_response").id, self.operator.id, "why not")

    def repay(self) -> None:
        """Book that the owner paid."""
        debt = self._debt()
        debts.repay(debt.id, eur(self._part(debt.open_minor)), self.operator.id, "by bank")

    def write_off(self) -> None:
        """Give a debt up."""
        debt = self._debt()
        debts.write_off(debt.id, eur(self._part(debt.open_minor)), self.operator.id, "too small")

    def take_back(self) -> None:
        """Take a debt back from the owner's account."""
        reversals.take_back(self._debt().id, self.operator.id, "agreed")

    def match(self) -> None:
        """Let a sponsor double something."""
        self.gifts += 1
        matching, minor = accounts.matching_funds("EUR"), self.random.randint(1, 5000)
        held = accounts.agreement_held(self.sponsored, "EUR")
        assert db.session.get(Agreement, self.sponsored) is not None
        given = TransferSpec(accounts.platform_bank("EUR"), matching, eur(minor))
        doubled = TransferSpec(matching, held, eur(self._part(minor)))
        post(f"sponsor:{self.gifts}", [given, doubled], description="Match", agreement_id=self.sponsored)

    def fault(self) -> None:
        """Let the bank stumble once."""
        self.world.fault(self.random.choice(CALLS), self.random.choice(FAULTS), 1)

    def hear(self) -> None:
        """Hear the news, in some order, some of it twice; and let time pass, so that what failed is tried again."""
        self.world.bank.deliver()
        self.world.hear(times=self.random.choice((1, 2)), backwards=self.random.random() < 0.5)
        self.frozen.forward(minutes=self.random.randint(1, 90))

    def restrict(self) -> None:
        """Let the bank restrict the owner's account, or free it."""
        account = self._accounts()[0]
        self.world.act("account/restrict", account=account, reason=self.random.choice(("listed", "", "")))

    def days(self) -> None:
        """Let days pass at the bank and here."""
        self.world.bank.sandbox.clock.advance(3 * 86_400)
        self.world.bank.deliver()
        self.frozen.forward(days=3)
        release_due()
