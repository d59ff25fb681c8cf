"""A place with something of everything, so that every operator page has a page to show."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select

from marketplace import clock
from marketplace.admin.books import bookings_of
from marketplace.database import db, transaction
from marketplace.jobs.models import DEAD, Job
from marketplace.jobs.service import enqueue
from marketplace.listings import reports
from marketplace.messages import moderation
from marketplace.messages import service as messages
from marketplace.money import Money
from marketplace.outgoing import endpoints
from marketplace.payments import service as payments
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.models import GatewayEvent, OfflineRequest, Payment, Payout
from marketplace.payments.offline import methods, receipts
from marketplace.payments.reconciliation.models import Difference
from marketplace.settings import service as settings
from marketplace.testing.factories import Factories
from tests.core.payment_world import VISA, World


@dataclass(frozen=True)
class Place:
    """Ids of one thing of each sort."""

    member: int
    listing: int
    report: int
    message_report: int
    agreement: int
    payment: int
    payout: int
    event: int
    booking: int
    job: int
    account: str
    dispute: int
    debt: int


def furnished(world: World, factories: Factories) -> Place:
    """Charge a payment, pay one out, park an event, report a listing and a message, and let a job fail for good."""
    paid = world.charged(5000, VISA)
    settled = world.charged(2500, VISA)
    payments.settle(settled)
    payments.pay_out(world.owner.id, "EUR")
    by_hand(world)
    abroad(world)
    reference = world.attempts(paid)[0].ref or ""
    with transaction():
        job_id = enqueue("payments.sweep", {"why": "test"})
        failed = db.session.get_one(Job, job_id)
        failed.state, failed.last_error, failed.attempts = DEAD, "RuntimeError: the bank is closed", 12
        event = parked_event(reference)
        db.session.add(event)
        case, debt = burdened(paid, reference)
    thread = messages.about_listing(world.listing, paid.payer_id)
    message = messages.post(thread.id, paid.payer_id, "Give me your card number")
    moderation.report(message, world.owner.id, "Looks like fraud")
    reporter = factories.user(name="Rita Reporter")
    report = reports.report(world.listing.id, reporter=reporter, reason="fraud", note="The photo is from a shop")
    payout = db.session.scalars(select(Payout)).one()
    return Place(
        member=paid.payer_id,
        listing=world.listing.id,
        report=report.id,
        message_report=moderation.open_reports()[0].id,
        agreement=paid.agreement_id,
        payment=paid.id,
        payout=payout.id,
        event=event.id,
        booking=bookings_of(payment_id=paid.id)[0].id,
        job=job_id,
        account=f"agreement:{paid.agreement_id}:held:EUR",
        dispute=case.id,
        debt=debt.id,
    )


def burdened(paid: Payment, reference: str) -> tuple[Dispute, MemberDebt]:
    """Write a chargeback of a payment, and its payee's debt."""
    at = clock.now()
    case = Dispute(
        payment_id=paid.id, gateway="stripe", ref="du_1", charge_ref=reference, state="needs_response",
        reason="fraudulent", amount_minor=5000, currency="EUR", due_by=at, evidence={}, opened_at=at, updated_at=at,
    )  # fmt: skip
    debt = MemberDebt(
        user_id=paid.payee_id, payment_id=paid.id, amount_minor=5000, currency="EUR", created_at=at, updated_at=at
    )
    db.session.add_all((case, debt))
    db.session.flush()
    return case, debt


def by_hand(world: World) -> None:
    """Ask for a bank transfer, let more come in than was asked for, and so leave something to send back."""
    settings.set_value("offline.account", "NL91ABNA0417164300", None)
    payment = world.payment(3000)
    methods.choose(payment, "bank_transfer")
    payments.charge(payment)
    world.work()
    request = db.session.scalars(select(OfflineRequest).where(OfflineRequest.payment_id == payment.id)).one()
    seen = receipts.Seen(Money(3100, "EUR"), clock.now().date(), "a-form-of-an-operator")
    receipts.enter(request.id, seen, world.factories.operator(name="Oscar").id)
    world.work()


def abroad(world: World) -> None:
    """Let another system listen, and be out of step with the provider by one payment."""
    endpoint = endpoints.create(
        world.owner.id, name="A club's calendar", url="https://calendar.example/hook", types=("listing.published",)
    )
    endpoints.ping(endpoint.id, world.owner.id)
    at = clock.now()
    with transaction():
        db.session.execute(delete(Job).where(Job.kind.like("outgoing.%")))  # nothing leaves this machine
        db.session.add(
            Difference(
                gateway="stripe", subject="pi_unknown", currency="EUR", kind="unknown_here", theirs_minor=900,
                ours_minor=0, first_at=at, last_at=at,
            )
        )  # fmt: skip


def parked_event(ref: str, number: int = 1) -> GatewayEvent:
    """Make an event that did not fit."""
    return GatewayEvent(
        gateway="stripe", event_id=f"evt_parked{number}", type="payment_intent.succeeded", object_type="payment_intent",
        object_id=ref, livemode=False, raw=b'{"id": "evt_parked", "note": "raw body"}', state="parked",
        last_error="another amount", received_at=clock.now(), settled_at=clock.now(),
    )  # fmt: skip
