"""The pages of circles: one's own, the calendar, a moment, planning. Whoever does not belong to a circle finds nothing."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import DomainError, InvalidInput, clock, limiter, places
from plugins.sharing.circle import circle_calendar, circle_reads, circles, moments, neighbours, turns
from plugins.sharing.circle.circle_forms import AgainForm, CircleForm, HandOverForm, PlanForm
from plugins.sharing.circle.circle_models import ASKED, IN, KEEPER, Circle, CircleMember

blueprint = Blueprint("sharing_circles", __name__)


@blueprint.after_request
def keep_private(response: Response) -> Response:
    """What happens in a circle is nobody else's business."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def home(circle_id: int) -> str:
    """Give a circle's own address."""
    return url_for("sharing_circles.show", circle_id=circle_id)


@blueprint.get("/circles")
@login_required
def index() -> Any:
    """Show the circles one belongs to, and what one does next."""
    rows = circle_reads.mine(current_user.id)
    inside = [row for row in rows if row.state == IN]
    return render_template(
        "sharing/circles.html", inside=inside, asked=[row for row in rows if row.state == ASKED],
        missing=circle_reads.missing_soon([row.id for row in inside if row.closed_at is None]),
        turns=circle_reads.my_turns(current_user.id),
    )  # fmt: skip


@blueprint.route("/circles/new", methods=["GET", "POST"])
@login_required
@limiter.limit("20 per hour", methods=["POST"])
def new() -> Any:
    """Start a circle."""
    form = CircleForm(place=current_user.place)
    if form.validate_on_submit():
        try:
            circle = circles.start(current_user, form.said())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The circle is there. Now invite the others."), "success")
            return redirect(url_for("sharing_circle_people.people", circle_id=circle.id), 303)
    return _about(form, None)


def _about(form: CircleForm, circle: Circle | None) -> Any:
    page = render_template("sharing/circle_form.html", form=form, circle=circle, place_names=places.labels())
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.route("/circles/<int:circle_id>/edit", methods=["GET", "POST"])
@login_required
def edit(circle_id: int) -> Any:
    """Change what is said of a circle."""
    circle, _row = circles.of_member(circle_id, current_user)
    circles.require_keeper(circle, current_user)
    form = CircleForm(obj=circle)
    form.keep(circle.call_hours)
    if form.validate_on_submit():
        try:
            circles.change(circle_id, current_user, form.said())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(home(circle_id), 303)
    return _about(form, circle)


@blueprint.get("/circles/<int:circle_id>")
@login_required
def show(circle_id: int) -> Any:
    """Show a circle's calendar."""
    circle, row = circles.of_member(circle_id, current_user)
    sheet = circle_calendar.sheet(circle, request.args.get("month", ""))
    people = circle_reads.members(circle_id)
    return render_template(
        "sharing/circle.html", circle=circle, keeper=row.role == KEEPER, sheet=sheet,
        members=[one for one in people if one.state == IN], asking=sum(one.state == ASKED for one in people),
    )  # fmt: skip


@blueprint.route("/circles/<int:circle_id>/plan", methods=["GET", "POST"])
@login_required
@limiter.limit("60 per hour", methods=["POST"])
def plan(circle_id: int) -> Any:
    """Put something onto the calendar."""
    circle, _row = circles.of_member(circle_id, current_user)
    form = PlanForm()
    if request.method == "GET":
        form.suggest(circle.zone, clock.now())
    if form.validate_on_submit():
        try:
            task = moments.add(circle_id, current_user, form.plan())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("It is on the calendar."), "success")
            return redirect(url_for("sharing_circles.show", circle_id=circle_id, month=f"{task.first_day:%Y-%m}"), 303)
    page = render_template("sharing/circle_plan.html", form=form, circle=circle)
    return page, 422 if form.errors or form.form_errors else 200


def _seen(circle_id: int, moment_id: int) -> tuple[Circle, CircleMember, circle_reads.Moment]:
    circle, row = circles.of_member(circle_id, current_user)
    seen = circle_reads.one(circle_id, moment_id)
    if seen is None:
        raise circles.nothing_here()
    return circle, row, seen


def _here(circle_id: int, moment_id: int) -> str:
    return url_for("sharing_circles.moment", circle_id=circle_id, moment_id=moment_id)


