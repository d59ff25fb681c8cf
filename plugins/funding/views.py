"""The public pages of campaigns: the campaign, its live total, pledging and changing a pledge."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from marketplace.api import (
    DomainError,
    NotFound,
    access,
    clock,
    display,
    looked_at,
    parse_amount,
    payments,
    runtime,
    transaction,
)
from plugins.funding import fees, placing, pledges, reads
from plugins.funding.arrival import note_arrival
from plugins.funding.forms import NO_REWARD, PledgeForm, in_currency, plain_wish

blueprint = Blueprint("funding", __name__, template_folder="templates")
blueprint.before_request(note_arrival)


def address(listing_id: int, slug: str) -> str:
    """Give a campaign's own address."""
    return url_for("funding.campaign", listing_id=listing_id, slug=slug)


@blueprint.get("/campaigns")
def index() -> Response:
    """Lead to the search over all campaigns."""
    return redirect(url_for("discover.browse", kind="campaign"))


@blueprint.get("/campaigns/<int:listing_id>-<slug>")
def campaign(listing_id: int, slug: str) -> Response | str:
    """Show a campaign; drafts only to those who may manage them."""
    row = reads.campaign_row(listing_id, current_user.id if current_user.is_authenticated else None)
    managed = access.may(current_user, "funding.manage", row)
    if (row.listing_state == "draft" and not managed) or (
        row.listing_state == "removed" and not current_user_is_operator()
    ):
        raise NotFound(_("This page does not exist, or is not for you."))
    if slug != row.slug:
        return redirect(address(listing_id, row.slug), 301)
    looked_at(current_user, listing_id)
    page = reads.campaign_page(row)
    return render_template(
        "funding/campaign.html",
        page=page,
        row=row,
        managed=managed,
        percent=row.pledged_minor * 100 // row.goal_minor,
        left=reads.time_left(row.closes_at) if row.closes_at else None,
        badge=reads.badge(row.state, row.closes_at),
        is_open=is_open(row),
        last_moment=reads.last_moment(row.closes_at),
    )


def current_user_is_operator() -> bool:
    """Tell whether the viewer runs the place."""
    return bool(current_user.is_authenticated and current_user.is_operator)


def is_open(row: Any) -> bool:
    """Tell whether the campaign takes pledges now."""
    return bool(row.state == "live" and row.listing_state == "published" and clock.now() < row.closes_at)


@blueprint.get("/campaigns/<int:listing_id>/total")
def total(listing_id: int) -> Response | str:
    """Give the live total as the piece of page that htmx swaps in."""
    row = reads.campaign_row(listing_id)
    if row.listing_state not in ("published", "closed"):
        abort(404)
    return render_template(
        "funding/_total.html",
        row=row,
        percent=row.pledged_minor * 100 // row.goal_minor,
        left=reads.time_left(row.closes_at),
        is_open=is_open(row),
    )


def _offers(row: Any, form: PledgeForm) -> list[Any]:
    """Fill a pledge form with what there is to choose; gives the rewards."""
    offered = [reward for reward in reads.rewards_of(row.listing_id) if not reward.withdrawn or _held(row, reward)]
    form.reward.choices = [(NO_REWARD, _("No reward, I just want to help"))]
    form.reward.choices += [(str(reward.id), reward.title) for reward in offered]
    cards = payments.methods_of(current_user.id)
    form.method.choices = [(str(card.id), payments.describe_method(card)) for card in cards]
    if not by_card():
        form.method.choices = [("new", _("Chosen on the next page"))]
    else:
        form.method.choices.append(("new", _("Another card, or another way to pay")))
    if request.method == "GET":
        form.nonce.data = secrets.token_urlsafe(18)
        form.method.data = form.method.choices[0][0]
        _prefill(form, row, offered)
    return offered


def by_card() -> bool:
    """Tell whether this site takes cards, or bank transfers and cash only."""
    return runtime().settings.takes("stripe")


def _held(row: Any, reward: Any) -> bool:
    return row.my_agreement_id is not None and row.my_reward_id == reward.id


