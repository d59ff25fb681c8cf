"""Chargebacks: the list with its deadlines, one case with everything that happened, its evidence, and giving it up."""

from __future__ import annotations

from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace.admin import timeline
from marketplace.admin.dispute_forms import EvidenceForm
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.paging import chips, one_of, paged
from marketplace.admin.words import DISPUTE, options
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.listings.models import Listing
from marketplace.payments import disputes
from marketplace.payments.burden_models import Burden
from marketplace.payments.dispute_models import ANSWERABLE, Dispute, DisputeMovement
from marketplace.payments.facts import Trouble
from marketplace.payments.giving_back import THEIRS
from marketplace.payments.models import Payment
from marketplace.users.models import User


@blueprint.get("/disputes", endpoint="disputes")
def dispute_list() -> Any:
    """List chargebacks, the newest first, with the day by which evidence is due."""
    state = one_of("state", DISPUTE)
    payer, payee = aliased(User), aliased(User)
    listed = (
        select(
            Dispute.id, Dispute.state, Dispute.amount_minor, Dispute.currency, Dispute.reason, Dispute.due_by,
            Dispute.opened_at, Dispute.submissions, Payment.payer_id, payer.name.label("payer"), Payment.payee_id,
            payee.name.label("payee"), Listing.title,
        )
        .join(Payment, Payment.id == Dispute.payment_id)
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(payer, payer.id == Payment.payer_id)
        .join(payee, payee.id == Payment.payee_id)
    )  # fmt: skip
    if state:
        listed = listed.where(Dispute.state == state)
    return render_template(
        "operator/disputes.html", page=paged(listed, Dispute.id), states=chips("state", options("dispute"))
    )


@blueprint.get("/disputes/<int:dispute_id>")
def dispute(dispute_id: int) -> Any:
    """Show a case: what is disputed and why, who bears it, what was answered, and everything that happened."""
    found = disputes.get(dispute_id)
    movements = db.session.scalars(
        select(DisputeMovement).where(DisputeMovement.dispute_id == found.id).order_by(DisputeMovement.id)
    ).all()
    borne = db.session.execute(
        select(
            Burden.source, Burden.amount_minor, Burden.returned_minor, Burden.currency, Payment.payee_id, User.name,
        )
        .join(DisputeMovement, DisputeMovement.id == Burden.movement_id)
        .join(Payment, Payment.id == Burden.payment_id)
        .join(User, User.id == Payment.payee_id)
        .where(DisputeMovement.dispute_id == found.id)
        .order_by(Burden.id)
    ).all()  # fmt: skip
    return render_template(
        "operator/dispute.html",
        dispute=found,
        parties=_parties(found),
        movements=movements,
        borne=borne,
        theirs=THEIRS,
        answerable=found.state in ANSWERABLE and not found.answer,
        texts=[(field.label, found.evidence.get(field.name, "")) for field in disputes.TEXTS],
        files=disputes.files_of(found.id),
        labels={field.name: field.label for field in disputes.FIELDS},
        moments=timeline.of_payment(found.payment_id),
    )


def _parties(found: Dispute) -> Any:
    payer, payee = aliased(User), aliased(User)
    return db.session.execute(
        select(
            Payment.id, Payment.payer_id, payer.name.label("payer"), Payment.payee_id, payee.name.label("payee"),
            Payment.agreement_id, Payment.charged_at, Payment.settled_at, Listing.title,
        )
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(payer, payer.id == Payment.payer_id)
        .join(payee, payee.id == Payment.payee_id)
        .where(Payment.id == found.payment_id)
    ).one()  # fmt: skip


@blueprint.route("/disputes/<int:dispute_id>/evidence", methods=["GET", "POST"])
def dispute_evidence(dispute_id: int) -> Any:
    """Gather evidence, keep it as a draft, and submit it once it is complete."""
    found = disputes.get(dispute_id)
    form = EvidenceForm(data={**found.evidence, "version": found.version})
    status = 200
    if form.validate_on_submit():
        try:
            if _keep(found, form):
                return redirect(url_for("operator.dispute", dispute_id=found.id), 303)
            status = 503
        except DomainError as error:
            form.refuse(error)
            status = 422 if error.field or error.status == 422 else error.status
    elif form.errors:
        status = 422
    page = render_template(
        "operator/evidence.html",
        dispute=found,
        form=form,
        parties=_parties(found),
        texts=disputes.TEXTS,
        files=disputes.FILES,
        uploaded=disputes.files_of(found.id),
        answerable=found.state in ANSWERABLE and not found.answer,
    )
    return make_response(page, status)


def _keep(found: Dispute, form: EvidenceForm) -> bool:
    """Save texts and upload files, then submit where that was asked; False when the provider could not be reached."""
    version = int(form.version.data) if str(form.version.data).isdecimal() else 0
    disputes.save(found.id, {field.name: form[field.name].data or "" for field in disputes.TEXTS}, version)
    for field in disputes.FILES:
        given = form[field.name].data
        if not given:
            continue
        with given.stream as stream:
            content = stream.read(disputes.MOST_BYTES + 1)
        answer = disputes.upload(found.id, field.name, given.filename or "", content)
        if isinstance(answer, Trouble):
            form.form_errors.append(_("The provider did not take the file. What you wrote is kept; try again."))
            db.session.refresh(found)
            form.version.data = str(found.version)
            return False
    if request.form.get("act") == "submit":
        disputes.submit(found.id, me().id)
        flash(_("The evidence is on its way to the bank."), "success")
    else:
        flash(_("The draft is kept. The bank has not seen it yet."), "success")
    return True


@blueprint.route("/disputes/<int:dispute_id>/concede", methods=["GET", "POST"])
def dispute_concede(dispute_id: int) -> Any:
    """Ask once more, then give the case up."""
    found = disputes.get(dispute_id)
    back = url_for("operator.dispute", dispute_id=found.id)
    question = Question(
        _("Give chargeback %(id)s up?", id=found.id),
        _("The payer keeps the money, for good. The provider keeps its fee."),
        _("Give up"),
        back,
        danger=True,
        icon="flag",
    )
    return asked(question, lambda reason: disputes.concede(found.id, me().id, reason), _("The provider is told."))
