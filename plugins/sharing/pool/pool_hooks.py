"""What pools bring to the plugin's hooks, light enough for every start."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import AgreementKind, JobKind, ListingKind, Remedy, late
from plugins.sharing.pool.machine_pass import PASS
from plugins.sharing.use.use_hooks import BANK_AT_WORK

POOL = ListingKind(
    name="pool",
    label=_l("Pool"),
    plural=_l("Pools"),
    icon="box",
    endpoint="sharing_pools.show",
    new_endpoint="sharing_pools.new",
    edit_endpoint="sharing_pools.edit",
    card_facts=late("plugins.sharing.pool.pool_reads:card_facts"),
    api_details=late("plugins.sharing.pool.pool_reads:api_details"),
    help=_l("Things of many, open to whoever has the monthly pass; the owners share the money by use."),
)

PASS_EFFECTS = {
    "begin": "begin", "lapse": "end", "give_up": "end", "renew": "renew", "renewed": "renewed", "fail": "end", "leave": "leave",
    "stay": "stay", "finish": "end",
}  # fmt: skip
"""The moves of a pass, with the function of `passes` that each is."""

PASS_KIND = AgreementKind(
    name="pass",
    label=_l("Pass"),
    icon="ticket",
    machine=PASS,
    effects={move: late(f"plugins.sharing.pool.passes:{name}") for move, name in PASS_EFFECTS.items()} | BANK_AT_WORK,
    describe=late("plugins.sharing.pool.passes:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL}),
    charged_at_once=frozenset({"pass"}),
    foresee=late("plugins.sharing.pool.passes:foresee"),
)

JOBS = (
    JobKind(
        "sharing.pools",
        late("plugins.sharing.pool.closing:sweep"),
        every=timedelta(hours=6),
        label=_l("Divide what passes brought among the owners, after each month"),
    ),
    JobKind("sharing.pool_pay", late("plugins.sharing.pool.closing:pay"), label=_l("Pay the owners of a pool")),
)
