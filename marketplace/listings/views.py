"""The pages of listings: looking at one, offering one, and telling the operators about one."""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace import access
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.extensions import limiter
from marketplace.listings import acts, locator, pictures, reports, service
from marketplace.listings.categories import category
from marketplace.listings.forms import RemoveForm, ReportForm
from marketplace.listings.models import Listing
from marketplace.listings.sizes import picture_url, preview_url
from marketplace.runtime import listing_kind, runtime
from marketplace.users.models import User

blueprint = Blueprint("listings", __name__)


def address(listing: Listing) -> str:
    """Give the address of a listing's own page, whatever its kind; the core's page while its plugin is off."""
    kind = listing_kind(listing.kind)
    return url_for(kind.endpoint if kind else "listings.show", listing_id=listing.id, slug=listing.slug)


def formed(template: str, form: Any, error: DomainError | None = None, **context: Any) -> Response:
    """Show a form, with status 422 when something in it was refused."""
    if error is not None:
        form.refuse(error)
    failed = bool(form.errors or form.form_errors)
    return make_response(render_template(template, form=form, **context), 422 if failed else 200)


@blueprint.get("/listings/new")
def new() -> Any:
    """Let a member choose what kind of thing to offer; with one kind only there is no choice."""
    kinds = [kind for kind in runtime().registry.listing_kinds.values() if kind.new_endpoint]
    if len(kinds) == 1:
        return redirect(url_for(kinds[0].new_endpoint or ""))
    return render_template("listings/new.html", kinds=kinds)


@blueprint.get("/listings/<int:listing_id>")
def short(listing_id: int) -> Response:
    """Lead from the number alone to the whole address."""
    return redirect(address(service.visible(listing_id, current_user)))  # type: ignore[return-value]


@blueprint.get("/listings/<int:listing_id>-<slug>")
def show(listing_id: int, slug: str) -> Any:
    """Show a listing; kinds with a page of their own are led there, a kind that is off says so."""
    listing = service.visible(listing_id, current_user)
    kind = listing_kind(listing.kind)
    if kind is None:
        return render_template("listings/off.html", listing=listing), 404
    if kind.endpoint != "listings.show" or slug != listing.slug:
        return redirect(address(listing))
    acts.member_acted(current_user, "looked", listing)
    return render_template("listings/show.html", **shown(listing))


@blueprint.get("/<word>/<int:listing_id>-<slug>")
def switched_off(word: str, listing_id: int, slug: str) -> Any:
    """Answer where a kind's own page used to be while its plugin is off; a plugin's mounted page comes before this one."""
    listing = service.visible(listing_id, current_user)
    if slug != listing.slug or listing_kind(listing.kind) is not None:
        abort(404)
    return render_template("listings/off.html", listing=listing), 404


def shown(listing: Listing) -> dict[str, Any]:
    """Give what a listing's page shows, its owner and pictures by one statement each."""
    ready = [each for each in pictures.of(listing.id) if each.state != "refused"]
    owner = db.session.get(User, listing.owner_id)
    mine = access.may(current_user, "listing.edit", listing)
    return {
        "listing": listing,
        "kind": listing_kind(listing.kind),
        "category": category(listing.category),
        "owner": owner,
        "pictures": [each for each in ready if each.state == "ready"],
        "waiting": len([each for each in ready if each.state == "uploaded"]),
        "picture_url": picture_url,
        "preview": preview_url(listing.cover_key) if listing.cover_key else "",
        "map": locator.drawn(listing),
        "mine": mine,
        "problems": service.problems(listing) if mine and listing.state != "published" else [],
        "may_close": access.may(current_user, "listing.close", listing),
        "may_remove": access.may(current_user, "listing.remove", listing),
        "may_report": access.may(current_user, "listing.report", listing),
        "message_url": message_url(listing),
    }


def message_url(listing: Listing) -> str:
    """Give where a person writes to the owner, or "" where messages are not mounted."""
    if "messages.ask" not in current_app.view_functions:
        return ""
    return url_for("messages.ask", listing_id=listing.id)


@blueprint.post("/listings/<int:listing_id>/<any(publish, close, reopen):act>")
@login_required
def change(listing_id: int, act: str) -> Any:
    """Publish, close or reopen; what is missing is said on the page that the owner came from."""
    act_of = {"publish": service.publish, "close": service.close, "reopen": service.reopen}[act]
    done = {
        "publish": _("It is published. People can find it now."),
        "close": _("It is closed. People no longer find it."),
        "reopen": _("It is open again."),
    }[act]
    try:
        listing = act_of(listing_id, actor=current_user)
    except service.NotReady as problem:
        for text in problem.problems:
            flash(text, "warning")
        return redirect(address(service.visible(listing_id, current_user)))
    flash(done, "success")
    return redirect(address(listing))


@blueprint.route("/listings/<int:listing_id>/report", methods=["GET", "POST"])
@limiter.limit("10 per hour", methods=["POST"])
def report(listing_id: int) -> Any:
    """Tell the operators that something is wrong."""
    listing = service.visible(listing_id, current_user)
    access.require(current_user, "listing.report", listing)
    form = ReportForm()
    error = None
    if form.validate_on_submit():
        try:
            reports.report(listing_id, reporter=current_user, reason=form.reason.data, note=form.note.data or "")
        except DomainError as refused:
            error = refused
        else:
            flash(_("Thank you. The operators will look at it."), "success")
            return redirect(address(listing))
    return formed("listings/report.html", form, error, listing=listing, back=address(listing))


@blueprint.route("/listings/<int:listing_id>/remove", methods=["GET", "POST"])
@login_required
def remove(listing_id: int) -> Any:
    """Take a listing off the site as an operator."""
    listing = service.visible(listing_id, current_user)
    access.require(current_user, "listing.remove", listing)
    if listing.state == "removed":
        abort(404)
    form = RemoveForm()
    if form.validate_on_submit():
        service.remove(listing_id, actor=current_user, reason=form.reason.data)
        flash(_("It is removed, and its owner is told why."), "success")
        return redirect(address(listing))
    return formed("listings/remove.html", form, listing=listing, back=address(listing), origin=request.referrer)
