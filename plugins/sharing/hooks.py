"""All that the sharing plugin adds to the marketplace, in one screen.

What is named by `late`, or imported inside a hook, is loaded when it is first needed: a worker that shows lists needs none of it.
"""

from __future__ import annotations

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
    Obstacle,
    SettingSpec,
    SlotFill,
    TodoItem,
    hookimpl,
    late,
)
from plugins.sharing.buy.buy_hooks import JOBS as BUY_JOBS
from plugins.sharing.buy.buy_hooks import PURCHASE_KIND
from plugins.sharing.buy.buy_notices import NOTIFICATIONS as BUY_NOTICES
from plugins.sharing.help.help_hooks import HELP_KIND
from plugins.sharing.help.help_hooks import JOBS as HELP_JOBS
from plugins.sharing.help.help_hooks import KINDS as HELP_KINDS
from plugins.sharing.help.help_hooks import LISTINGS as HELP_LISTINGS
from plugins.sharing.help.help_hooks import NOTIFICATIONS as HELP_NOTICES
from plugins.sharing.help.help_hooks import settings as help_settings
from plugins.sharing.item.item_hooks import ITEM, SETS
from plugins.sharing.item.item_hooks import settings as item_settings
from plugins.sharing.loan.loan_hooks import LOAN_KIND, SWEEP
from plugins.sharing.loan.loan_notices import NOTIFICATIONS as LOAN_NOTICES
from plugins.sharing.meal.meal_hooks import JOBS as MEAL_JOBS
from plugins.sharing.meal.meal_hooks import MEAL, ORDER_KIND
from plugins.sharing.meal.meal_hooks import settings as meal_settings
from plugins.sharing.meal.meal_notices import NOTIFICATIONS as MEAL_NOTICES
from plugins.sharing.pool.pool_hooks import JOBS as POOL_JOBS
from plugins.sharing.pool.pool_hooks import PASS_KIND, POOL
from plugins.sharing.pool.pool_notices import NOTIFICATIONS as POOL_NOTICES
from plugins.sharing.request.request_hooks import JOBS as REQUEST_JOBS
from plugins.sharing.request.request_hooks import REQUEST
from plugins.sharing.request.request_hooks import settings as request_settings
from plugins.sharing.request.request_notices import NOTIFICATIONS as REQUEST_NOTICES
from plugins.sharing.slot.calendar_hooks import JOBS as CALENDAR_JOBS
from plugins.sharing.use.use_hooks import CREDIT_KIND, PLAN_KIND, USE_KIND
from plugins.sharing.use.use_hooks import JOBS as USE_JOBS
from plugins.sharing.use.use_hooks import settings as use_settings
from plugins.sharing.use.use_notices import NOTIFICATIONS as USE_NOTICES

DEMO_STEPS = 24
"""How many scenes the demo makes, for its progress bar; a test compares it."""

OBJECTIONS: dict[str, Any] = {
    "loan": late("plugins.sharing.loan.loan_describe:objections"),
    "order": late("plugins.sharing.meal.order_describe:objections"),
    "help": late("plugins.sharing.help.help_describe:objections"),
    "purchase": late("plugins.sharing.buy.buy_describe:objections"),
    **dict.fromkeys(("plan", "pass", "credit"), late("plugins.sharing.use.under_way:objections")),
}
"""Why a move of a kind of agreement can't be made yet."""


@hookimpl
def register_blueprints() -> list[BlueprintAt]:
    """Mount the pages of items."""
    return [
        BlueprintAt("plugins.sharing.item.manage:blueprint"),
        BlueprintAt("plugins.sharing.item.gbfs_views:blueprint"),
        BlueprintAt("plugins.sharing.item.item_api:blueprint"),
        BlueprintAt("plugins.sharing.item.item_owner_api:blueprint"),
        BlueprintAt("plugins.sharing.item.item_time_api:blueprint"),
        BlueprintAt("plugins.sharing.loan.claim_views:blueprint"),
        BlueprintAt("plugins.sharing.loan.loan_api:blueprint"),
        BlueprintAt("plugins.sharing.slot.calendar_views:blueprint"),
        BlueprintAt("plugins.sharing.price.tariff_views:blueprint"),
        BlueprintAt("plugins.sharing.request.request_views:blueprint"),
        BlueprintAt("plugins.sharing.meal.meal_views:blueprint"),
        BlueprintAt("plugins.sharing.buy.buy_views:blueprint"),
        BlueprintAt("plugins.sharing.buy.buy_api:blueprint"),
        BlueprintAt("plugins.sharing.pool.pool_views:blueprint"),
        BlueprintAt("plugins.sharing.pool.pool_api:blueprint"),
        BlueprintAt("plugins.sharing.request.request_api:blueprint"),
        BlueprintAt("plugins.sharing.help.help_views:blueprint"),
        BlueprintAt("plugins.sharing.help.help_api:blueprint"),
        BlueprintAt("plugins.sharing.circle.circle_views:blueprint"),
        BlueprintAt("plugins.sharing.circle.circle_people_views:blueprint"),
        BlueprintAt("plugins.sharing.circle.circle_api:blueprint"),
        BlueprintAt("plugins.sharing.use.use_manage:blueprint"),
        BlueprintAt("plugins.sharing.use.use_api:blueprint"),
        BlueprintAt("plugins.sharing.operator_views:blueprint"),
    ]


@hookimpl
def register_listing_kinds() -> list[ListingKind]:
    """Add items, requests, meals, help and pools."""
    return [ITEM, REQUEST, MEAL, *HELP_LISTINGS, POOL]


