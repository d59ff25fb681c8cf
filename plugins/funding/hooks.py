"""All that the funding plugin adds to the marketplace, in one screen.

What is named by `late`, or imported inside a hook, is loaded when it is first needed: a worker that shows lists needs none of it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from marketplace.api import (
    AgreementKind,
    BlueprintAt,
    HealthProblem,
    JobKind,
    ListingKind,
    NavItem,
    NotificationKind,
    Remedy,
    SettingSpec,
    SlotFill,
    fee_settings,
    hookimpl,
    late,
)
from plugins.funding.machine import PLEDGE
from plugins.funding.notices import NOTIFICATIONS

DEMO_STEPS = 14
"""How many campaigns the demo makes, for its progress bar; a test compares it."""

CAMPAIGN = ListingKind(
    name="campaign",
    label=_l("Campaign"),
    plural=_l("Campaigns"),
    icon="sprout",
    endpoint="funding.campaign",
    new_endpoint="funding.new",
    edit_endpoint="funding.manage",
    card_facts=late("plugins.funding.reads:card_facts"),
    publish_problems=late("plugins.funding.campaigns:publish_problems"),
    on_publish=late("plugins.funding.campaigns:go_live"),
    on_close=late("plugins.funding.campaigns:stop"),
    help=_l("Raise money for a project. Backers pay only if the goal is reached."),
    together=_l("Buy it together"),
)
EFFECTS = (
    "confirm", "bank_at_work", "bank_refused", "pay", "lapse", "cancel", "release", "send_back", "charge", "collect", "at_bank",
    "ask_payer", "await_payment", "take_back", "decline", "drop", "give_back", "dispute", "dispute_over", "charge_back",
)  # fmt: skip
"""The moves that do something beyond changing the state: each is the function of that name in `effects`."""

PLEDGE_KIND = AgreementKind(
    name="pledge",
    label=_l("Pledge"),
    icon="hand-heart",
    machine=PLEDGE,
    effects={move: late(f"plugins.funding.effects:{move}") for move in EFFECTS},
    describe=late("plugins.funding.describe:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL, Remedy.PAY_THE_OWNER}),
    todo=late("plugins.funding.describe:todo"),
)


@hookimpl
def register_blueprints() -> list[BlueprintAt]:
    """Mount the campaign pages and the plugin's part of the API."""
    return [BlueprintAt("plugins.funding.manage:blueprint"), BlueprintAt("plugins.funding.api:blueprint")]


@hookimpl
def register_listing_kinds() -> list[ListingKind]:
    """Add campaigns."""
    return [CAMPAIGN]


@hookimpl
def register_agreement_kinds() -> list[AgreementKind]:
    """Add pledges."""
    return [PLEDGE_KIND]


@hookimpl
def register_settings() -> list[SettingSpec]:
    """Let operators set the fee and the bounds."""
    group = _l("Funding")
    return [
        *fee_settings("funding.fee", group, "5"),
        SettingSpec("funding.minimum_pledge", _l("Smallest pledge"), "money", 100, minimum=1, group=group),
        SettingSpec("funding.slow_days", _l("Business days to wait for slow banks"), "int", 4, minimum=0, maximum=20, group=group,
            help=_l("A campaign that reaches its goal only with payments that are still at a bank waits this long.")),
        SettingSpec("funding.longest_days", _l("Longest campaign in days"), "int", 60, minimum=1, maximum=366, group=group),
    ]  # fmt: skip


@hookimpl
def register_notifications() -> list[NotificationKind]:
    """Add what backers and owners are told."""
    return list(NOTIFICATIONS)


@hookimpl
def register_jobs() -> list[JobKind]:
    """Add the closing run, retries, and news."""
    return [
        JobKind("funding.close", late("plugins.funding.settlement:close"), label=_l("Close a campaign")),
        JobKind("funding.finish", late("plugins.funding.settlement:finish"), label=_l("Pay a campaign's owner")),
        JobKind(
            "funding.sweep",
            late("plugins.funding.settlement:sweep"),
            every=timedelta(minutes=1),
            label=_l("Look for campaigns that are due"),
        ),
        JobKind(
            "funding.tell_backers", late("plugins.funding.campaigns:tell_backers"), label=_l("Tell backers the news")
        ),
    ]


@hookimpl
def register_commands(group: Any) -> None:
    """Add `flask funding …`."""
    from plugins.funding import commands

    group.add_command(commands.preview)


@hookimpl
def access_rules(user: Any, action: str, subject: Any) -> bool | None:
    """Let owners and operators manage a campaign."""
    if action != "funding.manage":
        return None
    from plugins.funding import pages

    return pages.may_manage(user, subject)


@hookimpl
def transition_objections(agreement: Any, transition: str, actor: Any) -> list[str] | None:
    """Object to a cancellation after the deadline, or in the last 24 hours if the goal would be missed."""
    if agreement.kind != PLEDGE.kind or transition != "cancel" or agreement.state == "unconfirmed":
        return None
    from plugins.funding import describe

    return describe.cancel_objections(agreement)


@hookimpl
def listing_changed(listing: Any, change: str) -> None:
    """Release every pledge when an operator removes a live campaign."""
    if listing.kind == "campaign" and change == "removed":
        from plugins.funding import campaigns

        campaigns.removed(listing)


@hookimpl
def payment_changed(payment: Any, change: str) -> None:
    """Move a pledge as its payment moves."""
    from plugins.funding import payment_news

    payment_news.on_payment(payment, change)


@hookimpl
def nav_items(area: str) -> list[NavItem]:
    """Link to the campaigns."""
    return [NavItem(_l("Fund"), "funding.index", "sprout", 20)] if area == "main" else []


@hookimpl
def slot_fills(slot: str, subject: Any, viewer: Any) -> list[SlotFill]:
    """Show campaigns on the home page and a pledge's campaign on its agreement page."""
    from plugins.funding import pages

    return pages.fills(slot, subject, viewer)


@hookimpl
def export_member(user: Any) -> dict[str, Any]:
    """Give a member's pledges and campaigns."""
    from plugins.funding import members

    return members.export(user)


@hookimpl
def erase_member(user: Any) -> None:
    """Keep pledges for the books; nothing of the plugin's own names the member."""


@hookimpl
def health_problems() -> list[HealthProblem]:
    """Compare every campaign's kept totals with its pledges, and look for campaigns that should have closed."""
    from plugins.funding import health

    return health.problems()


@hookimpl
def load_demo(demo: Any) -> None:
    """Add the neighbourhood's campaigns."""
    from plugins.funding import demo as scenes  # only the demo needs its texts

    scenes.load(demo)
