"""The page of an agreement and the moves that can be made on it; strangers find nothing here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace import access
from marketplace.agreements import page as pages
from marketplace.agreements import service
from marketplace.agreements.forms import MoveForm, OperatorMoveForm
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError, NotFound
from marketplace.lifecycle import InvalidTransition, Role, Transition
from marketplace.payments import service as payments
from marketplace.reviews import reads as reviews
from marketplace.runtime import agreement_kind
from marketplace.users.models import User

blueprint = Blueprint("agreements", __name__, url_prefix="/agreements")


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What two people agreed on is nobody else's business."""
    response.headers["Cache-Control"] = "no-store"
    return response


def seen(agreement_id: int) -> tuple[Agreement, User]:
    """Give an agreement that the logged-in member may see, and that member; raises NotFound."""
    user: User = current_user._get_current_object()
    agreement = db.session.get(Agreement, agreement_id)
    if agreement is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    access.require(user, "agreement.see", agreement)
    return agreement, user


@blueprint.get("/<int:agreement_id>")
@login_required
def show(agreement_id: int) -> Any:
    """Show an agreement: what to do now and by when, its terms, its money and its history."""
    agreement, user = seen(agreement_id)
    return _shown(agreement, user)


def _shown(agreement: Agreement, user: User, problem: str = "", status: int = 200) -> Any:
    made, kind = payments.payments_of(agreement), agreement_kind(agreement.kind)
    page = pages.gathered(agreement, user, made)
    talk_url = ""
    if page.actor.role != Role.OPERATOR:
        talk_url = url_for("messages.discuss", agreement_id=agreement.id)
    text = render_template(
        "agreements/show.html", page=page, payments=made, problem=problem, talk_url=talk_url,
        reviews=reviews.panel(agreement, user), purposes=kind.purposes if kind is not None else {},
    )  # fmt: skip
    return text, status


@blueprint.route("/<int:agreement_id>/<name>", methods=["GET", "POST"])
@login_required
def move(agreement_id: int, name: str) -> Any:
    """Ask once more before a move that needs it, and make the move."""
    agreement, user = seen(agreement_id)
    actor = service.actor_for(user, agreement)
    wanted = _wanted(agreement, name, actor)
    if wanted is None:
        problem = _("This is not possible any more: the agreement has moved on meanwhile. Here is how it stands now.")
        return _shown(agreement, user, problem, 409)
    form = OperatorMoveForm() if actor.role == Role.OPERATOR else MoveForm()
    figures = pages.foreseen(agreement, wanted, str(actor.role))
    # Nobody confirms other figures than they have read: a step of a table may have passed since the page was shown.
    changed = request.method == "POST" and request.form.get("figures", figures) != figures
    if form.validate_on_submit() and not changed:
        try:
            access.require(user, "agreement.act", agreement)
            moved = service.transition(agreement_id, name, actor, note=form.note.data or "")
        except InvalidTransition:
            problem = _(
                "This is not possible any more: the agreement has moved on meanwhile. Here is how it stands now."
            )
            return _shown(agreement, user, problem, 409)
        except DomainError as error:
            if error.field not in form:
                return _shown(agreement, user, error.message, error.status)
            form.refuse(error)
        else:
            stands = pages.state_label(agreement_kind(moved.kind), moved.state)
            flash(_("Done. How it stands now: %(state)s.", state=stands), "success")
            return redirect(url_for("agreements.show", agreement_id=agreement_id))
    page = pages.gathered(agreement, user)
    text = render_template("agreements/move.html", page=page, form=form, move=wanted, figures=figures, changed=changed)
    return text, 409 if changed else 422 if form.errors else 200


def _wanted(agreement: Agreement, name: str, actor: service.Actor) -> Transition | None:
    """Give the move if this person may ask for it now; objections are left to the move itself, which words them."""
    kind = agreement_kind(agreement.kind)
    if kind is None:
        return None
    try:
        found = kind.machine.find(name, agreement.state, actor.role)
    except InvalidTransition:
        return None
    return None if found.hidden else found
