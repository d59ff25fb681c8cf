"""Pages of prices: what members see of a tariff, the lender's short form, and the operator's whole document."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_required
from sqlalchemy import select
from werkzeug.wrappers import Response

from marketplace.api import (
    DomainError,
    Forbidden,
    InvalidInput,
    Listing,
    NotFound,
    access,
    db,
    listings,
    payments,
    settings,
)
from plugins.sharing.item.item_models import Item
from plugins.sharing.price import price_lists, price_words, simple_tariffs, tariff_text, tariff_words
from plugins.sharing.price.price_lists import TariffRefused
from plugins.sharing.price.simple_tariffs import SimplePrices
from plugins.sharing.price.tariff_forms import DocumentForm, PriceForm
from plugins.sharing.price.tariff_models import ARRANGEMENTS
from plugins.sharing.use import plans
from plugins.sharing.use.use_forms import BuyCreditForm

blueprint = Blueprint("sharing_prices", __name__)

NAMES = {"borrow": _l("Borrowing"), "rent": _l("Renting"), "use": _l("Paying by use"), "portion": _l("Portions")}


def managed(listing_id: int) -> Listing:
    """Give a listing that the viewer may change; raises NotFound, as if it did not exist."""
    listing = listings.visible(listing_id, current_user)
    if listing.kind != "item" or not access.may(current_user, "sharing.manage", listing):
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing


def _arrangement(name: str) -> str:
    if name not in ARRANGEMENTS:
        raise NotFound(_("There is no such arrangement."))
    return name


def panel(stored: price_lists.StoredTariff) -> dict[str, Any]:
    """Give what `sharing/_prices.html` shows of a tariff: prices in words and worked examples."""
    return {
        "stored": stored,
        "prices": price_words.price_rows(stored.terms),
        "examples": price_words.examples(stored.terms, _lengths(stored.listing_id, stored.arrangement)),
    }


def _lengths(listing_id: int, arrangement: str) -> tuple[int, int | None] | None:
    """Give the least and most minutes that an item can be had for, so that nobody reads a price of what can't be booked."""
    if (
        arrangement == "use"
    ):  # whoever starts it themselves ends it whenever they like, up to the longest time of any use
        return 0, int(settings.get("sharing.longest_use_hours")) * 60
    item = db.session.get(Item, listing_id)
    return (item.min_minutes, item.max_minutes) if item is not None else None


@blueprint.get("/prices/<int:tariff_id>")
def show(tariff_id: int) -> Any:
    """Show a version of a listing's prices to whoever may see the listing, today's or an older one."""
    return shown(price_lists.stored(tariff_id))


def shown(stored: price_lists.StoredTariff, credit: BuyCreditForm | None = None) -> Any:
    """Show these prices; `credit` is the form to buy credit when something is wrong with it."""
    listing = listings.visible(stored.listing_id, current_user)
    now = price_lists.current(stored.listing_id, stored.arrangement)
    page = render_template(
        "sharing/prices.html", listing=listing, panel=panel(stored), name=NAMES[stored.arrangement],
        is_current=now is not None and now.id == stored.id,
        word=tariff_words.word, mine=_plan(listing), credit_form=credit or _credit(stored),
    )  # fmt: skip
    return page, 422 if credit is not None else 200


def _credit(stored: price_lists.StoredTariff) -> BuyCreditForm | None:
    """Give the form to buy prepaid credit where these prices take it."""
    sold = stored.arrangement == "use" and stored.terms.credits and payments.payments_enabled()
    return BuyCreditForm(formdata=None) if sold else None


def _plan(listing: Listing) -> Any:
    """Give the viewer's plan with the listing's owner."""
    return plans.standing_with(current_user.id, listing.owner_id) if current_user.is_authenticated else None


