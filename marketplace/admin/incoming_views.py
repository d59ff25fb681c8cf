"""Money that comes in by hand: what is waited for, what came, and a second pair of eyes on large amounts."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import aliased

from marketplace import display
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.incoming_forms import receipt_form
from marketplace.admin.paging import chips, one_of, paged, word
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError, NotFound
from marketplace.listings.models import Listing
from marketplace.money import Money, NotAnAmount, parse_amount
from marketplace.payments.attempts import new_key
from marketplace.payments.hand_views import today
from marketplace.payments.models import OfflineReceipt, OfflineRequest, Payment
from marketplace.payments.offline import receipts, reversing
from marketplace.payments.offline.methods import WAYS
from marketplace.payments.offline.reference import creditor_reference, in_groups, read_reference
from marketplace.payments.offline.wording import LABELS, RECEIPT_STATES, REQUEST_STATES, WAY_LABELS
from marketplace.runtime import runtime
from marketplace.users.models import User

TO_CONFIRM = "entered"


@blueprint.get("/incoming")
def incoming() -> Any:
    """List payment requests, the newest first; found by reference, payer, title or amount."""
    state, waits, q = one_of("state", REQUEST_STATES), one_of("kind", (TO_CONFIRM,)), word()
    payer = aliased(User)
    listed = (
        select(
            OfflineRequest.id, OfflineRequest.kind, OfflineRequest.state, OfflineRequest.amount_minor,
            OfflineRequest.received_minor, OfflineRequest.currency, OfflineRequest.pay_by, OfflineRequest.payment_id,
            Listing.title, payer.id.label("payer_id"), payer.name.label("payer"),
        )
        .join(Payment, Payment.id == OfflineRequest.payment_id)
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(payer, payer.id == Payment.payer_id)
    )  # fmt: skip
    if state:
        listed = listed.where(OfflineRequest.state == state)
    if waits:
        waiting = (OfflineReceipt.request_id == OfflineRequest.id) & (OfflineReceipt.state == TO_CONFIRM)
        listed = listed.where(exists().where(waiting))
    if q:
        listed = listed.where(_matching(q, payer))
    return render_template(
        "operator/incoming.html",
        page=paged(listed, OfflineRequest.id),
        states=chips("state", [(name, words[0]) for name, words in REQUEST_STATES.items()]),
        waiting=chips("kind", [(TO_CONFIRM, _("To be confirmed"))], _("Everything")),
        q=q,
        kept={"state": state, "kind": waits},
        labels=LABELS,
        request_words=REQUEST_STATES,
        reference=lambda number: in_groups(creditor_reference(number)),
    )


def _matching(q: str, payer: Any) -> ColumnElement[bool]:
    """Read what an operator copied from a bank statement: a reference, an amount, or a part of a name or title."""
    number = read_reference(q)
    if number is not None:
        return OfflineRequest.id == number
    found: ColumnElement[bool] = payer.name.icontains(q, autoescape=True) | Listing.title.icontains(q, autoescape=True)
    try:
        amount = parse_amount(q, runtime().settings.currency)
    except NotAnAmount:
        return found
    return found | (OfflineRequest.amount_minor == amount.minor)


@blueprint.route("/incoming/<int:request_id>", methods=["GET", "POST"])
def incoming_one(request_id: int) -> Any:
    """Show a payment request with its receipts, and enter what came in."""
    found = db.session.get(OfflineRequest, request_id)
    if found is None:
        raise NotFound(_("There is no such payment request."))
    missing = found.missing.minor if found.state == "open" else 0
    form = receipt_form(found.currency, missing, WAYS[found.kind], today(), new_key())
    if form.validate_on_submit():
        amount = Money(form["amount"].minor, found.currency)
        seen = receipts.Seen(
            amount, form.received_on.data, form.nonce.data or "", form.way.data or "", form.payer_account.data or "",
            form.note.data or "",
        )  # fmt: skip
        try:
            receipt = receipts.enter(request_id, seen, me().id)
        except DomainError as error:
            form.refuse(error)
        else:
            booked = receipt.state == "confirmed"
            flash(_("Booked.") if booked else _("Entered. A second operator has to confirm it."), "success")
            return redirect(url_for("operator.incoming_one", request_id=request_id))
    status = 422 if form.errors or form.form_errors else 200
    return render_template("operator/incoming_one.html", form=form, **_shown(found)), status


def _shown(found: OfflineRequest) -> dict[str, Any]:
    entered, confirmed, payer = aliased(User), aliased(User), aliased(User)
    rows = db.session.execute(
        select(OfflineReceipt, entered.name.label("entered"), confirmed.name.label("confirmed"))
        .join(entered, entered.id == OfflineReceipt.entered_by)
        .outerjoin(confirmed, confirmed.id == OfflineReceipt.confirmed_by)
        .where(OfflineReceipt.request_id == found.id)
        .order_by(OfflineReceipt.id)
    ).all()
    parties = db.session.execute(
        select(Payment.payer_id, payer.name.label("payer"), Listing.title)
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(payer, payer.id == Payment.payer_id)
        .where(Payment.id == found.payment_id)
    ).one()
    return {
        "asked": found, "receipts": rows, "parties": parties, "labels": LABELS, "ways": WAY_LABELS, "mine": me().id,
        "receipt_words": RECEIPT_STATES, "request_words": REQUEST_STATES, "reference": in_groups(found.reference),
    }  # fmt: skip


def _receipt(request_id: int, receipt_id: int) -> tuple[str, str]:
    """Give a receipt's amount in words and the page to go back to; raises NotFound."""
    receipt = db.session.get(OfflineReceipt, receipt_id)
    if receipt is None or receipt.request_id != request_id:
        raise NotFound(_("There is no such receipt."))
    amount = display.money(receipt.amount.minor, receipt.amount.currency, exact=True)
    return amount, url_for("operator.incoming_one", request_id=request_id)


