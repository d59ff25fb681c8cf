"""The pages of asking first: a new request, the request with its answers, answering, and choosing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from marketplace.api import (
    DomainError,
    clock,
    db,
    limiter,
    locator,
    looked_at,
    places,
    runtime,
)
from plugins.sharing import describing
from plugins.sharing.loan import loan_money
from plugins.sharing.loan.booking_models import Loan
from plugins.sharing.request import request_answers, request_reads, requests
from plugins.sharing.request.request_forms import AnswerForm, DescribeRequestForm, RequestForm
from plugins.sharing.request.request_models import Request

blueprint = Blueprint("sharing_requests", __name__)


@blueprint.get("/requests")
def index() -> Response:
    """Lead to the search over all requests."""
    return redirect(url_for("discover.browse", kind="request"))


@blueprint.route("/requests/new", methods=["GET", "POST"])
@login_required
@limiter.limit("20 per hour", methods=["POST"])
def new() -> Any:
    """Ask for something; sent off, it is public, and those who live near are told."""
    zone = runtime().settings.timezone
    form = RequestForm(place=current_user.place)
    if request.method == "GET":
        form.suggest(zone, clock.now())
        form.title.data = request.args.get("title", "")[:120]
    if form.validate_on_submit():
        try:
            listing = requests.ask(
                current_user, facts=form.facts(), window=form.window(zone), radius_m=form.radius.data * 1000,
                address=form.address.data or "",
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Your request is out. You hear from us as soon as somebody answers."), "success")
            return redirect(address(listing.id, listing.slug), 303)
    wrong = form.errors or form.form_errors
    page = render_template("sharing/request_form.html", form=form, row=None, place_names=places.labels())
    return page, 422 if wrong else 200


def address(listing_id: int, slug: str) -> str:
    """Give a request's own address."""
    return url_for("sharing_requests.show", listing_id=listing_id, slug=slug)


@blueprint.route("/requests/<int:listing_id>/edit", methods=["GET", "POST"])
@login_required
def edit(listing_id: int) -> Any:
    """Change what is said of a request."""
    listing = requests.owned(listing_id, current_user)
    row = db.session.get_one(Request, listing_id)
    form = DescribeRequestForm(obj=listing, address=row.address)
    if form.validate_on_submit():
        try:
            requests.change(
                listing_id,
                current_user,
                version=form.seen_version(),
                facts=form.facts(),
                address=form.address.data or "",
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("listings.short", listing_id=listing_id), 303)
    page = render_template(
        "sharing/request_form.html", form=form, row=row, listing=listing, place_names=places.labels()
    )
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.get("/requests/<int:listing_id>-<slug>")
def show(listing_id: int, slug: str) -> Any:
    """Show a request."""
    seen = request_reads.seen(listing_id, current_user)
    if slug != seen.listing.slug:
        return redirect(address(listing_id, seen.listing.slug), 301)
    looked_at(current_user, listing_id)
    return _page(seen, _answer_form(seen))


def _answer_form(seen: request_reads.Seen) -> AnswerForm | None:
    """Give the form for an answer to those who may answer now."""
    listing = seen.listing
    if not current_user.is_authenticated or seen.is_asker or not _open(seen):
        return None
    standing = seen.mine if seen.mine is not None and seen.mine.state == "offered" else None
    asked = standing.fee_minor if standing is not None and standing.currency == listing.currency else 0
    # A fee that is not allowed any more is shown, so that it can be taken away knowingly.
    form = AnswerForm(fee=asked or None)
    items = request_reads.own_items(current_user.id)
    form.offer([(row.id, row.title) for row in items], paid=request_answers.may_cost())
    if request.method == "GET" and standing is not None:
        form.words.data, form.address.data = standing.words, standing.address
        if "item" in form:
            form.item.data = str(standing.item_id or 0)
    return form


def _open(seen: request_reads.Seen) -> bool:
    return seen.row.state == "open" and seen.listing.state == "published" and seen.row.starts_at > clock.now()


def _page(seen: request_reads.Seen, form: AnswerForm | None) -> Any:
    wrong = form is not None and (form.errors or form.form_errors)
    over = seen.row.state == "ended" or (seen.row.state == "open" and seen.row.step == requests.STEPS)
    unanswered = seen.is_asker and over and not request_reads.anybody_answered(seen.listing.id)
    page = render_template(
        "sharing/request.html", seen=seen, listing=seen.listing, row=seen.row, form=form, is_open=_open(seen),
        map=locator.drawn(seen.listing), together=request_reads.together(seen.listing) if unanswered else [],
    )  # fmt: skip
    return page, 422 if wrong else 200


@blueprint.post("/requests/<int:listing_id>/answer")
@login_required
@limiter.limit("30 per hour")
def answer(listing_id: int) -> Any:
    """Answer a request."""
    seen = request_reads.seen(listing_id, current_user)
    form = _answer_form(seen)
    if form is None:
        flash(_("This request takes no answers any more."), "warning")
        return redirect(address(listing_id, seen.listing.slug), 303)
    if form.validate():
        try:
            request_answers.offer(
                listing_id, current_user, words=form.words.data or "", item_id=form.item_id, fee_minor=form.fee_minor,
                address=form.address.data or "",
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Your answer is with the asker. Thank you!"), "success")
            return redirect(address(listing_id, seen.listing.slug), 303)
    return _page(request_reads.seen(listing_id, current_user), form)


@blueprint.post("/requests/answers/<int:answer_id>/withdraw")
@login_required
def withdraw(answer_id: int) -> Any:
    """Take an answer back."""
    try:
        found = request_answers.withdraw(answer_id, current_user)
    except DomainError as error:
        if error.status == 404:
            raise
        flash(error.message, "error")
        return redirect(url_for("sharing_requests.index"), 303)
    flash(_("Your answer has been taken back."), "success")
    return redirect(url_for("listings.short", listing_id=found.request_id), 303)


@blueprint.post("/requests/<int:listing_id>/answers/<int:answer_id>/choose")
@login_required
def choose(listing_id: int, answer_id: int) -> Any:
    """Choose an answer, and go on to what comes of it: the payment, or the loan."""
    listing = requests.owned(listing_id, current_user)
    try:
        agreement = request_answers.choose(answer_id, current_user)
    except DomainError as error:
        if error.status == 404:
            raise
        flash(error.message, "error")
        return redirect(address(listing.id, listing.slug), 303)
    path = loan_money.pay_path(db.session.get_one(Loan, agreement.id)) if agreement.state == "paying" else None
    if path is None:
        flash(_("It is agreed. See you then!"), "success")
    return redirect(path or url_for("agreements.show", agreement_id=agreement.id), 303)


@blueprint.post("/requests/<int:listing_id>/end")
@login_required
def end(listing_id: int) -> Any:
    """Take a request back."""
    listing = requests.owned(listing_id, current_user)
    describing.end(listing, _("Your request has ended, and everybody who answered is told."))
    return redirect(address(listing.id, listing.slug), 303)