def _prefill(form: PledgeForm, row: Any, offered: list[Any]) -> None:
    wish = request.args.get("reward", "")
    if row.my_agreement_id is not None and not wish:
        form.reward.data = str(row.my_reward_id or NO_REWARD)
        form.amount.data = row.my_amount_minor
        return
    form.reward.data = wish if wish in {value for value, _label in form.reward.choices} else NO_REWARD
    amounts = {str(reward.id): reward.amount_minor for reward in offered}
    form.amount.data = amounts.get(form.reward.data, _usual(form.amount.currency))


def _usual(currency: str) -> int:
    """Give the amount that is filled in at first, in minor units: 25 of whatever is paid with, if that can be charged."""
    return max(parse_amount("25", currency), payments.least(currency)).minor


def _sold_out(row: Any, offered: list[Any]) -> list[str]:
    return [
        str(reward.id)
        for reward in offered
        if reward.stock is not None and reward.taken >= reward.stock and not _held(row, reward)
    ]


def _show_pledge(row: Any, form: PledgeForm) -> tuple[str, int]:
    offered = _offers(row, form)
    page = render_template(
        "funding/pledge.html",
        row=row,
        form=form,
        notes={str(reward.id): reward.description for reward in offered},
        ends={str(reward.id): display.money(reward.amount_minor, row.currency) for reward in offered},
        sold_out=_sold_out(row, offered),
        payments_on=payments.payments_enabled(),
        by_card=by_card(),
        fee=payments.fee_in_words(fees.rule_of(row)),
        last_moment=reads.last_moment(row.closes_at),
    )
    return page, 422 if form.errors else 200


def _seen(listing_id: int, member: Any) -> Any:
    """Look at a campaign that is in public."""
    row = placing.look(listing_id, member.id, request.form.get("nonce", ""))
    if row is None or row.listing_state not in ("published", "closed"):
        raise NotFound(_("There is no such campaign."))
    return row


def _form(row: Any) -> PledgeForm:
    form: PledgeForm = in_currency(PledgeForm, "amount", row.currency)()
    return form


@blueprint.get("/campaigns/<int:listing_id>/pledge")
@login_required
def pledge(listing_id: int) -> Any:
    """Show the form for a pledge, or for changing the pledge that one has."""
    row = _seen(listing_id, current_user)
    if not is_open(row):
        flash(_("This campaign has ended."), "warning")
        return redirect(address(listing_id, row.slug))
    return _show_pledge(row, _form(row))


@blueprint.post("/campaigns/<int:listing_id>/pledge")
def send_pledge(listing_id: int) -> Any:
    """Pledge, or change the pledge that one has: one transaction, in which all is read once, who asks included."""
    row: Any = None
    form: Any = None
    try:
        with transaction():
            member = current_user._get_current_object()  # looked for once, not at each thing asked of it
            if not member.is_authenticated:
                return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            row = _seen(listing_id, member)
            wish = plain_wish(request.form, row.currency)
            if wish is None:
                form = _form(row)
                wish = form.wish if form.validate() else None
            if wish is not None:
                return _carry_out(row, wish, member)
    except (DomainError, IntegrityError) as error:
        if row is None or getattr(error, "status", None) == 404:
            raise
        known = pledges.placed_meanwhile(listing_id, current_user.id, request.form.get("nonce", ""), error)
        if known is not None:
            return _go_on(known)
        if isinstance(error, IntegrityError):
            raise
        form = form or _form(row)
        form.refuse(error)
    return _show_pledge(row, form)


def _carry_out(row: Any, wish: pledges.Wish, member: Any) -> Response:
    if row.my_state == "pledged":
        pledges.change(
            row.my_agreement_id,
            member,
            amount_minor=wish.amount_minor,
            reward_id=wish.reward_id,
            arrived=g.arrived_at,
        )
        flash(_("Your pledge has been changed."), "success")
        return redirect(url_for("agreements.show", agreement_id=row.my_agreement_id))
    return _go_on(pledges.place_seen(row, member, wish, g.arrived_at))


def _go_on(agreement: Any) -> Response:
    """Lead on to the agreement, or to the page on which its payment is arranged."""
    if agreement.state == "unconfirmed":
        return redirect(url_for("payments.pay", payment_id=payments.payments_of(agreement)[0].id), 303)
    return redirect(url_for("agreements.show", agreement_id=agreement.id), 303)