@hookimpl
def register_agreement_kinds() -> list[AgreementKind]:
    """Add loans, uses, orders, help, passes and purchases."""
    return [LOAN_KIND, USE_KIND, PLAN_KIND, CREDIT_KIND, ORDER_KIND, HELP_KIND, PASS_KIND, PURCHASE_KIND]


@hookimpl
def register_notifications() -> list[NotificationKind]:
    """Add what borrowers and lenders are told."""
    return [*LOAN_NOTICES, *USE_NOTICES, *REQUEST_NOTICES, *MEAL_NOTICES, *HELP_NOTICES, *POOL_NOTICES, *BUY_NOTICES]


@hookimpl
def register_jobs() -> list[JobKind]:
    """Add what minds loans and uses."""
    return [SWEEP, SETS, *CALENDAR_JOBS, *USE_JOBS, *REQUEST_JOBS, *MEAL_JOBS, *HELP_JOBS, *POOL_JOBS, *BUY_JOBS]


@hookimpl
def register_commands(group: Any) -> None:
    """Add `flask sharing …`."""
    from plugins.sharing.use import use_commands

    group.add_command(use_commands.rerate)


@hookimpl
def register_settings() -> list[SettingSpec]:
    """Let operators set the bounds."""
    return [
        *item_settings(),
        *use_settings(),
        *meal_settings(),
        *help_settings(),
        *request_settings(),
    ]


@hookimpl
def access_rules(user: Any, action: str, subject: Any) -> bool | None:
    """Let its owner and operators look after an item (a listing, or anything that names its `owner_id`)."""
    if action != "sharing.manage":
        return None
    return bool(user is not None and user.is_authenticated and (user.is_operator or subject.owner_id == user.id))


@hookimpl
def transition_objections(agreement: Any, transition: str, actor: Any) -> list[str] | None:
    """Object to moves whose time has not come."""
    found = OBJECTIONS.get(agreement.kind)
    return found(agreement, transition, actor) if found is not None else None


@hookimpl
def closing_objections(user: Any) -> list[Obstacle]:
    """Keep an account open while credit is left, uses are not paid, or somebody uses things on it."""
    from plugins.sharing.use import use_closing

    return use_closing.objections(user)


@hookimpl
def agreement_changed(agreement: Any, transition: str) -> None:
    """Follow a loan that came of a request, and a neighbour who helps a circle."""
    if agreement.kind == "help":
        from plugins.sharing.circle import neighbours

        neighbours.on_help(agreement, transition)
    if agreement.kind == "loan":
        from plugins.sharing.request import request_answers

        request_answers.on_loan(agreement, transition)


@hookimpl
def listing_changed(listing: Any, change: str) -> None:
    """End what is taken off the site, let things leave their pools, and let nobody put a price on help."""
    if listing.kind in HELP_KINDS:
        from plugins.sharing.help import help_listings

        help_listings.on_changed(listing, change)
    if listing.kind == "request" and change == "removed":
        from plugins.sharing.request import requests

        requests.on_removed(listing)
    if listing.kind == "meal" and change == "removed":
        from plugins.sharing.meal import orders

        orders.on_removed(listing)
    if listing.kind in ("item", "pool"):
        from plugins.sharing.pool import pools

        pools.on_listing(listing, change)


@hookimpl
def payment_changed(payment: Any, change: str) -> None:
    """Move what is paid for as its payments move."""
    from plugins.sharing.buy import buy_money
    from plugins.sharing.loan import loan_money
    from plugins.sharing.meal import order_money
    from plugins.sharing.pool import passes
    from plugins.sharing.use import under_way, use_news

    under_way.on_payment(payment, change)
    passes.on_payment(payment, change)
    loan_money.on_payment(payment, change)
    order_money.on_payment(payment, change)
    buy_money.on_payment(payment, change)
    use_news.on_payment(payment, change)


@hookimpl
def nav_items(area: str) -> list[NavItem]:
    """Link to the items, and to what one borrows and lends."""
    if area == "account":
        return [
            NavItem(_l("Borrowing and lending"), "sharing_loans.index", "key-round", 20),
            NavItem(_l("My circles"), "sharing_circles.index", "users", 22),
            NavItem(_l("My uses"), "sharing_use.mine", "timer", 25),
        ]
    if area == "operator":
        return [NavItem(_l("Sharing"), "sharing_operator.index", "package-open", 30)]
    return [NavItem(_l("Share"), "sharing.index", "package-open", 30)] if area == "main" else []


@hookimpl
def slot_fills(slot: str, subject: Any, viewer: Any) -> list[SlotFill]:
    """Show an agreement of ours on its page, what an item costs to buy on its own, thanks on a member's, and figures."""
    from plugins.sharing import pieces

    return pieces.of(slot, subject, viewer)


@hookimpl
def todo_items(user: Any) -> list[TodoItem]:
    """Ask for an answer to whoever wants one's thing in a set, and for what is to be paid for uses."""
    from plugins.sharing import waiting

    return waiting.todo(user)


@hookimpl
def health_problems() -> list[HealthProblem]:
    """Look for what should have ended by itself and has not, and for slots that nobody has."""
    from plugins.sharing import health

    return health.problems()


@hookimpl
def load_demo(demo: Any) -> None:
    """Add the neighbourhood's items, and what is asked, cooked and done."""
    from plugins.sharing import demo as scenes  # only the demo needs its texts
    from plugins.sharing import demo_asking

    scenes.load(demo)
    demo_asking.load(demo)


@hookimpl
def export_member(user: Any) -> dict[str, Any]:
    """Give all that sharing keeps about a member."""
    from plugins.sharing import members

    return members.export(user)


@hookimpl
def erase_member(user: Any) -> None:
    """Forget a member's photos, and take them off the accounts and out of the pools of others."""
    from plugins.sharing import members

    members.erase(user)
