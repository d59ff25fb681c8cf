"""The member's own page about money: cards, payments, and the account that pay-outs go to."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from marketplace.payments import methods, payees, payout_accounts, reads, standing, wording
from marketplace.payments.guards import for_members, where_a_provider_is
from marketplace.payments.views import absolute, me, payment_pages


@payment_pages.get("/account/payments")
@for_members
def account() -> Any:
    """Show cards, payments and pay-outs; also where payments are off, because what was paid stays to be seen."""
    before = request.args.get("before", "")
    rows, following = reads.payments_of_member(
        me().id, int(before) if before.isdecimal() and len(before) < 19 else None
    )
    mine = payout_accounts.account_of(me().id)
    return render_template(
        "payments/account.html",
        me=me(),
        rows=rows,
        following=following,
        paged=bool(before),
        cards=methods.methods_of(me().id),
        describe=methods.describe_method,
        account=mine,
        standing=standing.standing_of(me().id),
        refused=standing.refused_by_bank(mine),
        payouts=reads.payouts_of(me().id),
        words=wording.state_words,
        payout_words=wording.PAYOUT_STATES,
    )


def _unreachable() -> Response:
    flash(_("The payment provider can't be reached at the moment. Try again in a minute."), "error")
    return _back()


def _back() -> Response:
    return redirect(url_for("payments.account"), 303)


@payment_pages.post("/account/payments/cards")
@where_a_provider_is
@for_members
def add_card() -> Any:
    """Lead to the provider's page to save a card."""
    returns = methods.Returns(absolute("payments.card_saved"), absolute("payments.account"))
    url = methods.begin_setup(me(), None, returns)
    return redirect(url, 303) if isinstance(url, str) and url else _unreachable()


@payment_pages.get("/account/payments/cards/saved")
@where_a_provider_is
@for_members
def card_saved() -> Any:
    """Take the member back from the provider's page."""
    if not methods.look_at_setup(me().id, None):
        flash(wording.not_heard(), "warning")
    return _back()


@payment_pages.post("/account/payments/cards/<int:method_id>/remove")
@where_a_provider_is
@for_members
def remove_card(method_id: int) -> Any:
    """Remove a saved card, here and at the provider."""
    if not methods.remove_method(me().id, method_id):
        return _unreachable()
    flash(_("The card was removed."), "success")
    return _back()


@payment_pages.post("/account/payments/payouts")
@where_a_provider_is
@for_members
def onboard() -> Any:
    """Lead to the page on which the provider asks where to pay out, and to whom."""
    url = payees.onboard(me(), absolute("payments.onboarded"), absolute("payments.onboard_again"))
    return redirect(url, 303) if isinstance(url, str) and url else _unreachable()


@payment_pages.get("/account/payments/payouts/again")
@where_a_provider_is
@for_members
def onboard_again() -> Any:
    """Explain that the provider's page was open for too long; its link works once."""
    flash(_("The provider's page was closed. Open it again to go on where you were."), "info")
    return _back()


@payment_pages.get("/account/payments/payouts/done")
@where_a_provider_is
@for_members
def onboarded() -> Any:
    """Take the member back from the provider's questions."""
    payees.look_at_account(me().id)
    return _back()
