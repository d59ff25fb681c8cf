"""The pages of meals: offering portions, the meal with its orders, and ordering."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from marketplace.api import (
    DomainError,
    clock,
    db,
    limiter,
    locator,
    looked_at,
    places,
    runtime,
)
from plugins.sharing import describing
from plugins.sharing.meal import meal_reads, meals, order_describe, order_money, orders
from plugins.sharing.meal.meal_forms import DescribeMealForm, MealForm, OrderForm
from plugins.sharing.meal.meal_models import Meal, Order

blueprint = Blueprint("sharing_meals", __name__)


@blueprint.get("/meals")
def index() -> Response:
    """Lead to the search over all meals."""
    return redirect(url_for("discover.browse", kind="meal"))


def address(listing_id: int, slug: str) -> str:
    """Give a meal's own address."""
    return url_for("sharing_meals.show", listing_id=listing_id, slug=slug)


@blueprint.route("/meals/new", methods=["GET", "POST"])
@login_required
@limiter.limit("20 per hour", methods=["POST"])
def new() -> Any:
    """Offer portions; sent off, they can be ordered."""
    zone = runtime().settings.timezone
    form = MealForm(place=current_user.place)
    if not meals.priced() and not form.price.typed:  # a price that was typed is refused beside its field, never dropped
        del form.price
    if request.method == "GET":
        form.suggest(zone, clock.now())
    if form.validate_on_submit():
        try:
            listing = meals.offer(current_user, facts=form.facts(), portions=form.offered(zone))
        except DomainError as error:
            form.refuse(error)
        else:
            form.add_pictures(listing.id)
            flash(_("Your portions can be ordered now."), "success")
            return redirect(address(listing.id, listing.slug), 303)
    return _form(form, None)


def _form(form: DescribeMealForm, listing: Any) -> Any:
    page = render_template(
        "sharing/meal_form.html", form=form, listing=listing, place_names=places.labels(), most=meals.ceiling()
    )
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.route("/meals/<int:listing_id>/edit", methods=["GET", "POST"])
@login_required
def edit(listing_id: int) -> Any:
    """Change what is said of a meal."""
    listing = meals.owned(listing_id, current_user)
    meal = db.session.get_one(Meal, listing_id)
    form = DescribeMealForm(
        obj=listing, address=meal.address, portions=meal.portions, allergens=meal.allergens, named=True
    )
    if form.validate_on_submit():
        try:
            meals.change(
                listing_id, current_user, version=form.seen_version(), facts=form.facts(), portions=form.portions.data or 0,
                allergens=form.allergens.data or [], address=form.address.data or "",
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("listings.short", listing_id=listing_id), 303)
    return _form(form, listing)


@blueprint.get("/meals/<int:listing_id>-<slug>")
def show(listing_id: int, slug: str) -> Any:
    """Show a meal."""
    seen = meal_reads.seen(listing_id, current_user)
    if slug != seen.listing.slug:
        return redirect(address(listing_id, seen.listing.slug), 301)
    looked_at(current_user, listing_id)
    form = _order_form(seen)
    if form is not None:
        form.nonce.data = secrets.token_urlsafe(18)
    return _page(seen, form)


def _order_form(seen: meal_reads.Seen) -> OrderForm | None:
    """Give the form for an order to those who may order now."""
    if not current_user.is_authenticated or seen.is_cook or not seen.is_open or not seen.meal.left:
        return None
    form = OrderForm()
    form.offer(seen.meal.left)
    return form


def _page(seen: meal_reads.Seen, form: OrderForm | None) -> Any:
    page = render_template(
        "sharing/meal.html", seen=seen, listing=seen.listing, meal=seen.meal, form=form, map=locator.drawn(seen.listing),
        pictures=meal_reads.pictures(seen.listing), allergens=order_describe.allergens(seen.meal.allergens),
    )  # fmt: skip
    return page, 422 if form is not None and (form.errors or form.form_errors) else 200


@blueprint.post("/meals/<int:listing_id>/order")
@login_required
@limiter.limit("30 per minute")
def order(listing_id: int) -> Any:
    """Order portions, and go on to the payment or to the order."""
    seen = meal_reads.seen(listing_id, current_user)
    form = _order_form(seen)
    if form is None:
        flash(_("Portions can't be ordered any more."), "warning")
        return redirect(address(listing_id, seen.listing.slug), 303)
    if form.validate():
        try:
            agreement = orders.place(listing_id, current_user.id, form.count.data, form.nonce.data or "")
        except DomainError as error:
            form.refuse(error)
        else:
            path = (
                order_money.pay_path(db.session.get_one(Order, agreement.id)) if agreement.state == "ordered" else None
            )
            return redirect(path or url_for("agreements.show", agreement_id=agreement.id), 303)
    again = meal_reads.seen(listing_id, current_user)
    return _page(again, form)


@blueprint.post("/meals/<int:listing_id>/end")
@login_required
def end(listing_id: int) -> Any:
    """Take no more orders; those that were placed stand."""
    listing = meals.owned(listing_id, current_user)
    describing.end(listing, _("Nobody can order any more. What was ordered stands."))
    return redirect(address(listing.id, listing.slug), 303)
