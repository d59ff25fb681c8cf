"""What each move of a pledge does, inside the transition's own transaction: the function of the move's name."""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace.api import Agreement, TransitionContext, agreements, clock, db, jobs, kept, notifications, payments
from plugins.funding import fees, placing, rewards, totals, waiting
from plugins.funding.models import Campaign, Pledge

SLACK = timedelta(days=1)
"""Payments say when the last try is over; should they not, the pledge is dropped this long after it."""

SECOND_CHOICE = timedelta(days=2)
"""How long a reward stays reserved for somebody whose bank refused, to pay in another way."""

FULFIL_WITHIN = timedelta(days=365)
"""A paid pledge nobody marks as delivered is completed by itself after this long."""


def _pledge(agreement: Agreement) -> Pledge:
    return kept.held(Pledge, agreement.id) or db.session.get_one(Pledge, agreement.id)


def _tell(agreement: Agreement, kind: str, *, mail: bool, owner: str | None = None) -> None:
    """Tell the backer, and by the kind `owner` the campaign's owner, who gets no mail of each backer."""
    told = [(agreement.member_id, f"funding.{kind}", mail)]
    if owner is not None:
        told.append((agreement.owner_id, f"funding.{owner}", False))
    notifications.notify_all(
        told,
        params={"title": agreements.title_of(agreement), "amount": agreement.amount},
        url=f"/agreements/{agreement.id}",
    )


def bank_at_work(agreement: Agreement, context: TransitionContext) -> None:
    """Keep the reward while the money is under way; it counts when it is there."""
    context.waits_until = None
    _tell(agreement, "paying", mail=False)


def bank_refused(agreement: Agreement, context: TransitionContext) -> None:
    """Ask the backer to pay in another way, as long as the campaign lasts."""
    context.waits_until = waiting.second_chance(_pledge(agreement).campaign_id, clock.now() + SECOND_CHOICE)
    _tell(agreement, "bank_refused", mail=True)


def pay(agreement: Agreement, context: TransitionContext) -> None:
    """Count a pledge that was paid beforehand; a campaign that only waited for it is decided."""
    pledge = _pledge(agreement)
    context.waits_until = None
    if pledge.counted:
        _tell(agreement, "paid", mail=True)
        return
    pledge.counted = True
    totals.add(pledge.campaign_id, pledge.amount_minor, 1, also=("waiting", "collecting"))
    _tell(agreement, "paid", mail=True, owner="new_backer")


def confirm(agreement: Agreement, _context: TransitionContext) -> None:
    """Count the pledge in the campaign's total."""
    pledge = _pledge(agreement)
    placing.count(pledge)
    totals.add(pledge.campaign_id, pledge.amount_minor, 1)
    _tell(agreement, "pledged", mail=True, owner="new_backer")


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
    """Take the pledge out of the total and free its reward; what was paid goes back."""
    pledge = _end(agreement, uncount=True)
    if not _pay_back(pledge, "pledge_cancelled"):
        _withdraw_payment(pledge)
    _tell(agreement, "cancelled", mail=True)


def release(agreement: Agreement, _context: TransitionContext) -> None:
    """Let a pledge of a failed campaign go; it stays counted, so that the page shows what had been pledged."""
    _withdraw_payment(_end(agreement, uncount=False))
    _tell(agreement, "released", mail=True)


def send_back(agreement: Agreement, _context: TransitionContext) -> None:
    """Give back what was paid beforehand, because the goal was not reached; the pledge stays counted."""
    _pay_back(_pledge(agreement), "goal_not_reached")
    _tell(agreement, "sent_back", mail=True)


def _pay_back(pledge: Pledge, reason: str) -> bool:
    """Refund all that is left of a pledge's payment; tells whether it had been paid."""
    payment = payments.get(pledge.payment_id)
    if payment.state != "succeeded":
        return False
    if payment.kept.minor:
        payments.refund(payment, payment.kept, reason=reason)
    return True


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


def dispute(agreement: Agreement, context: TransitionContext) -> None:
    """The payer's bank took the money back; the payments core tells the owner and sees to the deadlines."""
    context.waits_until = None


def dispute_over(agreement: Agreement, context: TransitionContext) -> None:
    """The bank gave the money back, or a part of it was kept: all goes on as before."""
    context.waits_until = clock.now() + FULFIL_WITHIN


def charge_back(agreement: Agreement, context: TransitionContext) -> None:
    """The money is gone for good; a limited reward is free again, and a live campaign counts without it."""
    context.waits_until = None
    pledge = _pledge(agreement)
    campaign = db.session.get_one(Campaign, pledge.campaign_id)
    _end(agreement, uncount=campaign.state == "live")


def ask_payer(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for the bank's approval by the payer, for as long as for a refused card."""
    context.waits_until = _last_moment(agreement)
    _tell(agreement, "action_required", mail=False)  # payments have mailed the signed link


def _last_moment(agreement: Agreement) -> datetime | None:
    last = payments.last_try(payments.get(_pledge(agreement).payment_id))
    return last + SLACK if last else None


def at_bank(_agreement: Agreement, context: TransitionContext) -> None:
    """Wait for a bank that takes its time; it answers in the end."""
    context.waits_until = None


def await_payment(_agreement: Agreement, context: TransitionContext) -> None:
    """Wait for a bank transfer or cash; payments have told the payer how and by when, and end it when that is over."""
    context.waits_until = None


def take_back(agreement: Agreement, context: TransitionContext) -> None:
    """Wait again for money that somebody had confirmed by mistake."""
    pledge = _pledge(agreement)
    totals.collected(pledge.campaign_id, -pledge.amount_minor)
    fees.take_back(pledge)
    context.waits_until = None


def decline(agreement: Agreement, context: TransitionContext) -> None:
    """Wait for another try or another card: payments try, mail, and say when it was the last time."""
    context.waits_until = _last_moment(agreement)


def drop(agreement: Agreement, _context: TransitionContext) -> None:
    """Give up on a payment after its last try; the campaign shows the sum as dropped."""
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
