"""Takes money back from a payee's account at the gateway, each reversal an attempt of its own."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.payments import refund_sources
from marketplace.payments.attempts import locked, open_attempt
from marketplace.payments.burden_models import MemberDebt
from marketplace.payments.errands import Errand, carry_out, errand
from marketplace.payments.models import LIVE, PaymentAttempt
from marketplace.payments.orders import ReversalOrder
from marketplace.payments.payout_models import PayoutPart, TransferReversal


def take_back(debt_id: int, actor_id: int, reason: str) -> int:
    """Ask for what a member owes back from the member's account, as far as the payment was sent there.

    What was asked for and not answered yet is not asked for again: the payment's lock keeps two who ask apart. Gives the
    minor units asked for. Raises Refused when nothing of it can be taken back.
    """
    with transaction():
        debt = db.session.get(MemberDebt, debt_id)
        if debt is None:
            raise NotFound(_("There is no such debt."))
        locked(debt.payment_id)
        db.session.refresh(debt)
        wanted = debt.open_minor - _asked_for(debt)
        if not debt.open_minor:
            raise Refused(_("This debt is settled."), code="debt_settled")
        if wanted <= 0:
            raise Refused(
                _("All of it was asked for already; the provider has not answered yet."), code="reversal_waiting"
            )
        asked = 0
        parts = select(PayoutPart).where(PayoutPart.payment_id == debt.payment_id, PayoutPart.state == "sent")
        for part in db.session.scalars(parts.order_by(PayoutPart.id.desc())).all():
            amount = min(wanted - asked, refund_sources.reversible(part))
            if amount:
                refund_sources.ask(part, amount, debt_id=debt.id, actor_id=actor_id)
                asked += amount
        if not asked:
            raise Refused(_("Nothing of this payment is left at the member's account."), code="nothing_to_reverse")
        facts = {"debt": debt.id, "amount": asked, "currency": debt.currency}
        audit.record(actor_id, "debt.taken_back", "user", debt.user_id, reason, facts)
    return asked


def _asked_for(debt: MemberDebt) -> int:
    """Give what is on its way back for a debt, in minor units; its payment is locked."""
    waiting = select(func.coalesce(func.sum(TransferReversal.amount_minor), 0)).where(
        TransferReversal.debt_id == debt.id, TransferReversal.state == "waiting"
    )
    return int(db.session.scalars(waiting).one())


def run_reversal(reversal_id: int) -> None:
    """Send a reversal that waits; does nothing when it is done."""
    job = _prepare(reversal_id)
    if job is not None:
        carry_out(job)


def _prepare(reversal_id: int) -> Errand | None:
    with transaction():
        found = db.session.get(TransferReversal, reversal_id)
        if found is None:
            return None
        part = db.session.get_one(PayoutPart, found.part_id)
        payment = locked(part.payment_id)
        db.session.refresh(found)
        if found.state != "waiting" or not part.ref:
            return None
        live = db.session.scalars(
            select(PaymentAttempt)
            .where(
                PaymentAttempt.kind == "reversal", PaymentAttempt.reversal_id == found.id, PaymentAttempt.state.in_(LIVE)
            )
            .execution_options(populate_existing=True)
        ).one_or_none()  # fmt: skip
        if live is not None:
            return errand(live) if live.state in ("open", "unknown") else None
        order = ReversalOrder(transfer_ref=part.ref, amount_minor=found.amount_minor, currency=found.currency)
        return errand(
            open_attempt(
                "reversal", order, user_id=payment.payee_id, payment_id=payment.id, reversal_id=found.id
            )
        )  # fmt: skip
