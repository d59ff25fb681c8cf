"""What portions bring to the plugin's hooks, light enough for every start."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import AgreementKind, JobKind, ListingKind, Remedy, SettingSpec, late
from plugins.sharing.meal.machine_order import ORDER

EFFECTS = (
    "confirm", "bank_at_work", "pay_again", "lapse", "cancel", "call_off", "pick_up", "assume", "complete", "no_show",
    "not_there",
)  # fmt: skip
"""The moves that do something beyond changing the state: each is the function of that name in `orders`."""

MEAL = ListingKind(
    name="meal",
    label=_l("Meal"),
    plural=_l("Meals"),
    icon="cooking-pot",
    endpoint="sharing_meals.show",
    new_endpoint="sharing_meals.new",
    edit_endpoint="sharing_meals.edit",
    card_facts=late("plugins.sharing.meal.meal_reads:card_facts"),
    publish_problems=late("plugins.sharing.meal.meals:problems"),
    api_details=late("plugins.sharing.meal.meal_reads:api_details"),
    help=_l("You cook anyway: offer portions to pick up."),
)
ORDER_KIND = AgreementKind(
    name="order",
    label=_l("Order"),
    icon="cooking-pot",
    machine=ORDER,
    effects={move: late(f"plugins.sharing.meal.orders:{move}") for move in EFFECTS},
    describe=late("plugins.sharing.meal.order_describe:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL, Remedy.PAY_THE_OWNER}),
    todo=late("plugins.sharing.meal.order_describe:todo"),
    reviewed=frozenset({"person"}),
    charged_at_once=frozenset({"order"}),
    foresee=late("plugins.sharing.meal.order_money:foresee"),
)
JOBS = (
    JobKind(
        "sharing.meals",
        late("plugins.sharing.meal.meal_sweep:sweep"),
        every=timedelta(minutes=10),
        label=_l("Mind the meals: close them, remind who picks up"),
    ),
)


def settings() -> list[SettingSpec]:
    """Give the settings of portions."""
    group = _l("Sharing meals")
    return [
        SettingSpec("sharing.meals_free", _l("Portions are given away, never sold"), "bool", False, group=group),
        SettingSpec("sharing.meal_ceiling", _l("Highest price of a portion"), "money", 1500, minimum=0, group=group,
            help=_l("0 means no bound. What was ordered before keeps its price.")),
    ]  # fmt: skip
