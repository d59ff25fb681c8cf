"""The pages with which an owner writes a notice, changes it and looks after its pictures."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace import access
from marketplace.errors import Conflict, DomainError, InvalidInput, NotFound
from marketplace.listings import pictures, places, service
from marketplace.listings.forms import AltForm, MoveForm, NoticeForm, UploadForm
from marketplace.listings.models import Listing
from marketplace.listings.sizes import picture_url
from marketplace.listings.views import address, blueprint, formed
from marketplace.runtime import listing_kind

NOTICE = "notice"

__all__ = ["blueprint"]


def own(listing_id: int) -> Listing:
    """Give a listing that the member may change; raises NotFound for others, since a draft's existence is private."""
    listing = service.visible(listing_id, current_user)
    if not access.may(current_user, "listing.edit", listing):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing


@blueprint.route("/listings/new/notice", methods=["GET", "POST"])
@login_required
def new_notice() -> Any:
    """Write a notice; it becomes a draft, and its page shows how others will see it."""
    form = NoticeForm(place=current_user.place)
    error = None
    if form.validate_on_submit():
        try:
            listing = service.create_draft(NOTICE, owner=current_user, **form.facts())
        except DomainError as refused:
            error = refused
        else:
            add_all(listing.id, form.uploads())
            return redirect(address(listing))
    return formed("listings/edit.html", form, error, listing=None, place_names=places.labels())


@blueprint.route("/listings/<int:listing_id>/edit", methods=["GET", "POST"])
@login_required
def edit(listing_id: int) -> Any:
    """Change a notice; kinds with a form of their own are led there."""
    listing = own(listing_id)
    kind = listing_kind(listing.kind)
    if kind is not None and kind.edit_endpoint not in (None, "listings.edit"):
        return redirect(url_for(kind.edit_endpoint or "", listing_id=listing.id))
    form = NoticeForm(obj=listing, price=listing.price_minor)
    error: DomainError | None = None
    if form.validate_on_submit():
        try:
            listing = service.update(listing_id, actor=current_user, version=form.seen_version(), **form.facts())
        except service.NotReady as refused:
            error = refused
        except (Conflict, InvalidInput) as refused:
            error = refused
            if isinstance(refused, Conflict):  # saving once more then means it
                form.version.data = str(service.visible(listing_id, current_user).version)
        else:
            add_all(listing.id, form.uploads())
            flash(_("Saved."), "success")
            return redirect(address(listing))
    return formed("listings/edit.html", form, error, listing=listing, place_names=places.labels())


def add_all(listing_id: int, uploads: list[bytes]) -> bool:
    """Take several uploads in; what is refused is said in a message, and the rest is kept."""
    fine = True
    for data in uploads:
        try:
            pictures.add(listing_id, actor=current_user, data=data)
        except DomainError as refused:
            fine = False
            flash(refused.message, "warning")
    return fine


@blueprint.route("/listings/<int:listing_id>/pictures", methods=["GET", "POST"])
@login_required
def pictures_page(listing_id: int) -> Any:
    """Add pictures, describe them, put them in order, delete them."""
    listing = own(listing_id)
    form = UploadForm()
    error: DomainError | None = None
    if form.validate_on_submit():
        uploads = [each.read() for each in form.pictures.data or () if hasattr(each, "read")]
        uploads = [data for data in uploads if data]
        if not uploads:
            error = InvalidInput({"pictures": _("Choose a picture first.")})
        try:
            for data in uploads:
                pictures.add(listing_id, actor=current_user, data=data)
        except DomainError as refused:
            error = refused
        if error is None:
            flash(_("Thank you. The pictures will be there in a moment."), "success")
            return redirect(request.path)
    return formed(
        "listings/pictures.html",
        form,
        error,
        listing=listing,
        pictures=pictures.of(listing_id),
        picture_url=picture_url,
        back=address(listing),
    )


@blueprint.post("/listings/<int:listing_id>/pictures/<int:picture_id>/<any(describe, move, delete):act>")
@login_required
def picture_change(listing_id: int, picture_id: int, act: str) -> Any:
    """Describe, move or delete one picture."""
    own(listing_id)
    if act == "describe":
        form = AltForm()
        pictures.describe(picture_id, actor=current_user, alt=form.alt.data or "")
        flash(_("Saved."), "success")
    elif act == "move":
        pictures.move(picture_id, actor=current_user, to=MoveForm().to.data or 0)
    else:
        pictures.delete(picture_id, actor=current_user)
        flash(_("The picture is gone."), "success")
    return redirect(url_for("listings.pictures_page", listing_id=listing_id))