@blueprint.get("/circles/<int:circle_id>/moments/<int:moment_id>")
@login_required
def moment(circle_id: int, moment_id: int) -> Any:
    """Show a moment: what is to be done, who comes, and what one can do."""
    circle, row, seen = _seen(circle_id, moment_id)
    form = HandOverForm()
    coming = {person.id for person in seen.people}
    members = [one for one in circle_reads.members(circle_id) if one.state == IN]
    form.offer([one for one in members if one.member_id not in coming])
    return render_template(
        "sharing/circle_moment.html", circle=circle, moment=seen, form=form, mine=seen.mine(current_user.id),
        offered=seen.offered(current_user.id), listing=circle_reads.listing_of(seen),
        may_plan=row.role == KEEPER or seen.made_by == current_user.id,
        askable=seen.starts_at > clock.now() + neighbours.LEAST_NOTICE,
        outsiders={person.id for person in seen.people if person.neighbour},
    )  # fmt: skip


@blueprint.post("/circles/<int:circle_id>/moments/<int:moment_id>/<any(join, withdraw, cancel, end, neighbours):act>")
@login_required
@limiter.limit("120 per hour")
def do(circle_id: int, moment_id: int, act: str) -> Any:
    """Sign up, give back, cancel, end the whole series, or ask the neighbours."""
    _circle, _row, seen = _seen(circle_id, moment_id)
    try:
        match act:
            case "join":
                turns.sign_up(circle_id, moment_id, current_user)
                flash(_("You are on it. Thank you!"), "success")
            case "withdraw":
                turns.withdraw(circle_id, moment_id, current_user)
                flash(_("You no longer come. The others see that somebody is missing."), "success")
            case "cancel":
                moments.cancel(circle_id, moment_id, current_user)
                flash(_("It is cancelled, and whoever would have come is told."), "success")
            case "end":
                moments.end(circle_id, seen.task_id, current_user)
                flash(_("It has ended: nothing more of it is to come."), "success")
            case _:
                neighbours.ask(circle_id, moment_id, current_user)
                flash(_("The neighbours are asked. Whoever answers you find on the page of the request."), "success")
    except DomainError as error:
        if error.status == 404:
            raise
        flash(error.message, "error")
    return redirect(_here(circle_id, moment_id), 303)


@blueprint.route("/circles/<int:circle_id>/moments/<int:moment_id>/ask-again", methods=["GET", "POST"])
@login_required
@limiter.limit("60 per hour", methods=["POST"])
def ask_again(circle_id: int, moment_id: int) -> Any:
    """Ask the neighbours once more after a request was closed, in the words of that one or in others."""
    circle, _row, seen = _seen(circle_id, moment_id)
    former = circle_reads.words_of(seen)
    if former is None:
        raise circles.nothing_here()
    form = AgainForm(obj=former)
    if form.validate_on_submit():
        try:
            neighbours.ask(
                circle_id, moment_id, current_user, title=form.title.data or "", body_md=form.body_md.data or ""
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The neighbours are asked. Whoever answers you find on the page of the request."), "success")
            return redirect(_here(circle_id, moment_id), 303)
    page = render_template("sharing/circle_ask_again.html", circle=circle, moment=seen, form=form)
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.post("/circles/<int:circle_id>/moments/<int:moment_id>/hand-over")
@login_required
@limiter.limit("60 per hour")
def hand_over(circle_id: int, moment_id: int) -> Any:
    """Ask another member to come instead."""
    _seen(circle_id, moment_id)
    form = HandOverForm()
    form.offer([one for one in circle_reads.members(circle_id) if one.state == IN])
    try:
        if not form.validate():
            raise InvalidInput({"to": _("Choose from the list.")})
        turns.offer(circle_id, moment_id, current_user, form.to.data)
        flash(_("They are asked. Until they say yes, you come."), "success")
    except DomainError as error:
        flash(error.message or _("Choose from the list."), "error")
    return redirect(_here(circle_id, moment_id), 303)


@blueprint.post("/circles/<int:circle_id>/moments/<int:moment_id>/places/<int:place_id>/<any(take, refuse):act>")
@login_required
def answer(circle_id: int, moment_id: int, place_id: int, act: str) -> Any:
    """Say yes or no to coming instead of somebody."""
    _seen(circle_id, moment_id)
    try:
        turns.answer(circle_id, moment_id, place_id, current_user, takes=act == "take")
        flash(_("You are on it. Thank you!") if act == "take" else _("It stays with who asked you."), "success")
    except DomainError as error:
        flash(error.message, "error")
    return redirect(_here(circle_id, moment_id), 303)
