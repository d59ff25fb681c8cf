"""The lender's pages: starting an item, what is said of it, its rules, and its units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import DomainError, clock, listing_pictures, listings, places
from plugins.sharing.item import bundle_views, condition_views, item_reads, items, units
from plugins.sharing.item.item_forms import WAYS, DescribeForm, NewItemForm, RulesForm, UnitForm
from plugins.sharing.item.item_models import Item
from plugins.sharing.item.views import address, blueprint
from plugins.sharing.price import price_lists, price_words
from plugins.sharing.price.tariff_views import NAMES
from plugins.sharing.slot import availability_views, hours_text, months

NOTES = {key: words[1] for key, words in WAYS.items()}


def page(template: str, form: Any, **context: Any) -> tuple[str, int]:
    """Show a form, with status 422 when something in it was refused."""
    return render_template(template, form=form, **context), 422 if form.errors or form.form_errors else 200


@blueprint.route("/items/new", methods=["GET", "POST"])
@login_required
def new() -> Any:
    """Start an item: one page, and it can be published."""
    form = NewItemForm(place=current_user.place)
    if form.validate_on_submit():
        try:
            listing = items.create(
                current_user, facts=form.facts(), arrangement=form.arrangement.data or "", price_minor=form.price.data,
                address=form.address.data or "",
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            form.add_pictures(listing.id)
            return redirect(url_for("sharing.manage", listing_id=listing.id), 303)
    return page("sharing/new.html", form, notes=NOTES, place_names=places.labels())


@blueprint.get("/items/<int:listing_id>/manage")
@login_required
def manage(listing_id: int) -> Any:
    """Show the lender's own page: what is missing, and everything that can be changed."""
    listing, item = items.managed(listing_id, current_user)
    names = [long for _short, long in months.weekdays()]
    return render_template(
        "sharing/manage.html",
        listing=listing,
        item=item,
        problems=listings.problems(listing) if listing.state == "draft" else [],
        units=units.units_of(listing_id),
        rules=item_reads.rule_lines(item),
        week=item_reads.week_lines(listing_id, names),
        days=item_reads.exceptions(listing_id, item.zone),
        shown=hours_text.shown,
        prices=_price_lines(item, price_lists.all_current(listing_id)),
        upcoming=item_reads.upcoming(listing_id),
        now=clock.now(),
        picture_count=len(listing_pictures.of(listing_id)),
    )


def _price_lines(item: Item, priced: Mapping[str, price_lists.StoredTariff]) -> list[tuple[Any, str]]:
    """Say for each way of sharing what it costs, in a line."""
    lines = []
    for key in item.arrangements:
        if key == "buy":
            lines.append((_("Buying it"), item_reads.buy_words(item)))
            continue
        rows = price_words.price_rows(priced[key].terms) if key in priced else []
        said = " · ".join(f"{row.label}: {row.detail}" for row in rows)
        lines.append((NAMES.get(key, key), said or (_("Free") if key == "borrow" else _("No prices yet."))))
    return lines


@blueprint.route("/items/<int:listing_id>/edit", methods=["GET", "POST"])
@login_required
def edit(listing_id: int) -> Any:
    """Change what is said of an item."""
    listing, _item = items.managed(listing_id, current_user)
    form = DescribeForm(obj=listing)
    if form.validate_on_submit():
        try:
            items.change(listing_id, current_user, version=form.seen_version(), facts=form.facts())
        except DomainError as error:
            form.refuse(error)
        else:
            return saved(listing_id)
    return page("sharing/describe.html", form, listing=listing, place_names=places.labels())


def saved(listing_id: int, where: str = "") -> Any:
    """Go back to the lender's own page."""
    flash(_("Saved."), "success")
    return redirect(url_for("sharing.manage", listing_id=listing_id) + where, 303)


@blueprint.route("/items/<int:listing_id>/rules", methods=["GET", "POST"])
@login_required
def rules(listing_id: int) -> Any:
    """Change the ways of sharing and the rules."""
    listing, item = items.managed(listing_id, current_user)
    form = RulesForm(item=item, category=listing.category, weekdays=[long for _short, long in months.weekdays()])
    if form.validate_on_submit():
        try:
            kept = form.rules()
            kept["arrangements"] += [one for one in item.arrangements if one not in items.ARRANGEMENTS]
            items.set_rules(listing_id, current_user, kept)
        except DomainError as error:
            form.refuse(error)
        else:
            return saved(listing_id, "#rules")
    return page("sharing/rules.html", form, listing=listing, notes=NOTES, cancelling=item_reads.CANCELLING)


@blueprint.route("/items/<int:listing_id>/units/new", methods=["GET", "POST"])
@login_required
def new_unit(listing_id: int) -> Any:
    """Add a unit."""
    listing, _item = items.managed(listing_id, current_user)
    form = UnitForm()
    if form.validate_on_submit():
        try:
            items.add_unit(
                listing_id, current_user, form.label.data, form.place.data or "", form.replacement_minor.data
            )
        except DomainError as error:
            form.refuse(error)
        else:
            return saved(listing_id, "#units")
    return page("sharing/unit.html", form, listing=listing, unit=None)


@blueprint.route("/items/<int:listing_id>/units/<int:unit_id>", methods=["GET", "POST"])
@login_required
def unit(listing_id: int, unit_id: int) -> Any:
    """Change a unit, and read its condition log."""
    listing, _item = items.managed(listing_id, current_user)
    row = items.unit_of(listing_id, unit_id)
    form = UnitForm(obj=row)
    if form.validate_on_submit():
        try:
            items.change_unit(
                listing_id, current_user, unit_id, label=form.label.data, place=form.place.data or "",
                replacement_minor=form.replacement_minor.data, active=form.active.data,
            )  # fmt: skip
        except DomainError as error:
            form.refuse(error)
        else:
            return saved(listing_id, "#units")
    return condition_views.unit_page(listing, row, form)


ALSO = (availability_views, bundle_views)
"""Modules that add pages to the same blueprint."""

__all__ = ["address", "blueprint"]
