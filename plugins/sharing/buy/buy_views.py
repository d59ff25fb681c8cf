"""The page on which a thing is bought: what it costs this member, from when on, and on which terms."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import HiddenField, TextAreaField
from wtforms.validators import InputRequired, Length

from marketplace.api import Conflict, DomainError, Form, db, limiter, payments
from plugins.sharing.buy import buy_effects, buy_money, buy_reads, purchases
from plugins.sharing.buy.buy_models import Purchase

blueprint = Blueprint("sharing_buy", __name__)


class BuyForm(Form):
    """The word that makes it a purchase; the nonce makes a form that is sent twice one."""

    nonce = HiddenField(validators=[InputRequired(), Length(max=64)])
    note = TextAreaField(_l("A word to the owner"), validators=[Length(max=1000)])


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What somebody is asked to pay is nobody else's business."""
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.route("/items/<int:listing_id>/buy", methods=["GET", "POST"])
@limiter.limit("30 per minute", methods=["POST"])
def buy(listing_id: int) -> Any:
    """Show what buying it means; sent off, it is a request, or bought."""
    offer = buy_reads.offer(listing_id, current_user)
    if request.method == "POST" and not current_user.is_authenticated:
        return redirect(url_for("users.login", next=request.path))
    form, status = BuyForm(), 200
    if request.method == "GET":
        form.nonce.data = secrets.token_urlsafe(18)
    elif form.validate_on_submit():
        try:
            return _bought(listing_id, form)
        except DomainError as error:
            form.refuse(error)
            status = 409 if isinstance(error, Conflict) else 422
    if form.errors and status == 200:
        status = 422
    page = render_template(
        "sharing/buy.html", offer=offer, form=form, days=buy_effects.PICK_UP_WITHIN.days,
        by_hand=not payments.payments_enabled(),
    )  # fmt: skip
    return page, status


def _bought(listing_id: int, form: BuyForm) -> Any:
    agreement = purchases.request(listing_id, current_user.id, form.nonce.data or "", note=form.note.data or "")
    path = buy_money.pay_path(db.session.get_one(Purchase, agreement.id))
    if agreement.state == "paying" and path is not None:
        return redirect(path, 303)
    asked = agreement.state == "requested"
    flash(_("Your request is on its way to the owner.") if asked else _("It is yours!"), "success")
    return redirect(url_for("agreements.show", agreement_id=agreement.id), 303)