@blueprint.get("/items/<int:listing_id>/prices")
@login_required
def overview(listing_id: int) -> Any:
    """Show an owner the prices of each arrangement."""
    listing = managed(listing_id)
    found = price_lists.all_current(listing_id)
    offered = db.session.scalar(select(Item.arrangements).where(Item.listing_id == listing_id)) or []
    return render_template(
        "sharing/prices_manage.html",
        listing=listing,
        names={key: name for key, name in NAMES.items() if key in offered or key in found},
        panels={key: panel(one) for key, one in found.items()},
    )


@blueprint.route("/items/<int:listing_id>/prices/<arrangement>", methods=["GET", "POST"])
@login_required
def simple(listing_id: int, arrangement: str) -> Any:
    """Let a lender say what an hour, a day or a week costs, look at the worked examples, and save."""
    listing = managed(listing_id)
    now = price_lists.current(listing_id, _arrangement(arrangement))
    made_from = SimplePrices.thaw(now.made_from) if now and now.made_from else None
    form = PriceForm(data=made_from.kept() if made_from else None)
    examples = None
    if form.validate_on_submit():
        try:
            asked = form.asked()
            document = simple_tariffs.document(asked, listing.currency, listing.title)
            terms = price_lists.checked(document, listing.currency)
            if "check" not in request.form:
                price_lists.save(listing_id, arrangement, document, current_user, made_from=asked.kept())
                return _saved(listing_id)
            examples = price_words.examples(terms, _lengths(listing_id, arrangement))
        except (DomainError, InvalidInput) as error:
            form.refuse(error)
    page = render_template(
        "sharing/price_form.html", listing=listing, arrangement=arrangement, name=NAMES[arrangement], form=form,
        examples=examples, whole=now is not None and made_from is None,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _saved(listing_id: int) -> Response:
    flash(_("The prices are saved. They count for what is agreed from now on."), "success")
    return redirect(url_for("sharing_prices.overview", listing_id=listing_id), 303)


@blueprint.route("/items/<int:listing_id>/prices/<arrangement>/document", methods=["GET", "POST"])
@login_required
def document(listing_id: int, arrangement: str) -> Any:
    """Let an operator write the whole document, check it, and save it."""
    listing = managed(listing_id)
    if not current_user.is_operator:
        raise Forbidden(_("Only operators write whole documents."))
    form = DocumentForm()
    now = price_lists.current(listing_id, _arrangement(arrangement))
    if request.method == "GET":
        form.document.data = _start_text(now)
    faults: tuple[tuple[str, str], ...] = ()
    terms = None
    if form.validate_on_submit():
        try:
            written = price_lists.parse(form.document.data)
            terms = price_lists.checked(written, listing.currency, strict=False)
            if "check" not in request.form:
                price_lists.save(listing_id, arrangement, written, current_user)
                return _saved(listing_id)
        except TariffRefused as error:
            faults = error.faults
            form.document.errors = [_("See what is wrong below.")]
        except DomainError as error:
            form.refuse(error)
    page = render_template(
        "sharing/price_document.html", listing=listing, arrangement=arrangement, name=NAMES[arrangement], form=form,
        faults=faults, terms=terms, examples=price_words.examples(terms) if terms else None,
        prices=price_words.price_rows(terms) if terms else None, templates=price_lists.template_names(),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _start_text(now: price_lists.StoredTariff | None) -> str:
    """Give what the editor begins with: a template that was asked for, or what counts now."""
    wanted = request.args.get("template", "")
    known = price_lists.templates()
    if wanted in known:
        return known[wanted]
    return tariff_text.toml_text(price_lists.document_of(now.id)) if now else known["greenwheels"]


@blueprint.post("/items/<int:listing_id>/prices/<arrangement>/withdraw")
@login_required
def withdraw(listing_id: int, arrangement: str) -> Response:
    """Take the prices of an arrangement off; agreements keep theirs."""
    managed(listing_id)
    price_lists.withdraw(listing_id, _arrangement(arrangement), current_user)
    flash(_("These prices are no longer offered."), "success")
    return redirect(url_for("sharing_prices.overview", listing_id=listing_id), 303)
