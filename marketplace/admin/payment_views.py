"""Payments: the list, one payment with everything that was tried, and giving money back."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from marketplace.admin import audit, timeline
from marketplace.admin.door import blueprint, me
from marketplace.admin.forms import RefundForm, refund_form
from marketplace.admin.paging import chips, one_of, paged, word
from marketplace.admin.words import PAYMENT, options
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import Conflict, DomainError
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.payments import service
from marketplace.payments.attempts import locked
from marketplace.payments.models import Payment, PaymentAttempt, Refund
from marketplace.payments.share_models import SHARE
from marketplace.runtime import agreement_kind
from marketplace.users.models import User

TROUBLES = ("unknown", "failed_refund")


@blueprint.get("/payments")
def payments() -> Any:
    """List payments, the newest first; `kind` narrows the list to those in trouble."""
    state, trouble, q = one_of("state", PAYMENT), one_of("kind", TROUBLES), word()
    payer, payee = aliased(User), aliased(User)
    listed = (
        select(
            Payment.id, Payment.state, Payment.amount_minor, Payment.refunded_minor, Payment.currency, Payment.created_at,
            Payment.agreement_id, Listing.title, Payment.payer_id, payer.name.label("payer"), Payment.payee_id,
            payee.name.label("payee"),
        )
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(payer, payer.id == Payment.payer_id)
        .join(payee, payee.id == Payment.payee_id)
    )  # fmt: skip
    if state:
        listed = listed.where(Payment.state == state)
    if trouble == "unknown":
        listed = listed.where(
            exists().where(PaymentAttempt.payment_id == Payment.id, PaymentAttempt.state == "unknown")
        )
    if trouble == "failed_refund":
        listed = listed.where(exists().where(Refund.payment_id == Payment.id, Refund.state == "failed"))
    if q:
        listed = listed.where(payer.name.icontains(q, autoescape=True) | Listing.title.icontains(q, autoescape=True))
    troubles = [("unknown", _("Outcome unknown")), ("failed_refund", _("Refund failed"))]
    return render_template(
        "operator/payments.html",
        page=paged(listed, Payment.id),
        states=chips("state", options("payment")),
        troubles=chips("kind", troubles, _("With and without trouble")),
        q=q,
        kept={"state": state, "kind": trouble},
    )


@blueprint.get("/payments/<int:payment_id>")
def payment(payment_id: int) -> Any:
    """Show a payment: parties, attempts, refunds, the gateway's events and the bookings."""
    return render_template("operator/payment.html", **_shown(service.get(payment_id)))


def _purpose(found: Payment, kind_name: str) -> Any:
    """Say what a payment is for; where a kind has one payment only, that is its own name."""
    if found.purpose == SHARE:
        return _("Shared out")
    kind = agreement_kind(kind_name)
    return found.purpose.replace("_", " ") if kind is None else kind.purposes.get(found.purpose, kind.label)


def _shown(found: Payment) -> dict[str, Any]:
    payer, payee = aliased(User), aliased(User)
    parties = db.session.execute(
        select(
            payer.name.label("payer"),
            payee.name.label("payee"),
            Listing.title,
            Listing.id.label("listing_id"),
            Agreement.kind,
        )
        .select_from(Agreement)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(payer, payer.id == found.payer_id)
        .join(payee, payee.id == found.payee_id)
        .where(Agreement.id == found.agreement_id)
    ).one()
    attempts = db.session.scalars(
        select(PaymentAttempt)
        .where(
            (PaymentAttempt.payment_id == found.id)
            | PaymentAttempt.refund_id.in_(select(Refund.id).where(Refund.payment_id == found.id))
        )
        .order_by(PaymentAttempt.id.desc())
        .limit(timeline.MOST)
    ).all()
    return {
        "payment": found,
        "parties": parties,
        "purpose": _purpose(found, parties.kind),
        "attempts": attempts,
        "moments": timeline.of_payment(found.id),
        "refundable": refundable(found),
    }


def refundable(found: Payment) -> Money:
    """Give how much can still go back to the payer: what was charged less refunds and chargebacks; nothing of a share."""
    charged = found.state == "succeeded" and found.purpose != SHARE and service.payments_enabled()
    return found.kept if charged else Money(0, found.currency)


@blueprint.route("/payments/<int:payment_id>/refund", methods=["GET", "POST"])
def payment_refund(payment_id: int) -> Any:
    """Ask how much goes back and why, show what will happen, and do it."""
    found = service.get(payment_id)
    form = refund_form(found.currency, refundable(found).minor)
    status = 200
    if form.validate_on_submit():
        amount = Money(form.amount.minor, found.currency)
        if amount > refundable(found):
            form.amount.errors = [_("That much is not left to be refunded.")]
        elif not form.sure.data:
            return render_template("operator/refund_sure.html", form=form, amount=amount, **_shown(found))
        else:
            try:
                _refund(found, amount, form)
            except DomainError as error:
                form.refuse(error)
                status = error.status
            else:
                flash(_("The refund is on its way."), "success")
                return redirect(url_for("operator.payment", payment_id=payment_id))
    if form.errors and status == 200:
        status = 422
    elif request.method == "GET" and not refundable(found):
        status = 409
    return make_response(render_template("operator/refund.html", form=form, **_shown(found)), status)


def _refund(found: Payment, amount: Money, form: RefundForm) -> None:
    """Refund once: what was left when the operator looked must still be left, so that a second press does nothing."""
    with transaction():
        now = locked(found.id)
        if form.left.data != str(now.kept.minor):
            raise Conflict(_("Meanwhile something was refunded already. Look at the payment again."))
        choices = {"fee_back": form.fee_back.data == "pro_rata", "bearer": str(form.bearer.data)}
        row = service.refund(now, amount, form.reason.data or "", me().id, **choices)
        facts = {"refund": row.id, "amount": amount.minor, "currency": amount.currency, **choices}
        audit.record(me().id, "payment.refunded", "payment", found.id, form.reason.data or "", facts)
