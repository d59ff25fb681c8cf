"""The member's own pages: what waits, what is theirs, and everything about the account."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.errors import DomainError, NotFound
from marketplace.extensions import limiter
from marketplace.hooks.types import Obstacle
from marketplace.lifecycle import Role
from marketplace.listings import places
from marketplace.locale import way_back
from marketplace.notifications import choices
from marketplace.notifications.kinds import GROUPS
from marketplace.runtime import runtime
from marketplace.users import closing, export, identity, people, profile, sessions, todo
from marketplace.users.forms import CloseForm, MailChoicesForm, NewEmailForm, PasswordForm, ProfileForm
from marketplace.users.models import User
from marketplace.users.profile import Profile
from marketplace.users.views import shown

blueprint = Blueprint("account", __name__, url_prefix="/account")


def me() -> User:
    """Give the logged-in member itself, not the stand-in that flask-login offers."""
    user: User = current_user._get_current_object()
    return user


@blueprint.before_request
@login_required
def only_for_members() -> None:
    """Every page here is somebody's own."""


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What is somebody's own does not stay behind in a shared browser."""
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("", endpoint="todo")
def waiting() -> Any:
    """Show what waits for the member."""
    return render_template("account/todo.html", items=todo.items(me()))


@blueprint.get("/listings")
def listings() -> Any:
    """List what the member shares."""
    before = people.mark(request.args.get("before"))
    rows, following = people.listings_of(me().id, before=before)
    kinds = [kind for kind in runtime().registry.listing_kinds.values() if kind.new_endpoint]
    return render_template("account/listings.html", rows=rows, following=following, before=before, kinds=kinds)


@blueprint.get("/agreements")
def agreements() -> Any:
    """List what the member agreed on, as the one who took part or as the owner."""
    role = Role.OWNER if request.args.get("role") == "owner" else Role.MEMBER
    before = people.mark(request.args.get("before"))
    rows, following = people.agreements_of(me().id, role, before=before)
    return render_template("account/agreements.html", rows=rows, following=following, before=before, role=str(role))


@blueprint.route("/profile", methods=["GET", "POST"], endpoint="profile")
def own_profile() -> Any:
    """Change what others see."""
    form = ProfileForm(obj=me())
    if form.validate_on_submit():
        facts = Profile(
            name=form.name.data or "",
            about=form.about.data or "",
            place=form.place.data or "",
            lat=form.lat.data,
            lon=form.lon.data,
            locale=form.locale.data,
        )
        try:
            user = profile.update(me().id, facts)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            if user.place and user.lat is None:
                flash(_("We don't know this place. Add coordinates to see what is near it."), "warning")
            return redirect(url_for("account.profile"))
    return shown("account/profile.html", form, places=places.labels())


@blueprint.post("/language/<code>")
def language(code: str) -> Any:
    """Choose the language of pages and mails with one press, and stay on the page."""
    profile.choose_language(me().id, code)
    return redirect(way_back(request.form.get("next")))


@blueprint.route("/password", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def password() -> Any:
    """Change the password; every other browser is logged out."""
    form = PasswordForm()
    error = None
    if form.validate_on_submit():
        user = me()
        remembered = sessions.is_remembered(user.session_id)
        try:
            profile.change_password(user, form.present.data, form.password.data, address=request.remote_addr)
        except DomainError as refused:
            error = refused
            form.refuse(error)
        else:
            identity.enter(user, remembered=remembered)
            flash(_("Your password is changed, and other devices are logged out."), "success")
            return redirect(url_for("account.profile"))
    return shown("account/password.html", form, error)


@blueprint.route("/email", methods=["GET", "POST"])
@limiter.limit("5 per minute; 30 per hour", methods=["POST"])
def email() -> Any:
    """Ask for another address; it is used from the moment it is confirmed."""
    form = NewEmailForm()
    error = None
    if form.validate_on_submit():
        try:
            new = profile.ask_new_email(me(), form.password.data, form.email.data, address=request.remote_addr)
        except DomainError as refused:
            error = refused
            form.refuse(error)
        else:
            flash(_("We sent a link to %(email)s. Open it to use the new address.", email=new), "success")
            return redirect(url_for("account.profile"))
    return shown("account/email.html", form, error)


@blueprint.get("/sessions", endpoint="sessions")
def devices() -> Any:
    """List where the member is logged in."""
    found = [(device, *sessions.describe(device.user_agent)) for device in sessions.devices(me())]
    return render_template("account/sessions.html", devices=found, here=me().session_id)


@blueprint.post("/sessions/<int:session_id>/end")
def end_session(session_id: int) -> Any:
    """End one of the member's own sessions."""
    if session_id == me().session_id:
        identity.leave()
        return redirect(url_for("users.login"))
    if not sessions.end(me(), session_id):
        raise NotFound(_("You are not logged in there any more."))
    flash(_("That device is logged out."), "success")
    return redirect(url_for("account.sessions"))


@blueprint.post("/sessions/end-others")
def end_other_sessions() -> Any:
    """End every session but this one."""
    sessions.end_all(me().id, but=me().session_id)
    flash(_("All other devices are logged out."), "success")
    return redirect(url_for("account.sessions"))


@blueprint.route("/notifications", methods=["GET", "POST"])
def notifications() -> Any:
    """Choose, heading by heading, which notifications also come by mail."""
    form = MailChoicesForm(groups=choices.wanted(me().id))
    form.groups.choices = [(name, label) for name, (label, _help) in GROUPS.items()]
    if form.validate_on_submit():
        choices.choose(me().id, form.groups.data or ())
        flash(_("Saved."), "success")
        return redirect(url_for("account.notifications"))
    return shown("account/notifications.html", form, groups=GROUPS)


@blueprint.get("/data")
@limiter.limit("20 per hour")
def data() -> Any:
    """Give the member everything that is kept about them, as a file."""
    text = json.dumps(export.everything(me()), ensure_ascii=False, indent=1, default=str)
    answer = Response(text, mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="my-data-{me().id}.json"'
    return answer


@blueprint.route("/close", methods=["GET", "POST"])
@limiter.limit("10 per minute", methods=["POST"])
def close() -> Any:
    """Close the account for good."""
    form = CloseForm()
    error = None
    found: Sequence[Obstacle] = closing.obstacles(me().id)
    if form.validate_on_submit() and not found:
        try:
            closing.close(me(), form.password.data, address=request.remote_addr)
        except closing.NotYet as refused:
            found = refused.obstacles
        except DomainError as refused:
            error = refused
            form.refuse(error)
        else:
            identity.leave()
            return render_template("account/closed.html")
    answer = shown("account/close.html", form, error, obstacles=found)
    if found and request.method == "POST":
        answer.status_code = closing.NotYet.status
    return answer
