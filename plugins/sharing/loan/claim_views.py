"""The pages of claims: making one, answering, and an operator's word."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import DomainError, NotFound, db
from plugins.sharing.loan import claims, loan_pages
from plugins.sharing.loan.booking_models import Claim
from plugins.sharing.loan.loan_forms import ClaimForm, OfferForm, in_currency
from plugins.sharing.loan.loan_views import blueprint, party


@blueprint.route("/loans/<int:agreement_id>/claim", methods=["GET", "POST"])
@login_required
def new_claim(agreement_id: int) -> Any:
    """Claim something as the lender."""
    agreement, loan, actor = party(agreement_id)
    form: ClaimForm = in_currency(ClaimForm, loan.currency)()
    if form.validate_on_submit():
        try:
            made = claims.make(
                agreement_id, actor, form.kind.data or "", form.amount.minor, form.note.data or "", form.uploads()
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The borrower has been told and has three days to answer."), "success")
            return redirect(url_for("sharing_loans.claim", claim_id=made.id), 303)
    page = render_template(
        "sharing/claim_new.html", agreement=agreement, loan=loan, form=form, title=loan_pages.title_of(agreement),
        most=claims.most(agreement, loan),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.get("/loans/claims/<int:claim_id>")
@login_required
def claim(claim_id: int) -> Any:
    """Show a claim: what was said, what stands, and whose turn it is."""
    return _shown(claim_id, None)


def _shown(claim_id: int, refused: OfferForm | None) -> Any:
    row, agreement, _loan, actor = _seen(claim_id)
    form = refused or in_currency(OfferForm, row.currency)()
    page = render_template(
        "sharing/claim.html", claim=row, agreement=agreement, role=str(actor.role), form=form,
        steps=loan_pages.claim_steps(row.id),
        title=loan_pages.title_of(agreement), kind=claims.KINDS[row.kind], standing=claims.standing(row),
    )  # fmt: skip
    return page, 422 if refused is not None else 200


def _seen(claim_id: int) -> tuple[Claim, Any, Any, Any]:
    row = db.session.get(Claim, claim_id, populate_existing=True)
    if row is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    return (row, *party(row.agreement_id))


@blueprint.post("/loans/claims/<int:claim_id>/agree")
@login_required
def agree_claim(claim_id: int) -> Any:
    """Accept what the other side said last."""
    actor = _seen(claim_id)[3]
    return _done(claim_id, lambda: claims.agree(claim_id, actor))


@blueprint.post("/loans/claims/<int:claim_id>/withdraw")
@login_required
def withdraw_claim(claim_id: int) -> Any:
    """Take a claim back."""
    actor = _seen(claim_id)[3]
    return _done(claim_id, lambda: claims.withdraw(claim_id, actor))


@blueprint.post("/loans/claims/<int:claim_id>/offer")
@login_required
def offer_claim(claim_id: int) -> Any:
    """Name another amount; an operator's is the last word."""
    row, _agreement, _loan, actor = _seen(claim_id)
    form: OfferForm = in_currency(OfferForm, row.currency)()
    if not form.validate_on_submit():
        return _shown(claim_id, form)
    try:
        if str(actor.role) == "operator":
            claims.rule(claim_id, current_user, form.amount.minor, form.note.data or "")
        else:
            claims.offer(claim_id, actor, form.amount.minor, form.note.data or "")
    except DomainError as error:
        form.refuse(error)
        return _shown(claim_id, form)
    flash(_("Done: the other side has been told."), "success")
    return redirect(url_for("sharing_loans.claim", claim_id=claim_id), 303)


def _done(claim_id: int, act: Callable[[], Any]) -> Any:
    try:
        act()
        flash(_("Done: the other side has been told."), "success")
    except DomainError as error:
        flash(error.message, "error")
    return redirect(url_for("sharing_loans.claim", claim_id=claim_id), 303)
