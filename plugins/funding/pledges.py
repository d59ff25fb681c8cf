"""Pledging, changing and cancelling: one transaction each, and no network inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.exc import IntegrityError

from marketplace.api import (
    Actor,
    Agreement,
    DomainError,
    InvalidInput,
    Money,
    NotFound,
    Refused,
    Role,
    agreements,
    clock,
    db,
    display,
    in_transaction,
    payments,
    settings,
    transaction,
)
from plugins.funding import fees, placing, rewards, totals
from plugins.funding.models import Pledge, Reward

HOLD = timedelta(minutes=15)
"""How long a pledge waits for its card before a limited reward is free again."""

LAST_DAY = timedelta(hours=24)
PAID_BY = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
"""A card is saved and charged if the goal is reached; what can't be saved is paid at once, and goes back if it is not."""

MOST = 100_000_00
"""The largest single pledge, in minor units; a typing error of two places should not pass."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a backer chose; `amount_minor` in minor units of the campaign's currency.

    Who names a currency means it: in another than the campaign's the pledge is refused.
    """

    amount_minor: int
    reward_id: int | None
    nonce: str
    method_id: int | None
    currency: str | None = None


def place(
    campaign_id: int,
    member: Any,
    *,
    amount_minor: int,
    reward_id: int | None,
    nonce: str,
    arrived: datetime,
    method_id: int | None = None,
    currency: str | None = None,
) -> Agreement:
    """Pledge an amount (minor units of the campaign's currency); `arrived` is when the request reached us (UTC).

    Where a `currency` is given, it has to be the campaign's.
    Sent twice with one `nonce`, it is one pledge. With a saved method it counts at once, otherwise it holds its reward for
    15 minutes until a card is saved. Raises Refused (closed, sold out, own campaign), InvalidInput, NotFound.
    """
    wish = Wish(amount_minor, reward_id, nonce, method_id, currency)
    try:
        with transaction():
            return place_seen(placing.look(campaign_id, member.id, nonce), member, wish, arrived)
    except (IntegrityError, DomainError) as error:
        if in_transaction():  # whoever began it has to begin anew
            raise
        known = placed_meanwhile(campaign_id, member.id, nonce, error)
        if known is None:
            raise
        return known


def placed_meanwhile(campaign_id: int, member_id: int, nonce: str, error: Exception) -> Agreement | None:
    """Give the pledge that was first, of two of the same at the same moment: the unique indexes let only one through.

    The other may have been refused before it came to that, because what it wanted is taken: by its twin. Then only what was
    sent with the same `nonce` is the same.
    """
    with transaction():
        seen = placing.look(campaign_id, member_id, nonce)
        known = seen and (seen.sent_id or (seen.my_agreement_id if isinstance(error, IntegrityError) else None))
        return db.session.get_one(Agreement, known) if known else None


def place_seen(seen: Any | None, member: Any, wish: Wish, arrived: datetime) -> Agreement:
    """Pledge inside the transaction in which the campaign was looked at: `place`, for who has looked already."""
    if seen is not None and seen.sent_id is not None:
        return db.session.get_one(Agreement, seen.sent_id)
    campaign = opened(seen, arrived)
    if wish.currency not in (None, campaign.currency):
        raise InvalidInput({"amount": _("Amounts are in %(currency)s here.", currency=campaign.currency)})
    if campaign.my_agreement_id is not None:
        if campaign.my_state != "unconfirmed":
            raise Refused(_("You have pledged already. You can change your pledge instead."), code="already_pledged")
        return _resume(campaign.my_agreement_id, member, wish, arrived)
    reward = rewards.take(wish.reward_id, campaign.listing_id) if wish.reward_id else None
    amount = checked_amount(wish.amount_minor, reward, campaign)
    agreement = agreements.create(
        "pledge",
        listing=campaign,
        member_id=member.id,
        amount=amount,
        terms=terms_of(campaign, reward, amount),
        actor=Actor(member.id, Role.MEMBER),
        waits_until=clock.now() + HOLD,
        foretold="confirm" if wish.method_id is not None else None,
    )
    _add_side(agreement, amount, wish)
    return agreement


def _add_side(agreement: Agreement, amount: Money, wish: Wish) -> None:
    payment = payments.request_payment(agreement, "pledge", amount, strategies=PAID_BY, method_id=wish.method_id)
    placing.add(
        agreement_id=agreement.id,
        campaign_id=agreement.listing_id,
        member_id=agreement.member_id,
        reward_id=wish.reward_id,
        payment_id=payment.id,
        amount_minor=amount.minor,
        nonce=wish.nonce,
        holds_stock=wish.reward_id is not None,
        counted=wish.method_id
        is not None,  # it is confirmed and added to the total below, in this transaction or not at all
    )
    if wish.method_id is not None:
        payments.use_saved_method(payment, wish.method_id)
        if agreement.foretold:
            raise RuntimeError(f"pledge {agreement.id} was written as confirmed, but nobody confirmed it")


