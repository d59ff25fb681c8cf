"""The pages around who belongs to a circle: members, invitations, joining, leaving, closing, and each member's feed."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import DomainError, Forbidden, Form, limiter, runtime
from plugins.sharing.circle import circle_feeds, circle_reads, circles, invitations
from plugins.sharing.circle.circle_forms import InviteForm
from plugins.sharing.circle.circle_models import ASKED, IN, KEEPER
from plugins.sharing.circle.circle_views import home

blueprint = Blueprint("sharing_circle_people", __name__)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """What happens in a circle is nobody else's business."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _people(circle_id: int) -> str:
    return url_for("sharing_circle_people.people", circle_id=circle_id)


def _absolute(path: str) -> str:
    return f"{runtime().settings.base_url.rstrip('/')}{path}"


@blueprint.route("/circles/<int:circle_id>/people", methods=["GET", "POST"])
@login_required
@limiter.limit("30 per hour", methods=["POST"])
def people(circle_id: int) -> Any:
    """Show who belongs to a circle; keepers invite by mail here."""
    circle, row = circles.of_member(circle_id, current_user)
    form = InviteForm()
    if form.validate_on_submit():
        try:
            invitations.invite(circle_id, current_user, form.email.data or "")
        except Forbidden:
            raise
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The invitation is on its way."), "success")
            return redirect(_people(circle_id), 303)
    found = circle_reads.members(circle_id)
    keeper = row.role == KEEPER
    page = render_template(
        "sharing/circle_people.html", circle=circle, keeper=keeper, form=form,
        members=[one for one in found if one.state == IN], asking=[one for one in found if one.state == ASKED],
        invited=invitations.open_of(circle_id) if keeper else (),
        join_url=_absolute(invitations.path(circle.link_token)) if keeper else "",
        keepers=sum(one.role == KEEPER for one in found),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.post("/circles/<int:circle_id>/people/<int:member_id>/<any(welcome, refuse, keeper, member, remove):act>")
@login_required
def change(circle_id: int, member_id: int, act: str) -> Any:
    """Let somebody in or not, make a keeper, or take somebody out."""
    circles.of_member(circle_id, current_user)
    try:
        circles.move(circle_id, member_id, current_user, act)
        flash(_("Done."), "success")
    except DomainError as error:
        if error.status in (403, 404):
            raise
        flash(error.message, "error")
    return redirect(_people(circle_id), 303)


@blueprint.post("/circles/<int:circle_id>/people/link")
@login_required
def renew_link(circle_id: int) -> Any:
    """Make another invitation link."""
    circles.of_member(circle_id, current_user)
    circles.renew_link(circle_id, current_user)
    flash(_("There is a new link. The old one leads nowhere now."), "success")
    return redirect(_people(circle_id), 303)


@blueprint.post("/circles/<int:circle_id>/invitations/<int:invitation_id>/remove")
@login_required
def take_back(circle_id: int, invitation_id: int) -> Any:
    """Take an invitation back."""
    circles.of_member(circle_id, current_user)
    invitations.take_back(circle_id, invitation_id, current_user)
    flash(_("The invitation has been taken back."), "success")
    return redirect(_people(circle_id), 303)


@blueprint.route("/circles/join/<token>", methods=["GET", "POST"])
@limiter.limit("60 per hour")
@limiter.limit("20 per hour", methods=["POST"])
def join(token: str) -> Any:
    """Join by a secret address, or ask to; guests are shown the way in."""
    way = invitations.find(token)
    if not current_user.is_authenticated:
        return render_template("sharing/circle_join.html", way=way, known=None, form=None)
    known = circles.membership(way.circle.id, current_user.id)
    if known is not None and known.state == IN:
        return redirect(home(way.circle.id))
    form = Form()
    if form.validate_on_submit():
        try:
            row = invitations.join(token, current_user)
        except DomainError as error:
            form.refuse(error)
        else:
            inside = row.state == IN
            flash(_("Welcome!") if inside else _("A keeper of the circle is asked. You hear of it."), "success")
            return redirect(home(way.circle.id) if inside else url_for("sharing_circles.index"), 303)
    page = render_template("sharing/circle_join.html", way=way, known=known, form=form)
    return page, 422 if form.form_errors else 200


@blueprint.route("/circles/<int:circle_id>/<any(leave, close):act>", methods=["GET", "POST"])
@login_required
def end(circle_id: int, act: str) -> Any:
    """Ask once more, and leave a circle, or close it for everybody."""
    circle, _row = circles.of_member(circle_id, current_user)
    if act == "close":
        circles.require_keeper(circle, current_user)
    form = Form()
    if form.validate_on_submit():
        try:
            (circles.leave if act == "leave" else circles.close)(circle_id, current_user)
        except DomainError as error:
            flash(error.message, "error")
            return redirect(_people(circle_id), 303)
        flash(_("You have left the circle.") if act == "leave" else _("The circle is closed."), "success")
        return redirect(url_for("sharing_circles.index"), 303)
    return render_template("sharing/circle_end.html", circle=circle, act=act)


@blueprint.route("/circles/<int:circle_id>/feed", methods=["GET", "POST"])
@login_required
@limiter.limit("20 per hour", methods=["POST"])
def feed_address(circle_id: int) -> Any:
    """Show the address of one's own feed; sent off, it gets another one."""
    circle, _row = circles.of_member(circle_id, current_user)
    if circle.closed_at is not None:
        raise circles.nothing_here()
    token = circle_feeds.token_of(circle_id, current_user, renew=request.method == "POST")
    if request.method == "POST":
        flash(_("The feed has a new address. The old one leads nowhere now."), "success")
        return redirect(url_for("sharing_circle_people.feed_address", circle_id=circle_id), 303)
    address = _absolute(url_for("sharing_circle_people.feed", token=token))
    return render_template("sharing/circle_feed.html", circle=circle, address=address)


@blueprint.get("/circles/calendar/<token>.ics")
@limiter.limit("60 per minute; 600 per hour")  # one address may be a service that reads the calendars of many members
def feed(token: str) -> Response:
    """Give the feed to whoever knows its address."""
    return Response(circle_feeds.feed(token), mimetype="text/calendar")
