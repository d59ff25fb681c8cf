"""The pages of pools: opening one, the pool with its things and months, taking a pass, putting things in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response

from marketplace.api import DomainError, clock, limiter, listings, locator, looked_at, payments, places
from plugins.sharing.pool import passes, pool_reads, pools
from plugins.sharing.pool.pool_forms import DescribePoolForm, OfferForm, PoolForm
from plugins.sharing.use import monthly, use_fees

blueprint = Blueprint("sharing_pools", __name__, template_folder="templates")


def me() -> Any:
    """Give the logged-in member itself, not the stand-in that flask-login offers."""
    return current_user._get_current_object()


def _there(listing_id: int, where: str = "") -> Response:
    listing = listings.visible(listing_id, current_user)
    return redirect(url_for("sharing_pools.show", listing_id=listing.id, slug=listing.slug) + where, 303)


@blueprint.get("/pools")
def index() -> Response:
    """Lead to the search over all pools."""
    return redirect(url_for("discover.browse", kind="pool"))


@blueprint.route("/pools/new", methods=["GET", "POST"])
@login_required
@limiter.limit("20 per hour", methods=["POST"])
def new() -> Any:
    """Open a pool."""
    form = PoolForm(place=current_user.place)
    if form.validate_on_submit():
        try:
            listing = pools.create(
                me(), facts=form.facts(), monthly_minor=form.price.data or 0, measure=form.measure.data or ""
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("The pool is open. Put the first things in."), "success")
            return _there(listing.id)
    return _form(form, None)


def _form(form: DescribePoolForm, listing: Any) -> Any:
    page = render_template("sharing/pool_form.html", form=form, listing=listing, place_names=places.labels())
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.route("/pools/<int:listing_id>/edit", methods=["GET", "POST"])
@login_required
def edit(listing_id: int) -> Any:
    """Change what is said of a pool."""
    listing = pools.kept(listing_id, current_user)
    form = DescribePoolForm(obj=listing)
    if form.validate_on_submit():
        try:
            pools.change(listing_id, me(), version=form.seen_version(), facts=form.facts())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return _there(listing_id)
    return _form(form, listing)


@blueprint.get("/pools/<int:listing_id>-<slug>")
def show(listing_id: int, slug: str) -> Any:
    """Show a pool: its price, its things, how the money is divided, and the months so far."""
    seen = pool_reads.seen(listing_id, current_user)
    if slug != seen.listing.slug:
        return redirect(url_for("sharing_pools.show", listing_id=listing_id, slug=seen.listing.slug), 301)
    looked_at(current_user, listing_id)
    form = OfferForm(formdata=None)
    form.offer(seen.offerable)
    return _page(seen, form)


def _page(seen: pool_reads.Seen, form: OfferForm) -> Any:
    fee = payments.fee_in_words(payments.fee_rule(use_fees.FEE, seen.pool.currency))
    next_first = pool_reads.next_division(seen.listing.published_at or clock.now())
    page = render_template(
        "sharing/pool.html", seen=seen, listing=seen.listing, pool=seen.pool, form=form, map=locator.drawn(seen.listing),
        measures=pools.MEASURE_WORDS, rules=pool_reads.RULE_WORDS, fee=fee, next_first=next_first,
        month_of=pool_reads.month_words,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.post("/pools/<int:listing_id>/join")
@login_required
@limiter.limit("20 per hour")
def join(listing_id: int) -> Response:
    """Take a pass; where it has to be paid first, lead to its payment."""
    agreement = passes.join(me(), listing_id)
    waiting = monthly.waiting_payment(agreement)
    if waiting is not None:
        return redirect(url_for("payments.pay", payment_id=waiting), 303)
    return redirect(url_for("agreements.show", agreement_id=agreement.id), 303)


@blueprint.post("/pools/<int:listing_id>/things")
@login_required
def offer(listing_id: int) -> Any:
    """Offer one's own thing to the pool."""
    seen, form = pool_reads.seen(listing_id, current_user), OfferForm()
    mine = [row for row in (*seen.things, *seen.asked) if row.owner_id == current_user.id]  # sent twice, it is there
    form.offer(seen.offerable, mine)
    if not form.item.choices:
        flash(_("Only things that are lent free, and are on offer, can be put in."), "error")
        return _there(listing_id, "#things")
    if form.validate_on_submit():
        try:
            row = pools.offer(listing_id, form.item.data, me())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("It is in the pool.") if row.joined_at else _("The keeper of the pool is asked."), "success")
            return _there(listing_id, "#things")
    seen = pool_reads.seen(listing_id, current_user)
    form.offer(seen.offerable)
    return _page(seen, form)


@blueprint.post("/pools/<int:listing_id>/things/<int:row_id>/<word>")
@login_required
def answer(listing_id: int, row_id: int, word: str) -> Response:
    """Let a thing in, or take it out."""
    try:
        if word == "in":
            pools.let_in(listing_id, row_id, me())
        else:
            pools.take_out(listing_id, row_id, me())
        flash(_("Saved."), "success")
    except DomainError as error:
        flash(error.message, "error")
    return _there(listing_id, "#things")


@blueprint.post("/pools/<int:listing_id>/end")
@login_required
def end(listing_id: int) -> Response:
    """Close a pool: nobody is charged any more, and passes end with the month that is paid."""
    pools.kept(listing_id, current_user)
    try:
        listings.close(listing_id, actor=me())
        flash(_("The pool is closed. Passes end with the month that is paid."), "success")
    except DomainError as error:
        flash(error.message, "error")
    return _there(listing_id)
