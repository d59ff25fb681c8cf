"""The pages of help: asking and offering it, the help with its answers, answering, and saying thank you."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import (
    DomainError,
    agreements,
    clock,
    limiter,
    locator,
    looked_at,
    places,
    runtime,
    search,
)
from plugins.sharing import describing
from plugins.sharing.help import asking_again, help_answers, help_listings, help_reads, thanks
from plugins.sharing.help.help_forms import AnswerHelpForm, DescribeHelpForm, HelpForm, ThanksForm
from plugins.sharing.help.help_hooks import ASKED, OFFERED

blueprint = Blueprint("sharing_help", __name__)


PAGE = 24


@blueprint.get("/helping")
def index() -> Any:
    """Show the help that is asked or offered around, the nearest or the newest first."""
    kind = OFFERED if request.args.get("side") == "offered" else ASKED
    filters = search.Filters.read({**request.args.to_dict(), "kind": kind}, current_user)
    found = search.browse(filters, PAGE)
    return render_template(
        "sharing/helping.html", asked=kind == ASKED, filters=filters, found=found,
        next_url=_elsewhere(filters, after=found.next) if found.next else "",
        previous_url=_elsewhere(filters, before=found.previous) if found.previous else "",
    ), 422 if filters.errors else 200  # fmt: skip


def _elsewhere(filters: search.Filters, **changes: Any) -> str:
    parts: dict[str, Any] = filters.arguments(kind="", **changes)
    return url_for("sharing_help.index", side="offered" if filters.kind == OFFERED else None, **parts)


def address(listing_id: int, slug: str) -> str:
    """Give the help's own address."""
    return url_for("sharing_help.show", listing_id=listing_id, slug=slug)


@blueprint.route("/helping/ask", methods=["GET", "POST"])
@login_required
@limiter.limit("20 per hour", methods=["POST"])
def ask() -> Any:
    """Ask for help; sent off, it is public."""
    return _new(ASKED)


@blueprint.route("/helping/offer", methods=["GET", "POST"])
@login_required
@limiter.limit("20 per hour", methods=["POST"])
def offer() -> Any:
    """Offer help; sent off, it is public."""
    return _new(OFFERED)


def _new(kind: str) -> Any:
    zone = runtime().settings.timezone
    former = request.args.get("again", "")
    known = asking_again.suggestion(int(former), current_user) if former.isdecimal() and len(former) < 19 else {}
    form = HelpForm(asked=kind == ASKED, **({"place": current_user.place} | known))
    if request.method == "GET" and not known:
        form.suggest(zone, clock.now())
        form.title.data = request.args.get("title", "")[:120]
    if form.validate_on_submit():
        try:
            listing = help_listings.publish(
                kind, current_user, facts=form.facts(), when=form.when(zone), people=form.people.data or 0,
                first_come=bool(form.first_come.data), address=form.address.data or "",
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("It is out. You hear from us as soon as somebody answers."), "success")
            return redirect(address(listing.id, listing.slug), 303)
    return _form(form, kind, None)


def _form(form: DescribeHelpForm, kind: str, listing: Any) -> Any:
    page = render_template(
        "sharing/help_form.html", form=form, listing=listing, asked=kind == ASKED, place_names=places.labels()
    )
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.route("/helping/<int:listing_id>/edit", methods=["GET", "POST"])
@login_required
def edit(listing_id: int) -> Any:
    """Change what is said of help."""
    listing = help_listings.owned(listing_id, current_user)
    seen = help_reads.seen(listing_id, current_user)
    form = DescribeHelpForm(obj=listing, address=seen.row.address, people=seen.all, asked=seen.asked)
    if form.validate_on_submit():
        try:
            help_listings.change(
                listing_id, current_user, version=form.seen_version(), facts=form.facts(), people=form.people.data or 0,
                address=form.address.data or "",
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("listings.short", listing_id=listing_id), 303)
    return _form(form, listing.kind, listing)


@blueprint.get("/helping/<int:listing_id>-<slug>")
def show(listing_id: int, slug: str) -> Any:
    """Show help."""
    seen = help_reads.seen(listing_id, current_user)
    if slug != seen.listing.slug:
        return redirect(address(listing_id, seen.listing.slug), 301)
    looked_at(current_user, listing_id)
    return _page(seen, _answer_form(seen))


def _answer_form(seen: help_reads.Seen) -> AnswerHelpForm | None:
    """Give the form for an answer to those who may answer now."""
    if not current_user.is_authenticated or seen.is_owner or not seen.is_open or not seen.left or seen.standing:
        return None
    return AnswerHelpForm()


def _page(seen: help_reads.Seen, form: AnswerHelpForm | None) -> Any:
    page = render_template(
        "sharing/help.html", seen=seen, listing=seen.listing, row=seen.row, form=form, map=locator.drawn(seen.listing),
        again=asking_again.offered(seen.listing, seen.row) if seen.is_owner else None,
    )  # fmt: skip
    return page, 422 if form is not None and (form.errors or form.form_errors) else 200


@blueprint.post("/helping/<int:listing_id>/answer")
@login_required
@limiter.limit("30 per hour")
def answer(listing_id: int) -> Any:
    """Answer help asked or offered, and go on to the agreement."""
    seen = help_reads.seen(listing_id, current_user)
    form = _answer_form(seen)
    if form is None:
        flash(_("This takes no answers any more."), "warning")
        return redirect(address(listing_id, seen.listing.slug), 303)
    if form.validate():
        try:
            agreement = help_answers.answer(listing_id, current_user, form.words.data or "")
        except DomainError as error:
            form.refuse(error)
        else:
            agreed = agreement.state == "agreed"
            flash(_("It is agreed. See you then!") if agreed else _("Your answer has been sent. Thank you!"), "success")
            return redirect(url_for("agreements.show", agreement_id=agreement.id), 303)
    return _page(help_reads.seen(listing_id, current_user), form)


@blueprint.post("/helping/<int:listing_id>/end")
@login_required
def end(listing_id: int) -> Any:
    """Take help back; what was agreed stands."""
    listing = help_listings.owned(listing_id, current_user)
    describing.end(listing, _("It is closed. Whoever waited for an answer is thanked; what was agreed stands."))
    return redirect(address(listing.id, listing.slug), 303)


@blueprint.post("/helping/<int:listing_id>/again")
@login_required
@limiter.limit("20 per hour")
def again(listing_id: int) -> Any:
    """Ask once more for help that nobody gave, in the same words."""
    former = help_listings.owned(listing_id, current_user)
    try:
        listing = asking_again.ask(listing_id, current_user)
    except DomainError as error:
        flash(error.message, "error")
        return redirect(address(former.id, former.slug), 303)
    flash(_("It is out. You hear from us as soon as somebody answers."), "success")
    return redirect(address(listing.id, listing.slug), 303)


@blueprint.route("/helping/agreements/<int:agreement_id>/thanks", methods=["GET", "POST"])
@login_required
def thank(agreement_id: int) -> Any:
    """Say thank you."""
    agreement = thanks.to_thank(agreement_id, current_user)
    form = ThanksForm()
    if form.validate_on_submit():
        try:
            thanks.give(agreement_id, current_user, form.words.data or "")
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Your thanks are on their way."), "success")
            return redirect(url_for("agreements.show", agreement_id=agreement_id), 303)
    title = agreements.title_of(agreement)
    page = render_template("sharing/help_thanks.html", form=form, agreement=agreement, title=title)
    return page, 422 if form.errors or form.form_errors else 200
