"""The pages of loans: booking, hand-over, claims, more time, photos, and what one borrows and lends."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import (
    Actor,
    Agreement,
    DomainError,
    Money,
    NotFound,
    access,
    agreements,
    db,
    limiter,
    payments,
    private_pictures,
)
from plugins.sharing.buy import buy_lists
from plugins.sharing.loan import extending, handovers, loan_money, loan_pages, loan_units, loans
from plugins.sharing.loan.booking_models import Evidence, Loan
from plugins.sharing.loan.loan_forms import BookForm, ExtendForm, HandOverForm
from plugins.sharing.price import price_lists
from plugins.sharing.slot.refusals import SlotTaken

blueprint = Blueprint("sharing_loans", __name__)


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What two people agreed on is nobody else's business."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.route("/items/<int:listing_id>/book", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
def book(listing_id: int) -> Any:
    """Show what a period would cost and on which terms; sent off, it is a request."""
    wish = loan_pages.wish(listing_id, current_user)
    if request.method == "POST" and not current_user.is_authenticated:
        return redirect(url_for("users.login", next=request.full_path))
    form = BookForm()
    if request.method == "GET":
        form.nonce.data = secrets.token_urlsafe(18)
    if request.method == "POST" and wish.offer is not None and form.validate_on_submit():
        try:
            return _booked(wish, form)
        except SlotTaken as taken:
            loan_pages.refused(wish, taken)
        except DomainError as error:
            form.refuse(error)
    own = current_user.is_authenticated and wish.listing.owner_id == current_user.id
    wrong = wish.form.errors or form.errors or wish.form.form_errors or form.form_errors or wish.problem
    status = 409 if wish.problem and request.method == "POST" else 422 if wrong else 200
    by_hand = not payments.payments_enabled()
    return render_template("sharing/book.html", wish=wish, form=form, own=own, by_hand=by_hand), status


def _booked(wish: loan_pages.Wish, form: BookForm) -> Any:
    offer = wish.offer
    if offer is None:
        abort(422)
    agreement = loans.request(
        wish.item.listing_id, offer.window, current_user.id, offer.arrangement, form.nonce.data or "", count=offer.count,
        note=(form.note.data or "").strip(),
    )  # fmt: skip
    loan = db.session.get_one(Loan, agreement.id)
    path = loan_money.pay_path(loan)
    if agreement.state == "paying" and path is not None:
        return redirect(path, 303)
    asked = agreement.state == "requested"
    flash(_("Your request is on its way to the lender.") if asked else _("It is yours. See you then!"), "success")
    return redirect(url_for("agreements.show", agreement_id=agreement.id), 303)


def party(agreement_id: int) -> tuple[Agreement, Loan, Actor]:
    """Give a loan that the viewer may see, and in what capacity; raises NotFound."""
    agreement, loan = db.session.get(Agreement, agreement_id), db.session.get(Loan, agreement_id)
    if agreement is None or loan is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    access.require(current_user, "agreement.see", agreement)
    return agreement, loan, agreements.actor_for(current_user, agreement)


@blueprint.route("/loans/<int:agreement_id>/<any('out', 'in'):kind>", methods=["GET", "POST"])
@login_required
def hand_over(agreement_id: int, kind: str) -> Any:
    """Record how it goes out or comes back, made for a phone; or look at what the other side recorded."""
    agreement, loan, actor = party(agreement_id)
    form = HandOverForm()
    out = loan_units.of(agreement_id) if kind == "out" else loan_units.out(agreement_id)
    labels = loan_pages.unit_labels([row.unit_id for row in out if row.unit_id is not None])
    form.things.choices = [(row.id, labels.get(row.unit_id or 0, ("", ""))[0] or str(row.place + 1)) for row in out]
    several = kind == "in" and len(out) > 1
    if request.method == "GET":
        form.things.data = [row.id for row in out]
    if form.validate_on_submit():
        try:
            handovers.record(
                agreement_id, actor, kind, condition=form.condition.data or "", readings=_readings(),
                things=form.things.data if several else None, photos=form.uploads(),
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("On record. The other side has 48 hours to say otherwise."), "success")
            return redirect(url_for("agreements.show", agreement_id=agreement_id), 303)
    records = [record for record in loan_pages.hand_overs(agreement_id) if record.row.kind == kind]
    page = render_template(
        "sharing/hand_over.html", agreement=agreement, loan=loan, role=str(actor.role), kind=kind, form=form,
        records=records, several=several, meters=_meters(agreement), before=_before(agreement_id, kind),
        title=loan_pages.title_of(agreement), can=_can(agreement, actor, kind, records),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _can(agreement: Agreement, actor: Actor, kind: str, records: list[loan_pages.Record]) -> bool:
    """Tell whether this person may record something now."""
    if str(actor.role) not in ("member", "owner") or agreement.state not in handovers.STATES[kind]:
        return False
    waiting = any(record.row.closed_at is None for record in records)
    first = ("agreed",) if kind == "out" else ("active", "lost")
    return waiting or agreement.state in first


def _readings() -> dict[str, str]:
    """Give the readings that were typed, by the meter's name."""
    return {key.removeprefix("meter-"): value for key, value in request.form.items() if key.startswith("meter-")}


