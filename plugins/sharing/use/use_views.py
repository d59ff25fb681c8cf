"""The pages of a use: the start page of a label, the live meter, the bill, and one's own uses."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from marketplace.api import DomainError, Listing, NotFound, Refused, db, display, listings, payments
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Unit
from plugins.sharing.loan import scanned
from plugins.sharing.price import price_lists, tariff_words
from plugins.sharing.price.tariff_views import panel, shown
from plugins.sharing.use import (
    buying,
    collecting,
    credits,
    metering,
    monthly,
    owing,
    plans,
    sessions,
    standing,
    use_reads,
    use_slots,
)
from plugins.sharing.use.sessions import Wish
from plugins.sharing.use.use_forms import BuyCreditForm, CoUserForm, MoveForm, StartForm, with_registers

blueprint = Blueprint("sharing_use", __name__)


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What is somebody's own does not stay behind in a shared browser."""
    response.headers["Cache-Control"] = "no-store"
    return response


def me() -> Any:
    """Give the logged-in member itself, not the stand-in that flask-login offers."""
    return current_user._get_current_object()


@blueprint.route("/s/<code>", methods=["GET", "POST"])
def label(code: str) -> Any:
    """Show what a scanned label stands for: its prices, and the buttons to start or reserve it."""
    unit = units.by_code(code)
    listing = listings.visible(unit.item_id, current_user)
    stored = price_lists.current(listing.id, "use")
    if (page := scanned.hand_over_page(unit, current_user)) is not None:
        return redirect(page)
    if stored is None:
        if current_user.is_authenticated and (why := scanned.why_not(unit, listing, current_user)):
            flash(why, "warning")
        return redirect(url_for("sharing.item", listing_id=listing.id, slug=listing.slug))
    busy = sessions.standing_session(unit.id)
    if busy is not None and current_user.is_authenticated and current_user.id == busy.member_id:
        return redirect(url_for("sharing_use.meter", use_id=busy.agreement_id))
    form = _start_form(stored, unit)
    if current_user.is_authenticated and form.validate_on_submit():
        try:
            return _begin(unit, form)
        except DomainError as error:
            form.refuse(error)
    page = render_template(
        "sharing/use_start.html", unit=unit, listing=listing, form=form, panel=panel(stored), busy=busy is not None,
        taken=use_slots.why_not(unit, current_user.id if current_user.is_authenticated else None),
        blocked=_blocked(), device=sessions.has_device(unit.id),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _blocked() -> dict[str, int]:
    return standing.unpaid(current_user.id) if current_user.is_authenticated else {}


def _start_form(stored: price_lists.StoredTariff, unit: Unit) -> StartForm:
    names = [] if sessions.has_device(unit.id) else metering.registers_of(stored.terms)
    form: StartForm = with_registers(StartForm, names, metering.last_stands(unit.id, names))()
    chosen = [part.option for part in stored.terms.components] + [fee.option for fee in stored.terms.fees]
    options = list(dict.fromkeys(filter(None, chosen)))
    form.options.choices = [SelectChoice(key, tariff_words.word(key)) for key in options]
    holders = standing.holders_of(current_user.id) if current_user.is_authenticated else []
    form.holder.choices = [SelectChoice("", _("I pay")), *(SelectChoice(str(row.id), row.name) for row in holders)]
    if not options:
        del form.options
    if not holders:
        del form.holder
    if request.method == "GET":
        form.nonce.data = secrets.token_urlsafe(18)
    return form


def _begin(unit: Unit, form: StartForm) -> Response:
    """Start or reserve, as the button says."""
    holder = form.holder.data if "holder" in form else ""
    wish = Wish(
        unit_id=unit.id, nonce=(form.nonce.data or secrets.token_urlsafe(18))[:64], limit_minor=form.limit.data,
        options=tuple(form.options.data or ()) if "options" in form else (), holder_id=int(holder) if holder else None,
    )  # fmt: skip
    reserving = "reserve" in request.form
    made = sessions.reserve(me(), wish) if reserving else sessions.start_now(me(), wish, form.stands)
    return redirect(url_for("sharing_use.meter", use_id=made.id), 303)


@blueprint.get("/uses")
@login_required
def mine() -> Any:
    """List one's own uses, what is unpaid, credit, and who uses things on one's account."""
    return _mine(CoUserForm(formdata=None))


def _mine(form: CoUserForm) -> Any:
    before = request.args.get("before", "")
    rows, following = use_reads.own(current_user.id, int(before) if before.isdecimal() and len(before) < 19 else None)
    page = render_template(
        "sharing/uses.html", rows=rows, following=following, unpaid=standing.unpaid(current_user.id), words=_words(),
        tones=use_reads.TONES, credits=credits.accounts_of(current_user.id),
        returnable=buying.returnable(current_user.id), people=standing.co_users(current_user.id),
        form=form, owed=owing.of_payer(current_user.id),
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


def _words() -> dict[str, Any]:
    from plugins.sharing.use.machine_use import USE

    return {state.name: state.label for state in USE.states}


@blueprint.post("/uses/pay")
@login_required
def pay() -> Response:
    """Ask anew for what was not paid, and lead to its payment."""
    payment_id = collecting.pay_again(current_user.id)
    if payment_id is None:
        flash(_("Nothing is to be paid."), "info")
        return redirect(url_for("sharing_use.mine"), 303)
    return redirect(url_for("payments.pay", payment_id=payment_id), 303)


@blueprint.route("/uses/<int:use_id>", methods=["GET", "POST"])
@login_required
def meter(use_id: int) -> Any:
    """Show a use as it runs, and start, pause, resume or end it."""
    agreement, session = use_reads.seen(use_id, me())
    shown = use_reads.meter(agreement, session)
    names = [] if shown.device else shown.registers
    begins = shown.stands if agreement.state == "reserved" else {}  # who ends it looks at the meter first
    form: MoveForm = with_registers(MoveForm, names, begins)()
    if form.validate_on_submit():
        move = request.form.get("move", "")
        if move not in ("start", "pause", "resume", "end"):
            raise NotFound(_("There is no such move."))
        try:
            sessions.move(use_id, me(), move, form.stands, sure=form.is_sure)
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect(url_for("sharing_use.meter", use_id=use_id), 303)
        agreement, session = use_reads.seen(use_id, me())
        shown = use_reads.meter(agreement, session)
    mine, owed = session.member_id == current_user.id, owing.of_use(session, current_user)
    page = render_template("sharing/use_meter.html", shown=shown, form=form, mine=mine, owed=owed)
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.get("/uses/<int:use_id>/meter")
@login_required
def running(use_id: int) -> Any:
    """Give the running total as the piece of page that htmx swaps in."""
    agreement, session = use_reads.seen(use_id, me())
    shown = use_reads.meter(agreement, session)
    ending = session.member_id == current_user.id and agreement.state in ("running", "paused")
    return render_template("sharing/_meter.html", shown=shown, live=ending)


@blueprint.get("/uses/<int:use_id>/bill")
@login_required
def bill(use_id: int) -> Any:
    """Show the bill of a use, its credit notes, and what it was made from."""
    agreement, session = use_reads.seen(use_id, me())
    return render_template(
        "sharing/use_bill.html", agreement=agreement, session=session, listing=db.session.get_one(Listing, session.listing_id),
        bills=use_reads.bills(use_id), readings=use_reads.readings(use_id), label=_words()[agreement.state],
        managed=_keeps(session), tone=use_reads.TONES.get(agreement.state, "good"), word=tariff_words.word,
        owed=owing.of_use(session, current_user),
    )  # fmt: skip


def _keeps(session: Any) -> bool:
    return bool(current_user.is_operator or current_user.id == session.owner_id)


@blueprint.post("/items/<int:listing_id>/plans/<key>")
@login_required
def join(listing_id: int, key: str) -> Response:
    """Join a plan; where it has to be paid first, lead to its payment."""
    agreement = plans.join(me(), listing_id, key)
    waiting = monthly.waiting_payment(agreement)
    if waiting is not None:
        return redirect(url_for("payments.pay", payment_id=waiting), 303)
    return redirect(url_for("agreements.show", agreement_id=agreement.id), 303)


@blueprint.post("/items/<int:listing_id>/credit/buy")
@login_required
def buy_credit(listing_id: int) -> Any:
    """Buy credit with an owner, and lead to its payment."""
    form = BuyCreditForm()
    if form.validate_on_submit():
        try:
            agreement = buying.buy(me(), listing_id, form.amount.minor)
            return redirect(url_for("payments.pay", payment_id=payments.payments_of(agreement)[0].id), 303)
        except DomainError as error:
            form.refuse(error)
    stored = price_lists.current(listing_id, "use")
    if stored is None or not buying.sells(listing_id):
        flash(_("Credit can't be bought here."), "error")
        return redirect(url_for("listings.short", listing_id=listing_id), 303)
    return shown(stored, form)


@blueprint.post("/uses/credit/<int:owner_id>/<currency>/back")
@login_required
def credit_back(owner_id: int, currency: str) -> Response:
    """Give back the bought credit that is left with an owner."""
    try:
        given = buying.give_back(me(), owner_id, currency)
        flash(
            _("%(amount)s goes back the way it was paid.", amount=display.money(given.minor, given.currency)), "success"
        )
    except DomainError as error:
        flash(error.message, "error")
    return redirect(url_for("sharing_use.mine"), 303)


@blueprint.post("/uses/people")
@login_required
def ask_in() -> Any:
    """Ask somebody to use things on one's account."""
    form = CoUserForm()
    if form.validate_on_submit():
        try:
            standing.ask_in(me(), form.email.data)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("They see it under their own uses, and can accept it there."), "success")
            return redirect(url_for("sharing_use.mine"), 303)
    return _mine(form)


@blueprint.post("/uses/people/<int:co_user_id>/<word>")
@login_required
def answer(co_user_id: int, word: str) -> Response:
    """Accept being asked in, or end it."""
    if word == "accept":
        standing.accept(me(), co_user_id)
    elif word == "leave":
        standing.leave(me(), co_user_id)
    else:
        raise Refused(_("There is no such move."))
    return redirect(url_for("sharing_use.mine"), 303)
