"""What help and circles bring to the plugin's hooks, light enough for every start."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from marketplace.api import AgreementKind, JobKind, ListingKind, SettingSpec, late
from plugins.sharing.circle import circle_hooks, circle_notices
from plugins.sharing.help import help_notices
from plugins.sharing.help.machine_help import HELP

ASKED, OFFERED = "help_asked", "help_offered"
KINDS = (ASKED, OFFERED)

EFFECTS = (
    "choose", "release", "withdraw", "lapse", "owner_done", "member_done", "member_agrees", "owner_agrees", "presume",
    "fade", "call_off", "not_done",
)  # fmt: skip
"""The moves that do something beyond changing the state: each is the function of that name in `help_effects`."""

SHARED: dict[str, Any] = {
    "endpoint": "sharing_help.show",
    "edit_endpoint": "sharing_help.edit",
    "card_facts": late("plugins.sharing.help.help_reads:card_facts"),
    "publish_problems": late("plugins.sharing.help.help_listings:problems"),
    "on_close": late("plugins.sharing.help.help_listings:on_close"),
    "api_details": late("plugins.sharing.help.help_reads:api_details"),
}
LISTINGS = (
    ListingKind(
        name=ASKED,
        label=_l("Help asked"),
        plural=_l("Help asked"),
        icon="hand-helping",
        new_endpoint="sharing_help.ask",
        help=_l("Ask for a helping hand, once or every week. It costs nothing."),
        **SHARED,
    ),
    ListingKind(
        name=OFFERED,
        label=_l("Help offered"),
        plural=_l("Help offered"),
        icon="hand-heart",
        new_endpoint="sharing_help.offer",
        help=_l("Say what you like to do for others. Their thanks are the pay."),
        **SHARED,
    ),
)
HELP_KIND = AgreementKind(
    name="help",
    label=_l("Help"),
    icon="hand-heart",
    machine=HELP,
    effects={move: late(f"plugins.sharing.help.help_effects:{move}") for move in EFFECTS},
    describe=late("plugins.sharing.help.help_describe:term_lines"),
    todo=late("plugins.sharing.help.help_describe:todo"),
)
JOBS = (
    JobKind(
        "sharing.help_release",
        late("plugins.sharing.help.help_sweep:release"),
        label=_l("Thank those who are not needed"),
    ),
    JobKind(
        "sharing.help_near", late("plugins.sharing.help.help_near:tell"), label=_l("Tell neighbours that help is asked")
    ),
    JobKind(
        "sharing.help",
        late("plugins.sharing.help.help_sweep:sweep"),
        every=timedelta(minutes=10),
        label=_l("Mind the help: close what is over, remind"),
    ),
    *circle_hooks.JOBS,
)
NOTIFICATIONS = (*help_notices.NOTIFICATIONS, *circle_notices.NOTIFICATIONS)


def settings() -> list[SettingSpec]:
    """Give the settings of help and circles."""
    group = _l("Sharing: help and circles")
    return [
        SettingSpec("sharing.help_weeks", _l("Longest that help is agreed for, in weeks"), "int", 26, minimum=1, maximum=52,
            group=group),
        SettingSpec("sharing.help_near_km", _l("Within how many kilometres members are told that help is asked"), "int", 3,
            minimum=0, maximum=50, group=group, help=_l("0 tells nobody; it is found by looking for it.")),
        *circle_hooks.settings(),
    ]  # fmt: skip
