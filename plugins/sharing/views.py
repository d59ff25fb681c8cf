"""The public pages of items: all of them, and one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from marketplace.api import NotFound, listings, looked_at

blueprint = Blueprint("sharing", __name__, template_folder="templates")


def address(listing_id: int, slug: str) -> str:
    """Give an item's own address."""
    return url_for("sharing.item", listing_id=listing_id, slug=slug)


@blueprint.get("/items")
def index() -> Response:
    """Lead to the search over all items."""
    return redirect(url_for("discover.browse", kind="item"))


@blueprint.get("/items/<int:listing_id>-<slug>")
def item(listing_id: int, slug: str) -> Any:
    """Show an item; drafts only to those who may see them."""
    listing = listings.visible(listing_id, current_user)
    if listing.kind != "item":
        raise NotFound(_("This page does not exist, or is not for you."))
    if slug != listing.slug:
        return redirect(address(listing_id, listing.slug), 301)
    looked_at(current_user, listing_id)
    return render_template("sharing/item.html", listing=listing)


@blueprint.get("/items/new")
@login_required
def new() -> Any:
    """Lead to where a listing is started."""
    return redirect(url_for("home.index"))


@blueprint.get("/items/<int:listing_id>/manage")
@login_required
def manage(listing_id: int) -> Any:
    """Lead an owner to the item."""
    listing = listings.visible(listing_id, current_user)
    return redirect(address(listing_id, listing.slug))
