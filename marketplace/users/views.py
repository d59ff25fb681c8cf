"""Pages for getting in: register, confirm, log in and out, choose a new password; and a member's public page."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, session, url_for
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace import locale
from marketplace.errors import DomainError
from marketplace.extensions import limiter
from marketplace.forms import Form
from marketplace.reviews import reads as reviews
from marketplace.runtime import runtime
from marketplace.users import accounts, identity, links, people, profile
from marketplace.users.accounts import NewMember
from marketplace.users.forms import ConfirmForm, EmailForm, LoginForm, RegisterForm, ResetForm
from marketplace.users.links import LinkRefused, Purpose
from marketplace.users.throttle import TooManyAttempts

blueprint = Blueprint("users", __name__)

MARK = "registering"
MAILS = "5 per minute; 30 per hour"


def shown(template: str, form: Form, error: DomainError | None = None, **context: Any) -> Response:
    """Answer with a page that holds a form: 200 when fresh, 422 with messages, 429 with the time to wait."""
    status = 422 if form.errors else 200
    if isinstance(error, TooManyAttempts):
        status = error.status
    answer = make_response(render_template(template, form=form, **context), status)
    if isinstance(error, TooManyAttempts):
        answer.headers["Retry-After"] = str(error.seconds)
    return answer


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """Pages with links that let somebody in must not stay behind in a browser."""
    if request.endpoint != "users.profile":
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/register", methods=["GET", "POST"])
@limiter.limit("10 per minute; 40 per hour", methods=["POST"])
def register() -> Any:
    """Become a member."""
    onward = identity.safe_next(request.args.get("next"))
    if current_user.is_authenticated:
        return redirect(onward or url_for("account.todo"))
    form = RegisterForm(locale=str(get_locale()))
    error = None
    if form.validate_on_submit():
        try:
            return _registered(form, onward)
        except DomainError as refused:
            error = refused
            form.refuse(error)
    return shown("users/register.html", form, error, onward=onward)


def _registered(form: RegisterForm, onward: str) -> Any:
    mark = secrets.token_urlsafe(16)
    facts = NewMember(form.name.data, form.email.data, form.password.data, form.locale.data)
    user = accounts.register(facts, browser=_browser(mark))
    if user is not None and not runtime().settings.require_confirmed_mail:
        identity.enter(user, remembered=False)
        flash(_("Welcome, %(name)s.", name=user.name), "success")
        return redirect(onward or url_for("account.todo"))
    session[MARK] = {"mark": mark, "email": form.email.data, "next": onward}
    # Nobody is logged in yet: the next page knows what was chosen by the browser alone.
    return locale.remember(redirect(url_for("users.registered")), form.locale.data)


def _browser(mark: str) -> str:
    return hashlib.sha256(mark.encode()).hexdigest()[:16]


@blueprint.get("/register/sent")
def registered() -> Any:
    """Say that a mail is on its way; the same whether or not the address had an account."""
    known = session.get(MARK) or {}
    return render_template("users/check_mail.html", email=known.get("email", ""))


@blueprint.route("/confirm", methods=["GET", "POST"])
@limiter.limit(MAILS, methods=["POST"])
def resend() -> Any:
    """Ask for the confirming mail once more."""
    form = EmailForm(email=current_user.email if current_user.is_authenticated else None)
    if form.validate_on_submit():
        accounts.resend(form.email.data)
        return render_template("users/check_mail.html", email=form.email.data)
    return shown("users/resend.html", form)


@blueprint.route("/confirm/<token>", methods=["GET", "POST"])
def confirm(token: str) -> Any:
    """Confirm an address; the browser that registered is logged in by it, another one has to give the password."""
    form = ConfirmForm()
    try:
        user, _facts = links.opened(Purpose.CONFIRM, token)
        if not form.validate_on_submit():
            return shown("users/confirm.html", form, email=user.email, name=user.name)
        user, browser = accounts.confirm(token)
    except LinkRefused as refused:
        return _stale(refused)
    known = session.get(MARK) or {}
    with force_locale(user.locale):  # the page that shows it is the member's own
        flash(_("Your address is confirmed. Welcome, %(name)s.", name=user.name), "success")
    if current_user.is_authenticated:
        return redirect(url_for("account.todo"))
    onward = identity.safe_next(known.get("next"))
    if browser and user.is_active and browser == _browser(str(known.get("mark", ""))):
        session.pop(MARK)
        identity.enter(user, remembered=False)
        return redirect(onward or url_for("account.todo"))
    return redirect(url_for("users.login", next=onward or None))


@blueprint.route("/login", methods=["GET", "POST"])
@limiter.limit("30 per minute; 200 per hour", methods=["POST"])
def login() -> Any:
    """Log in."""
    form = LoginForm(next=request.args.get("next"))
    onward = identity.safe_next(form.next.data)
    if current_user.is_authenticated:
        return redirect(onward or url_for("account.todo"))
    error = None
    if form.validate_on_submit():
        try:
            user = accounts.log_in(form.email.data, form.password.data, address=request.remote_addr)
        except DomainError as refused:
            error = refused
            form.refuse(error)
        else:
            identity.enter(user, remembered=form.remember.data)
            return redirect(onward or url_for("account.todo"))
    return shown("users/login.html", form, error, onward=onward)


@blueprint.post("/logout")
@login_required
def logout() -> Any:
    """Log out of this browser."""
    identity.leave()
    flash(_("You are logged out."), "success")
    return redirect("/")


@blueprint.route("/forgot", methods=["GET", "POST"])
@limiter.limit(MAILS, methods=["POST"])
def forgot() -> Any:
    """Ask for a link to choose a new password."""
    form = EmailForm()
    if form.validate_on_submit():
        accounts.forgot(form.email.data)
        return render_template("users/check_mail.html", email=form.email.data, forgotten=True)
    return shown("users/forgot.html", form)


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def reset(token: str) -> Any:
    """Choose a new password."""
    form = ResetForm()
    try:
        user, _facts = links.opened(Purpose.RESET, token)
        if form.validate_on_submit():
            accounts.reset(token, form.password.data)
            identity.leave()
            flash(_("Your new password is set. Log in with it."), "success")
            return redirect(url_for("users.login"))
    except LinkRefused as refused:
        return _stale(refused, forgotten=True)
    except DomainError as refused:
        form.refuse(refused)
    return shown("users/reset.html", form, email=user.email)


@blueprint.route("/new-email/<token>", methods=["GET", "POST"])
def new_email(token: str) -> Any:
    """Take a new address into use."""
    form = ConfirmForm()
    try:
        user, facts = links.opened(Purpose.NEW_EMAIL, token)
        if not form.validate_on_submit():
            return shown("users/confirm.html", form, email=facts["m"], name=user.name)
        user = profile.confirm_new_email(token)
    except LinkRefused as refused:
        return _stale(refused)
    except DomainError as refused:
        return _stale(LinkRefused(refused.message))
    flash(_("From now on we write to %(email)s.", email=user.email), "success")
    return redirect(url_for("account.profile" if current_user.is_authenticated else "users.login"))


def _stale(refused: LinkRefused, *, forgotten: bool = False) -> Any:
    return render_template("users/stale_link.html", message=refused.message, forgotten=forgotten), refused.status


@blueprint.get("/members/<int:user_id>", endpoint="profile")
def public_page(user_id: int) -> Any:
    """Show what anybody may know of a member."""
    before = people.mark(request.args.get("before"))
    member = people.public(user_id)
    listings, following = people.published_by(user_id, before=before)
    rows, older = reviews.about_member(user_id, current_user, people.mark(request.args.get("reviews")))
    return render_template(
        "users/member.html", neighbour=member, listings=listings, following=following, before=before, reviews=rows,
        older=older, stars=reviews.stars_of_member(user_id),
    )  # fmt: skip
