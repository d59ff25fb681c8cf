"""What purchases bring to the plugin's hooks, light enough for every start."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import AgreementKind, JobKind, Remedy, late
from plugins.sharing.buy.machine_purchase import PURCHASE

EFFECTS = (
    "accept", "accept_to_pay", "decline", "release", "bank_at_work", "pay_again", "confirm", "lapse", "hand_over", "have_it",
    "keep", "complete", "report", "take_back", "contest", "be_content", "undo", "for_the_buyer", "for_the_seller", "cancel",
    "call_off", "let_go",
)  # fmt: skip
"""The moves that do something beyond changing the state: each is the function of that name in `buy_effects`."""

PURCHASE_KIND = AgreementKind(
    name="purchase",
    label=_l("Purchase"),
    icon="tag",
    machine=PURCHASE,
    effects={move: late(f"plugins.sharing.buy.buy_effects:{move}") for move in EFFECTS},
    describe=late("plugins.sharing.buy.buy_describe:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL, Remedy.PAY_THE_OWNER}),
    todo=late("plugins.sharing.buy.buy_describe:todo"),
    reviewed=frozenset({"person", "item"}),
    charged_at_once=frozenset({"purchase"}),
    foresee=late("plugins.sharing.buy.buy_money:foresee"),
)
JOBS = (
    JobKind(
        "sharing.purchases",
        late("plugins.sharing.buy.buy_sweep:sweep"),
        every=timedelta(minutes=5),
        label=_l("Mind the purchases: remind who picks up, thank who comes too late"),
    ),
)