def _meters(agreement: Agreement) -> list[str]:
    """Name the meters that the price list counts; without any, one counter may be noted."""
    tariff_id = agreement.terms["tariff_id"]
    found = []
    if tariff_id is not None:
        found = [part.register for part in price_lists.stored(tariff_id).terms.components if part.register]
    return list(dict.fromkeys(found)) or ["km"]


def _before(agreement_id: int, kind: str) -> Any:
    """Give how it went out, to compare with when it comes back."""
    return handovers.standing_of(agreement_id, "out") if kind == "in" else None


@blueprint.post("/loans/<int:agreement_id>/<any('out', 'in'):kind>/agree")
@login_required
def agree_hand_over(agreement_id: int, kind: str) -> Any:
    """Agree with what the other side recorded."""
    _agreement, _loan, actor = party(agreement_id)
    row = next((one for one in handovers.of(agreement_id) if one.kind == kind and one.closed_at is None), None)
    if row is None:
        raise NotFound(_("There is nothing to agree with."))
    try:
        handovers.agree(row.id, actor)
        flash(_("Both of you agree. It is on record."), "success")
    except DomainError as error:
        flash(error.message, "error")
    return redirect(url_for("agreements.show", agreement_id=agreement_id), 303)


@blueprint.route("/loans/<int:agreement_id>/more-time", methods=["GET", "POST"])
@login_required
def more_time(agreement_id: int) -> Any:
    """Ask to keep it longer."""
    agreement, loan, actor = party(agreement_id)
    form, changeover, price = ExtendForm(), None, None
    zone = agreement.terms["zone"]
    if request.method == "GET":
        shown = loan_pages.local(loan.ends_at, zone)
        form.ends_on.data, form.ends_time.data = shown.date(), shown.time()
    if form.validate_on_submit():
        try:
            price = extending.price(agreement_id, actor, form.instant(zone))
            if price.minor and request.form.get("price") != str(price.minor):
                return _more_time(agreement, loan, form, None, price), 200  # what it costs is said before it is asked
            extending.ask(agreement_id, actor, form.instant(zone))
        except SlotTaken as taken:
            form.refuse(taken)
            changeover = taken.alternatives[0].ends_at if taken.alternatives else None
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Done. You see the new end, or the lender's answer, on this page."), "success")
            return redirect(url_for("agreements.show", agreement_id=agreement_id), 303)
    return _more_time(agreement, loan, form, changeover, price), 422 if form.errors or form.form_errors else 200


def _more_time(agreement: Agreement, loan: Loan, form: ExtendForm, changeover: Any, price: Money | None) -> str:
    """Show the form; with `price` what the time that is filled in costs."""
    return render_template(
        "sharing/more_time.html", agreement=agreement, loan=loan, form=form, title=loan_pages.title_of(agreement),
        changeover=changeover, price=price if not (form.errors or form.form_errors) else None,
    )  # fmt: skip


@blueprint.post("/loans/<int:agreement_id>/more-time/<any('grant', 'refuse'):answer>")
@login_required
def answer_more_time(agreement_id: int, answer: str) -> Any:
    """Give or refuse more time."""
    _agreement, _loan, actor = party(agreement_id)
    try:
        (extending.grant if answer == "grant" else extending.refuse)(agreement_id, actor)
        flash(_("Done: the borrower has been told."), "success")
    except DomainError as error:
        flash(error.message, "error")
    return redirect(url_for("agreements.show", agreement_id=agreement_id), 303)


@blueprint.get("/loans/photos/<int:photo_id>")
@login_required
def photo(photo_id: int) -> Response:
    """Show a photo to the parties and operators."""
    row = db.session.get(Evidence, photo_id)
    if row is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    party(row.agreement_id)
    return private_pictures.answer(row.key)


@blueprint.get("/sharing/loans")
@login_required
def index() -> Any:
    """Show what one borrows, or lends."""
    role = "owner" if request.args.get("role") == "owner" else "member"
    return render_template(
        "sharing/loans.html", role=role, now_rows=loan_pages.overview(current_user.id, role, ended=False),
        ended_rows=loan_pages.overview(current_user.id, role, ended=True),
        bought=buy_lists.overview(current_user.id, role),
    )  # fmt: skip