def _resume(agreement_id: int, member: Any, wish: Wish, arrived: datetime) -> Agreement:
    """Go on with a pledge whose card was never saved: same agreement, new amount, reward and hold."""
    agreement = change(agreement_id, member, amount_minor=wish.amount_minor, reward_id=wish.reward_id, arrived=arrived)
    agreement.waits_until = clock.now() + HOLD
    if wish.method_id is not None:
        pledge = db.session.get_one(Pledge, agreement.id)
        payments.use_saved_method(payments.get(pledge.payment_id), wish.method_id)
    return agreement


def change(agreement_id: int, member: Any, *, amount_minor: int, reward_id: int | None, arrived: datetime) -> Agreement:
    """Change amount and reward of the member's pledge until the deadline; the former terms stay in the history.

    Raises Refused, InvalidInput or NotFound (also for somebody else's pledge).
    """
    with transaction():
        agreement = agreements.locked(agreement_id)
        pledge = db.session.get(Pledge, agreement_id, populate_existing=True)
        if pledge is None or pledge.member_id != member.id:
            raise NotFound(_("There is no such pledge."))
        if agreement.state not in ("unconfirmed", "pledged", "paid"):
            raise Refused(_("This pledge can't be changed any more."), code="ended")
        campaign = opened(placing.look(pledge.campaign_id, member.id, pledge.nonce), arrived)
        reward = _swap_reward(pledge, reward_id)
        amount = checked_amount(amount_minor, reward, campaign)
        difference = amount.minor - pledge.amount_minor
        if pledge.counted and difference:
            if refusal := lowering_refused(campaign, -difference, clock.now()):
                raise Refused(refusal, field="amount", code="last_day")
            totals.add(campaign.listing_id, difference, 0)
        pledge.amount_minor = amount.minor
        agreements.amend(
            agreement_id, Actor(member.id, Role.MEMBER), amount=amount, terms=terms_of(campaign, reward, amount)
        )
        _change_payment(payments.get(pledge.payment_id), amount)
    return agreement


def _change_payment(payment: Any, amount: Money) -> None:
    """Ask for the new amount, or give back the difference of what was paid beforehand."""
    if payment.state != "succeeded":
        payments.change_amount(payment, amount)
    elif amount.minor > payment.kept.minor:
        text = _("You have paid this pledge already. To pledge more, cancel it and pledge again.")
        raise Refused(text, field="amount", code="paid_already")
    elif amount != payment.kept:
        payments.refund(payment, payment.kept - amount, reason="pledge_lowered")


def _swap_reward(pledge: Pledge, reward_id: int | None) -> Any | None:
    if pledge.reward_id == reward_id:
        return db.session.get(Reward, reward_id) if reward_id else None
    reward = rewards.take(reward_id, pledge.campaign_id) if reward_id else None
    if pledge.holds_stock and pledge.reward_id:
        rewards.give_back(pledge.reward_id)
    pledge.reward_id = reward_id
    pledge.holds_stock = reward is not None
    return reward


def opened(campaign: Any | None, arrived: datetime) -> Any:
    """Give a campaign (`placing.look`) when a request that arrived then may still change its total.

    Raises NotFound, or Refused when it has ended.
    """
    if campaign is None or campaign.state == "draft" or campaign.listing_state == "removed":
        raise NotFound(_("There is no such campaign."))
    if campaign.state != "live" or campaign.listing_state != "published" or arrived >= campaign.closes_at:
        raise Refused(_("This campaign has ended."), code="campaign_ended")
    return campaign


def checked_amount(amount_minor: int, reward: Any | None, campaign: Any) -> Money:
    """Give the amount if it is enough for the reward and within the site's bounds; raises InvalidInput."""
    of_fee = 0 if (rule := fees.rule_of(campaign)).on_total else payments.least_payment(rule).minor
    # What operators set is in the site's currency; in another one only what the provider can charge counts.
    floor = settings.get("funding.minimum_pledge")
    if floor.currency != campaign.currency:
        floor = payments.least(campaign.currency)
    least = max(reward.amount_minor if reward else 0, floor.minor, of_fee)
    if amount_minor < least:
        amount = display.money(least, campaign.currency)
        raise InvalidInput({"amount": _("Pledge at least %(amount)s for this.", amount=amount)})
    if amount_minor > MOST:
        raise InvalidInput({"amount": _("This is more than one pledge may be. Is there a typing error?")})
    return Money(amount_minor, campaign.currency)


def lowering_refused(campaign: Any, less_minor: int, at: datetime) -> str | None:
    """Say why the total can't drop by this much now: in the last 24 hours not from goal reached to goal missed."""
    if less_minor <= 0 or at < campaign.closes_at - LAST_DAY:
        return None
    if campaign.pledged_minor >= campaign.goal_minor > campaign.pledged_minor - less_minor:
        return _("In the last 24 hours a pledge can't be withdrawn if the campaign would then miss its goal.")
    return None


def terms_of(campaign: Any, reward: Any | None, amount: Money) -> Mapping[str, Any]:
    """Freeze what the backer agrees to, as JSON-ready data."""
    return {
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "goal_minor": campaign.goal_minor,
        "closes_at": campaign.closes_at.isoformat() if campaign.closes_at else None,
        "zone": campaign.zone,
        "reward": reward
        and {
            "id": reward.id,
            "title": reward.title,
            "description": reward.description,
            "amount_minor": reward.amount_minor,
            "delivery": reward.delivery.isoformat() if reward.delivery else None,
        },
    }
