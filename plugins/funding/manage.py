"""The owner's pages: starting a campaign, changing it, its rewards, publication and news."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import DomainError, NotFound, access, listings, payments
from plugins.funding import campaigns, fees, reads, rewards
from plugins.funding.forms import CampaignForm, RewardForm, UpdateForm, in_currency
from plugins.funding.machine import PLEDGE
from plugins.funding.views import address, blueprint

PLEDGE_WORDS = {state.name: state.label for state in PLEDGE.states}
LISTING_FIELDS = ("title", "summary", "category", "place", "body_md")


def _facts(form: CampaignForm) -> dict[str, Any]:
    return {name: getattr(form, name).data or "" for name in LISTING_FIELDS}


@blueprint.route("/campaigns/new", methods=["GET", "POST"])
@login_required
def new() -> Any:
    """Start a draft campaign."""
    form = in_currency(CampaignForm, "goal", _chosen_currency())(**_wish())
    if form.validate_on_submit():
        try:
            listing = campaigns.create(
                current_user,
                facts=_facts(form),
                goal_minor=form.goal.minor,
                days=form.days.data or 0,
                risks=form.risks.data or "",
                currency=form.currency_code,
            )
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect(url_for("funding.manage", listing_id=listing.id))
    return render_template("funding/form.html", form=form, row=None), 422 if form.errors else 200


def _wish() -> dict[str, str]:
    """Give what an unfulfilled wish fills in (see `ListingKind.together`)."""
    most = {"title": 120, "category": 32, "place": 80}
    return {name: request.args[name][:size] for name, size in most.items() if request.args.get(name)}


def _chosen_currency(present: str = "") -> str:
    """Give the currency in which the goal is typed: the chosen one, else the campaign's or the site's."""
    known = payments.currencies()
    chosen = request.form.get("currency", present or known[0])
    return chosen if chosen in known else present or known[0]


def managed_row(listing_id: int) -> Any:
    """Give a campaign's row for somebody who may manage it; raises NotFound."""
    row = reads.campaign_row(listing_id)
    access.require(current_user, "funding.manage", row)
    return row


@blueprint.get("/campaigns/<int:listing_id>/manage")
@login_required
def manage(listing_id: int) -> Any:
    """Show the owner's page: what is missing before publication, rewards, pictures, news."""
    row = managed_row(listing_id)
    problems = listings.problems(listings.visible(listing_id, current_user)) if row.state == "draft" else []
    return render_template(
        "funding/manage.html",
        row=row,
        rewards=reads.rewards_of(listing_id),
        problems=problems,
        fee=payments.fee_in_words(fees.rule_of(row)),
        backers=reads.backers(listing_id) if row.state != "draft" else [],
        update_form=UpdateForm(),
        pledge_words=PLEDGE_WORDS,
        last_moment=reads.last_moment(row.closes_at),
    )


@blueprint.route("/campaigns/<int:listing_id>/edit", methods=["GET", "POST"])
@login_required
def edit(listing_id: int) -> Any:
    """Change a campaign; goal and days only while it is a draft."""
    row = managed_row(listing_id)
    in_own = in_currency(CampaignForm, "goal", _chosen_currency(row.currency))
    form = in_own(obj=SimpleNamespace(**{**row._mapping, "goal": row.goal_minor}))
    if row.state != "draft":
        form.freeze()
    if form.validate_on_submit():
        frozen = row.state != "draft"
        try:
            campaigns.change(
                listing_id,
                current_user,
                version=int(form.version.data) if str(form.version.data).isdigit() else 0,
                facts=_facts(form),
                goal_minor=None if frozen else form.goal.minor,
                days=None if frozen else form.days.data,
                currency=None if frozen else form.currency_code,
                risks=form.risks.data or "",
            )
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("funding.manage", listing_id=listing_id))
    return render_template("funding/form.html", form=form, row=row), 422 if form.errors else 200


@blueprint.post("/campaigns/<int:listing_id>/publish")
@login_required
def publish(listing_id: int) -> Any:
    """Take a campaign live: from now on goal and deadline are fixed."""
    row = managed_row(listing_id)
    try:
        listings.publish(listing_id, actor=current_user)
    except DomainError as error:
        flash(error.message, "error")
        return redirect(url_for("funding.manage", listing_id=listing_id))
    flash(_("Your campaign is live. Tell everybody!"), "success")
    return redirect(address(listing_id, row.slug))


@blueprint.route("/campaigns/<int:listing_id>/rewards/new", methods=["GET", "POST"])
@login_required
def new_reward(listing_id: int) -> Any:
    """Add a reward."""
    row = managed_row(listing_id)
    form = in_currency(RewardForm, "amount", row.currency)()
    if form.validate_on_submit():
        try:
            rewards.add(listing_id, current_user, form.facts())
        except DomainError as error:
            form.refuse(error)
        else:
            return redirect(url_for("funding.manage", listing_id=listing_id) + "#rewards")
    return render_template("funding/reward.html", form=form, row=row, reward=None), 422 if form.errors else 200


def _reward_row(row: Any, reward_id: int) -> Any:
    for reward in reads.rewards_of(row.listing_id):
        if reward.id == reward_id:
            return reward
    raise NotFound(_("There is no such reward."))


@blueprint.route("/campaigns/<int:listing_id>/rewards/<int:reward_id>", methods=["GET", "POST"])
@login_required
def edit_reward(listing_id: int, reward_id: int) -> Any:
    """Change a reward, or take it off the campaign."""
    row = managed_row(listing_id)
    reward = _reward_row(row, reward_id)
    form = in_currency(RewardForm, "amount", row.currency)(
        obj=SimpleNamespace(**{**reward._mapping, "amount": reward.amount_minor})
    )
    if request.method == "POST" and "remove" in request.form and form.csrf_token.validate(form):
        rewards.remove(reward_id, current_user)
        flash(_("The reward is no longer offered."), "success")
        return redirect(url_for("funding.manage", listing_id=listing_id) + "#rewards")
    if form.validate_on_submit():
        try:
            rewards.change(reward_id, current_user, form.facts())
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("funding.manage", listing_id=listing_id) + "#rewards")
    return render_template("funding/reward.html", form=form, row=row, reward=reward), 422 if form.errors else 200


@blueprint.post("/campaigns/<int:listing_id>/updates")
@login_required
def post_update(listing_id: int) -> Any:
    """Post news; the backers hear of it through a job."""
    row = managed_row(listing_id)
    form = UpdateForm()
    if form.validate_on_submit():
        try:
            campaigns.post_update(listing_id, current_user, title=form.title.data, body_md=form.body.data)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Your update is posted, and your backers will hear of it."), "success")
            return redirect(address(listing_id, row.slug) + "#updates")
    page = render_template(
        "funding/manage.html",
        row=row,
        rewards=reads.rewards_of(listing_id),
        problems=[],
        fee=payments.fee_in_words(fees.rule_of(row)),
        backers=reads.backers(listing_id),
        update_form=form,
        pledge_words=PLEDGE_WORDS,
        last_moment=reads.last_moment(row.closes_at),
    )
    return page, 422


__all__ = ["blueprint"]
