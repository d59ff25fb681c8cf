"""The front page: what is near, what plugins add, the categories, and how it works."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_login import current_user

from marketplace.listings.categories import worded
from marketplace.runtime import decide
from marketplace.search import Filters, browse
from marketplace.search.filters import NEAR, USUAL_RADIUS_KM, home_origin

NEAR_CARDS = 8
SHOWN_CATEGORIES = 12

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
def index() -> str:
    """Show the front page to guests and members alike."""
    origin = home_origin(current_user)
    near = Filters(sort=NEAR, radius=USUAL_RADIUS_KM, origin=origin)
    found = browse(near, limit=NEAR_CARDS)
    ranked = decide("rank_listings", listings=found.cards, viewer=current_user, purpose="home")
    return render_template(
        "home/index.html",
        cards=ranked[0] if ranked else found.cards,
        found=found,
        near=near,
        origin=origin,
        categories=worded()[:SHOWN_CATEGORIES],
    )
