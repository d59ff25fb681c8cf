"""What each move of a pledge does, inside the transition's own transaction: the function of the move's name."""

from __future__ import annotations

from datetime import timedelta

from marketplace.api import Agreement, Listing, TransitionContext, clock, db, jobs, notifications, payments
from plugins.funding import fees, rewards, totals
from plugins.funding.models import Pledge

RETRY_EVERY = timedelta(hours=48)
GIVE_UP_AFTER = timedelta(days=7)
SLACK = timedelta(hours=1)
"""The last try is made at seven days; the drop follows when that had time to be answered."""

FULFIL_WITHIN = timedelta(days=365)
"""A paid pledge nobody marks as delivered is completed by itself after this long."""


def _pledge(agreement: Agreement) -> Pledge:
    return db.session.get_one(Pledge, agreement.id)


def _tell(agreement: Agreement, kind: str, *, mail: bool, user_id: int | None = None) -> None:
    notifications.notify(
        user_id or agreement.member_id,
        f"funding.{kind}",
        params={"title": _title(agreement), "amount": agreement.amount},
        url=f"/agreements/{agreement.id}",
        mail=mail,
    )


def _title(agreement: Agreement) -> str:
    return db.session.get_one(Listing, agreement.listing_id).title


def confirm(agreement: Agreement, _context: TransitionContext) -> None:
    """Count the pledge in the campaign's total."""
    pledge = _pledge(agreement)
    pledge.counted = True
    totals.add(pledge.campaign_id, pledge.amount_minor, 1)
    _tell(agreement, "pledged", mail=True)
    _tell(agreement, "new_backer", mail=False, user_id=agreement.owner_id)


def _end(agreement: Agreement, *, uncount: bool) -> Pledge:
    pledge = _pledge(agreement)
    if pledge.holds_stock and pledge.reward_id:
        rewards.give_back(pledge.reward_id)
        pledge.holds_stock = False
    if uncount and pledge.counted:
        totals.add(pledge.campaign_id, -pledge.amount_minor, -1)
        pledge.counted = False
    pledge.standing = False
    return pledge


def _withdraw_payment(pledge: Pledge) -> None:
    payments.cancel_payment(payments.get(pledge.payment_id))


def lapse(agreement: Agreement, _context: TransitionContext) -> None:
    """Free the reward of a pledge whose card was not saved in time."""
    _withdraw_payment(_end(agreement, uncount=False))


def cancel(agreement: Agreement, _context: TransitionContext) -> None:
    """Take the pledge out of the total and free its reward."""
    _withdraw_payment(_end(agreement, uncount=True))
    _tell(agreement, "cancelled", mail=True)


def release(agreement: Agreement, _context: TransitionContext) -> None:
    """Let a pledge of a failed campaign go; it stays counted, so that the page shows what had been pledged."""
    _withdraw_payment(_end(agreement, uncount=False))
    _tell(agreement, "released", mail=True)


def charge(agreement: Agreement, _context: TransitionContext) -> None:
    """Ask for the money."""
    payments.charge(payments.get(_pledge(agreement).payment_id))


def collect(agreement: Agreement, context: TransitionContext) -> None:
    """Book the money to the owner less the platform's fee."""
    pledge = _pledge(agreement)
    totals.collected(pledge.campaign_id, pledge.amount_minor)
    payments.settle(payments.get(pledge.payment_id), fee=fees.of_pledge(pledge))
    context.waits_until = clock.now() + FULFIL_WITHIN
    _ask_finish(pledge)
    _tell(agreement, "collected", mail=True)


def ask_payer(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for the bank's approval by the payer, for as long as for a refused card."""
    pledge = _pledge(agreement)
    pledge.failed_since = pledge.failed_since or clock.now()
    context.waits_until = pledge.failed_since + GIVE_UP_AFTER + SLACK
    _tell(agreement, "action_required", mail=False)  # the payments core has mailed the signed link


def await_payment(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for a bank transfer or cash; payments have told the payer how and by when, and end it when that is over."""
    _pledge(agreement).failed_since = None
    context.waits_until = None


def take_back(agreement: Agreement, context: TransitionContext) -> None:
    """Wait again for money that somebody had confirmed by mistake."""
    pledge = _pledge(agreement)
    totals.collected(pledge.campaign_id, -pledge.amount_minor)
    fees.take_back(pledge)
    context.waits_until = None


def decline(agreement: Agreement, context: TransitionContext) -> None:
    """Mail the backer and plan the next try: every 48 hours, the last one after seven days."""
    pledge = _pledge(agreement)
    now = clock.now()
    pledge.failed_since = pledge.failed_since or now
    pledge.tries += 1
    last = pledge.failed_since + GIVE_UP_AFTER
    context.waits_until = last + SLACK
    if now < last:
        payload = {"agreement": agreement.id, "tries": pledge.tries}
        key = f"funding.retry:{agreement.id}:{pledge.tries}"
        jobs.enqueue("funding.retry", payload, key=key, run_at=min(now + RETRY_EVERY, last))
    else:
        context.waits_until = now
    _tell(agreement, "declined", mail=True)


def drop(agreement: Agreement, _context: TransitionContext) -> None:
    """Give up on a card after seven days; the campaign shows the sum as dropped."""
    pledge = _end(agreement, uncount=False)
    totals.dropped(pledge.campaign_id, pledge.amount_minor)
    _withdraw_payment(pledge)
    _ask_finish(pledge)
    _tell(agreement, "dropped", mail=True)


def give_back(agreement: Agreement, _context: TransitionContext) -> None:
    """Note that the money went back; a limited reward is free again."""
    _end(agreement, uncount=False)
    _tell(agreement, "refunded", mail=True)


def _ask_finish(pledge: Pledge) -> None:
    jobs.enqueue("funding.finish", {"campaign": pledge.campaign_id}, key=f"funding.finish:{pledge.campaign_id}")


__all__ = [
    "GIVE_UP_AFTER", "RETRY_EVERY", "ask_payer", "await_payment", "cancel", "charge", "collect", "confirm", "decline", "drop",
    "give_back", "lapse", "release", "take_back",
]  # fmt: skip
