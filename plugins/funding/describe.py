"""A pledge in words: its terms, what its backer should do now, and why it can't be cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from flask_babel import gettext as _

from marketplace.api import Agreement, TermLine, TodoItem, clock, db, display
from plugins.funding.models import Campaign, Pledge
from plugins.funding.pledges import lowering_refused
from plugins.funding.reads import last_moment


def term_lines(agreement: Agreement) -> Sequence[TermLine]:
    """Put a pledge's frozen terms into words."""
    terms = agreement.terms
    lines = [
        TermLine(_("Amount pledged"), display.money(terms["amount_minor"], terms["currency"], exact=True)),
        TermLine(_("Goal of the campaign"), display.money(terms["goal_minor"], terms["currency"])),
    ]
    if terms.get("closes_at"):
        closes = datetime.fromisoformat(terms["closes_at"])
        lines.append(TermLine(_("To be paid if the goal is reached by"), display.datetime_text(last_moment(closes))))
    reward = terms.get("reward")
    lines.append(TermLine(_("Reward"), reward["title"] if reward else _("None")))
    if reward and reward.get("delivery"):
        lines.append(TermLine(_("Expected delivery"), display.date(date.fromisoformat(reward["delivery"]))))
    return lines


def todo(agreement: Agreement, role: str) -> TodoItem | None:
    """Say what waits for this person, if anything."""
    url = f"/agreements/{agreement.id}"
    if role == "member":
        texts = {
            "unconfirmed": (_("Choose how to pay to confirm your pledge"), "credit-card"),
            "action_required": (_("Your bank asks you to approve a payment"), "shield-check"),
            "awaiting": (_("Pay for your pledge by bank transfer or in cash"), "landmark"),
            "retrying": (_("Your bank refused the payment: choose another way to pay"), "credit-card"),
        }
        if agreement.state in texts:
            text, sign = texts[agreement.state]
            pledge = db.session.get(Pledge, agreement.id)
            link = f"/pay/{pledge.payment_id}" if pledge else url
            return TodoItem(text, link, agreement.waits_until, sign)
    return None


def cancel_objections(agreement: Agreement) -> list[str]:
    """Give the reasons why this pledge can't be cancelled now."""
    campaign = db.session.get(Campaign, agreement.listing_id, populate_existing=True)
    now = clock.now()
    if campaign is None or campaign.state != "live" or now >= campaign.ends:
        return [_("The campaign has ended, so its pledges stand.")]
    pledge = db.session.get_one(Pledge, agreement.id)
    refusal = lowering_refused(campaign, pledge.amount_minor if pledge.counted else 0, now)
    return [refusal] if refusal else []
