"""The pages on which a member pays: a summary, the way to the provider's page, and the way back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from marketplace import access
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError, NotFound
from marketplace.extensions import limiter
from marketplace.payments import charging, choosing, links, methods, reads, wording
from marketplace.payments.forms import MethodForm
from marketplace.payments.guards import for_members, where_payments_are_on
from marketplace.payments.models import Payment
from marketplace.payments.offline import methods as by_hand
from marketplace.payments.offline import pages as hand_pages
from marketplace.payments.requests import use_saved_method
from marketplace.runtime import agreement_kind, runtime
from marketplace.users.models import User

payment_pages = Blueprint("payments", __name__)

CHOOSING = ("method_needed", "ready", "declined", "action_required", "awaiting")


@payment_pages.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What is somebody's own does not stay behind in a shared browser."""
    response.headers["Cache-Control"] = "no-store"
    return response


def me() -> User:
    """Give the logged-in member itself, not the stand-in that flask-login offers."""
    user: User = current_user._get_current_object()
    return user


def absolute(endpoint: str, **values: Any) -> str:
    """Give the public address of one of our pages, for somebody else's page to lead back to."""
    path = url_for(endpoint, _external=False, **values)
    return runtime().settings.base_url.rstrip("/") + path


def payment_or_404(payment_id: int, action: str) -> Payment:
    """Give a payment that the member may see, or pay; raises NotFound, as if it did not exist."""
    payment = db.session.get(Payment, payment_id)
    if payment is None or not access.may(me(), "payment.see", payment):
        raise NotFound(_("This page does not exist, or is not for you."))
    access.require(me(), action, payment)
    return payment


@payment_pages.route("/pay/<int:payment_id>", methods=["GET", "POST"])
@where_payments_are_on
@for_members
def pay(payment_id: int) -> Any:
    """Show what is to be paid, and choose a card for it."""
    payment = payment_or_404(payment_id, "payment.see" if request.method == "GET" else "payment.pay")
    form = MethodForm()
    mine = _is_payer(payment)
    form.offer(
        choosing.saved(payment) if mine else [],
        payment.method_kind if payment.method_kind in by_hand.GATEWAYS else payment.method_id,
        by_hand.offered(), choosing.ways(payment),
        refused=payment.state == "declined",
    )  # fmt: skip
    if form.validate_on_submit():
        answer = _chosen(payment, form)
        if answer is not None:
            return answer
    status = 422 if form.errors or form.form_errors else 200
    return _page(payment, form), status


def _is_payer(payment: Payment) -> bool:
    return bool(payment.payer_id == me().id)


def _chosen(payment: Payment, form: MethodForm) -> Any:
    """Use the chosen card, or lead to the provider's page; None puts what went wrong into the form."""
    if payment.state not in CHOOSING:
        form.form_errors.append(_("This payment can't be changed any more."))
        return None
    if form.method.data in by_hand.GATEWAYS:
        return hand_pages.chosen(payment, form)
    returns = methods.Returns(
        absolute("payments.pay_return", payment_id=payment.id), absolute("payments.pay", payment_id=payment.id)
    )
    try:
        if form.method.data.isdecimal():
            use_saved_method(payment, int(form.method.data))
            flash(_("Thank you. We will use this card."), "success")
            return redirect(url_for("agreements.show", agreement_id=payment.agreement_id), 303)
        url = choosing.lead_to_provider(me(), payment, form.method.data, returns)
    except DomainError as error:
        form.refuse(error)
        return None
    if isinstance(url, str) and url:
        return redirect(url, 303)
    return _page(payment, form, unreachable=True), 503