@blueprint.route("/incoming/<int:request_id>/receipts/<int:receipt_id>/confirm", methods=["GET", "POST"])
def incoming_confirm(request_id: int, receipt_id: int) -> Any:
    """Confirm as the second operator what the first one entered."""
    amount, back = _receipt(request_id, receipt_id)
    question = Question(
        _("Confirm the receipt of %(amount)s?", amount=amount),
        _("You say that you, too, have seen this money. It is booked, and the payment goes on."),
        _("Confirm"), back, icon="check-check",
    )  # fmt: skip
    return asked(question, lambda why: receipts.confirm(receipt_id, me().id, why), _("Booked."))


@blueprint.route("/incoming/<int:request_id>/receipts/<int:receipt_id>/reject", methods=["GET", "POST"])
def incoming_reject(request_id: int, receipt_id: int) -> Any:
    """Set aside what was entered and not confirmed."""
    amount, back = _receipt(request_id, receipt_id)
    question = Question(
        _("Set the receipt of %(amount)s aside?", amount=amount),
        _("It was not booked, and never will be."),
        _("Set aside"), back, danger=True, icon="x",
    )  # fmt: skip
    return asked(question, lambda why: receipts.reject(receipt_id, me().id, why), _("Set aside."))


@blueprint.route("/incoming/<int:request_id>/receipts/<int:receipt_id>/reverse", methods=["GET", "POST"])
def incoming_reverse(request_id: int, receipt_id: int) -> Any:
    """Undo a receipt that was wrong."""
    amount, back = _receipt(request_id, receipt_id)
    question = Question(
        _("Reverse the receipt of %(amount)s?", amount=amount),
        _("The booking is reversed. A payment that it completed waits for its payer again, with a new reference and deadline."),
        _("Reverse"), back, danger=True, icon="rotate-ccw",
    )  # fmt: skip
    return asked(question, lambda why: reversing.reverse(receipt_id, me().id, why), _("Reversed."))
