"""Writing a review, answering one, and hiding one; each is a page of its own, so that bad input loses nothing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.access import is_operator
from marketplace.agreements.views import seen
from marketplace.database import db
from marketplace.errors import DomainError, NotFound
from marketplace.extensions import limiter
from marketplace.forms import Form
from marketplace.listings.models import Listing
from marketplace.reviews import reads, service
from marketplace.reviews.forms import HideForm, ReplyForm, ReviewForm
from marketplace.reviews.models import Review
from marketplace.users.models import User

blueprint = Blueprint("reviews", __name__)


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What is not revealed yet is nobody else's business."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/agreements/<int:agreement_id>/review", methods=["GET", "POST"])
@limiter.limit("20 per hour", methods=["POST"])
@login_required
def write(agreement_id: int) -> Any:
    """Write a review of the other party, and of the thing."""
    agreement, user = seen(agreement_id)
    panel = reads.panel(agreement, user)
    back = url_for("agreements.show", agreement_id=agreement_id) + "#reviews"
    if panel is None or user.id not in (agreement.owner_id, agreement.member_id):
        raise NotFound(_("This page does not exist, or is not for you."))
    if not panel.may_write:
        return redirect(back)
    form = ReviewForm(about_item=panel.about_item)
    if form.validate_on_submit():
        item = service.Words(int(form.item_stars.data), form.item_body.data or "") if panel.about_item else None
        try:
            service.write(agreement_id, user.id, service.Words(int(form.stars.data), form.body.data or ""), item)
        except DomainError as error:
            form.refuse(error)
        else:
            now = reads.panel(agreement, user)
            if now is not None and not now.waits:
                flash(_("Thank you. Both of you have written, so both reviews are shown now."), "success")
            else:
                flash(
                    _("Thank you. Your review is shown as soon as the other side has written, or the time is over."),
                    "success",
                )
            return redirect(back)
    other_id = agreement.owner_id if user.id == agreement.member_id else agreement.member_id
    facts = {
        "other": db.session.get_one(User, other_id).name,
        "title": db.session.get_one(Listing, agreement.listing_id).title,
        "closes_at": panel.closes_at,
        "back": back,
    }
    return _page("reviews/write.html", form, **facts)


@blueprint.route("/reviews/<int:review_id>/reply", methods=["GET", "POST"])
@limiter.limit("20 per hour", methods=["POST"])
@login_required
def reply(review_id: int) -> Any:
    """Answer a review about oneself or one's thing, once."""
    review = _revealed(review_id)
    if review.hidden or current_user.id != service.answerer(review):
        raise NotFound(_("This page does not exist, or is not for you."))
    back = url_for("agreements.show", agreement_id=review.agreement_id) + "#reviews"
    form = ReplyForm()
    if form.validate_on_submit():
        try:
            service.reply(review_id, current_user.id, form.reply.data)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Your answer is shown below the review."), "success")
            return redirect(back)
    return _page("reviews/reply.html", form, review=review, back=back)


@blueprint.route("/operator/reviews/<int:review_id>/hide", methods=["GET", "POST"])
@login_required
def hide(review_id: int) -> Any:
    """Hide a review from everybody, or show it again; the reason goes into the audit."""
    if not is_operator(current_user):
        raise NotFound(_("This page does not exist, or is not for you."))
    review = _revealed(review_id)
    back = url_for("agreements.show", agreement_id=review.agreement_id) + "#reviews"
    form = HideForm()
    if form.validate_on_submit():
        try:
            service.hide(review_id, current_user, form.reason.data, hidden=not review.hidden)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Done. The average counts anew."), "success")
            return redirect(back)
    return _page("reviews/hide.html", form, review=review, back=back)


def _revealed(review_id: int) -> Review:
    review = db.session.get(Review, review_id)
    if review is None or review.revealed_at is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    return review


def _page(template: str, form: Form, **facts: Any) -> Any:
    return render_template(template, form=form, **facts), 422 if form.errors or form.form_errors else 200
