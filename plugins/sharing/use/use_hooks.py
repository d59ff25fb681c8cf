"""What paying by use adds to the plugin's hooks."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import AgreementKind, JobKind, Remedy, SettingSpec, late
from plugins.sharing.use.machine_credit import CREDIT
from plugins.sharing.use.machine_plan import PLAN
from plugins.sharing.use.machine_use import USE

EFFECTS = ("start", "pause", "resume", "end", "stop", "run_out", "cancel", "lapse", "bill", "fall_due", "mark_paid")
"""The moves that do something beyond changing the state: each is the function of that name in `use_effects`."""

BANK_AT_WORK = {"bank_at_work": late("plugins.sharing.use.under_way:bank_at_work")}
"""What is paid before it begins waits for money that is under way."""

USE_KIND = AgreementKind(
    name="use",
    label=_l("Use"),
    icon="timer",
    machine=USE,
    effects={move: late(f"plugins.sharing.use.use_effects:{move}") for move in EFFECTS},
    describe=late("plugins.sharing.use.use_describe:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL, Remedy.PAY_THE_OWNER}),
    todo=late("plugins.sharing.use.use_describe:todo"),
    reviewed=frozenset({"person", "item"}),
    charged_at_once=frozenset({"use"}),
)

PLAN_EFFECTS = {
    "begin": "begin", "lapse": "end", "give_up": "end", "renew": "renew", "renewed": "renewed", "fail": "end", "leave": "leave",
    "stay": "stay", "finish": "end",
}  # fmt: skip
"""The moves of a plan, with the function of `plans` that each is."""

PLAN_KIND = AgreementKind(
    name="plan",
    label=_l("Plan"),
    icon="repeat",
    machine=PLAN,
    effects={move: late(f"plugins.sharing.use.plans:{name}") for move, name in PLAN_EFFECTS.items()} | BANK_AT_WORK,
    describe=late("plugins.sharing.use.plans:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL}),
    charged_at_once=frozenset({"plan"}),
    foresee=late("plugins.sharing.use.plans:foresee"),
)

CREDIT_KIND = AgreementKind(
    name="credit",
    label=_l("Credit"),
    icon="coins",
    machine=CREDIT,
    effects={move: late("plugins.sharing.use.buying:let_go") for move in ("lapse", "give_up")} | BANK_AT_WORK,
    describe=late("plugins.sharing.use.buying:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL}),
    charged_at_once=frozenset({"credit"}),
)

JOBS = (
    JobKind(
        "sharing.plan_renewed",
        late("plugins.sharing.use.plans:renew_free"),
        label=_l("Renew a plan that costs nothing"),
    ),
    JobKind("sharing.collect", late("plugins.sharing.use.collecting:collect"), label=_l("Ask for what was used")),
    JobKind(
        "sharing.collect_sweep",
        late("plugins.sharing.use.collecting:sweep"),
        every=timedelta(hours=1),
        label=_l("Look for bills that nobody asked for"),
    ),
    JobKind("sharing.rerun", late("plugins.sharing.use.use_jobs:rerun"), label=_l("Bill a use anew")),
    JobKind(
        "sharing.watch",
        late("plugins.sharing.use.use_jobs:watch"),
        every=timedelta(minutes=1),
        label=_l("Tell members that their limit is reached"),
    ),
)


def settings() -> list[SettingSpec]:
    """Give the settings of paying by use."""
    group = _l("Sharing by use")
    return [
        SettingSpec("sharing.reserve_minutes", _l("Minutes that a reservation is free"), "int", 15,
            minimum=1, maximum=1440, group=group, help=_l("Where the prices say nothing else. It then lapses by itself.")),
        SettingSpec("sharing.use_minutes", _l("Minutes that a use is planned to last"), "int", 120,
            minimum=15, maximum=10_080, group=group, help=_l("So long nobody else can book it; what lasts longer is overdue.")),
        SettingSpec("sharing.longest_use_hours", _l("Hours after which a use is ended"), "int", 168,
            minimum=1, maximum=8760, group=group),
        SettingSpec("sharing.late_minutes", _l("Minutes to wait for late readings"), "int", 10,
            minimum=0, maximum=10_080, group=group, help=_l("Before the bill of a use with a device is made.")),
        SettingSpec("sharing.device_requests_per_minute", _l("Requests a minute of one device"), "int", 60,
            minimum=1, maximum=6000, group=group, help=_l("A device that sends more is told to wait.")),
        SettingSpec("sharing.charge_each_use", _l("Charge each use at once"), "bool", True, group=group,
            help=_l("Otherwise all of a member's uses are charged together, on the 1st and the 16th.")),
        SettingSpec("sharing.block_unpaid", _l("Nobody who has not paid can start a use"), "bool", True, group=group),
    ]  # fmt: skip
