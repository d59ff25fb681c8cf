"""The blueprint of the operator's pages and its one door: active operators come in, everybody else is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request
from flask_login import current_user

from marketplace import access
from marketplace.admin.forms import ReasonForm
from marketplace.admin.words import booking_label, listing_kind_label, words
from marketplace.errors import DomainError, NotFound
from marketplace.extensions import login_manager
from marketplace.users.models import User

blueprint = Blueprint("operator", __name__, url_prefix="/operator")


@blueprint.before_request
def only_for_operators() -> Any:
    """Refuse everybody but operators; a guest who only looks is asked to log in, because operators' sessions end too."""
    if not current_user.is_authenticated and request.method in ("GET", "HEAD"):
        return login_manager.unauthorized()
    access.require(current_user, "operator.act")
    return None


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What operators see is about other people; it does not stay behind in a browser or a proxy."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.context_processor
def wording() -> dict[str, Any]:
    """Give the templates the words and tones of states."""
    return {"words": words, "booking_label": booking_label, "listing_kind_label": listing_kind_label}


def me() -> User:
    """Give the operator at work."""
    user: User = current_user._get_current_object()
    return user


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an act: what will happen, the word on the button, and where to go otherwise."""

    title: str
    text: str
    label: str
    back: str
    danger: bool = False
    icon: str = ""


def asked(question: Question, act: Callable[[str], object], done: str, form: ReasonForm | None = None) -> Any:
    """Ask for a reason on a page of its own, do it on POST, and say so; refusals stand beside the form, input kept."""
    form = form or ReasonForm()
    status = 200
    if form.validate_on_submit():
        try:
            act(form.reason.data or "")
        except NotFound:
            raise
        except DomainError as error:
            form.refuse(error)
            status = 422 if error.field else error.status
        else:
            flash(done, "success")
            return redirect(question.back)
    elif form.errors:
        status = 422
    return make_response(render_template("operator/act.html", form=form, question=question), status)