def _page(payment: Payment, form: MethodForm | None, *, unreachable: bool = False, token: str = "") -> str:
    mine = bool(token) or _is_payer(payment)
    return render_template(
        "payments/pay.html",
        page=reads.page_of(payment, with_method=mine),
        form=form,
        mine=mine,
        choosing=form is not None and mine and payment.state in CHOOSING,
        words=payment.in_words,
        declined=wording.decline_words(payment.decline_code, payment.method_kind),
        refund_words=wording.REFUND_STATES,
        describe=methods.describe_method,
        paid_with=choosing.name_of(payment.method_kind),
        by_hand=hand_pages.shown(payment),
        at_once=_at_once(payment),
        cards_here=runtime().settings.takes("stripe"),
        unreachable=unreachable,
        token=token,
    )


def _at_once(payment: Payment) -> bool:
    kind = agreement_kind(db.session.get_one(Agreement, payment.agreement_id).kind)
    return kind is not None and payment.purpose in kind.charged_at_once


@payment_pages.get("/pay/<int:payment_id>/return")
@where_payments_are_on
@for_members
def pay_return(payment_id: int) -> Any:
    """Take the payer back from the provider's page; the news may have come here before."""
    payment = payment_or_404(payment_id, "payment.pay")
    before = payment.state, payment.method_id
    known = methods.look_at_setup(me().id, payment.id)
    known = charging.look_at_payment(payment.id) and known
    db.session.refresh(payment)
    here = redirect(url_for("payments.pay", payment_id=payment.id), 303)
    if not known and (payment.state, payment.method_id) == before:
        flash(wording.not_heard(), "warning")
        return here
    if methods.just_barred(me().id, payment.id):
        flash(_("This card can't be used here: its bank has barred it. Choose another way to pay."), "warning")
        return here
    if payment.state in ("ready", "charging", "processing", "held", "succeeded"):
        flash(
            _("Thank you. Your card is saved.") if payment.state == "ready" else _("Thank you for your payment."),
            "success",
        )
        return redirect(url_for("agreements.show", agreement_id=payment.agreement_id), 303)
    flash(_("Nothing was paid or saved yet. Try again, or choose another way to pay."), "warning")
    return here


@payment_pages.route("/pay/<int:payment_id>/recover", methods=["GET", "POST"])
@where_payments_are_on
@limiter.limit("30/minute")
def recover(payment_id: int) -> Any:
    """Let a payer answer the bank: with the link from the mail, or logged in; nothing else opens with that link."""
    token = request.values.get("token", "")
    payment = _linked(payment_id, token) if token else payment_or_404(_logged_in(payment_id), "payment.pay")
    if request.method == "GET" or payment.state != "action_required":
        return _page(payment, None, token=token)
    back = absolute("payments.recovered", payment_id=payment.id, **({"token": token} if token else {}))
    answer = charging.confirm(payment.id, back)
    if answer.url:
        return redirect(answer.url, 303)
    if answer.unknown:
        db.session.refresh(payment)
        return _page(payment, None, unreachable=True, token=token), 503
    return redirect(back, 303)


def _logged_in(payment_id: int) -> int:
    if not current_user.is_authenticated:
        raise NotFound(_("This page does not exist, or is not for you."))
    return payment_id


def _linked(payment_id: int, token: str) -> Payment:
    payer = links.check(payment_id, token)
    payment = db.session.get(Payment, payment_id)
    if payment is None or payment.payer_id != payer:
        raise NotFound(_("This page does not exist, or is not for you."))
    return payment


@payment_pages.get("/pay/<int:payment_id>/recovered")
@where_payments_are_on
def recovered(payment_id: int) -> Any:
    """Take the payer back from the bank's page."""
    token = request.args.get("token", "")
    payment = _linked(payment_id, token) if token else payment_or_404(_logged_in(payment_id), "payment.pay")
    known = charging.look_at_payment(payment.id)
    db.session.refresh(payment)
    if payment.state == "action_required":
        waits = _("Your bank did not approve the payment yet. Try again, or choose another way to pay.")
        flash(waits if known else wording.not_heard(), "warning")
    return _page(payment, None, token=token)
