"""What loans bring to the plugin's hooks, light enough for every start."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import AgreementKind, JobKind, Remedy, late
from plugins.sharing.loan.machine_loan import LOAN

EFFECTS = (
    "accept", "accept_to_pay", "bank_at_work", "pay_again", "confirm", "decline", "lapse", "cancel", "call_off", "no_show",
    "not_there", "assume", "hand_out", "bring_back", "report_lost", "presume_lost", "claim", "settle", "close",
)  # fmt: skip
"""The moves that do something beyond changing the state: each is the function of that name in `loan_effects`."""

LOAN_KIND = AgreementKind(
    name="loan",
    label=_l("Loan"),
    icon="key-round",
    machine=LOAN,
    effects={move: late(f"plugins.sharing.loan.loan_effects:{move}") for move in EFFECTS},
    describe=late("plugins.sharing.loan.loan_describe:term_lines"),
    remedies=frozenset({Remedy.REFUND_IN_FULL, Remedy.PAY_THE_OWNER, Remedy.KEEP_PART_OF_THE_DEPOSIT}),
    todo=late("plugins.sharing.loan.loan_describe:todo"),
    reviewed=frozenset({"person", "item"}),
    charged_at_once=frozenset({"rent", "extension", "loan_use", "claim"}),
    purposes={
        "rent": _l("The rent"),
        "extension": _l("More time"),
        "loan_use": _l("What the meter counted"),
        "deposit": _l("Deposit"),
        "claim": _l("Claim"),
    },
    foresee=late("plugins.sharing.loan.foreseeing:foresee"),
)
SWEEP = JobKind(
    "sharing.loans",
    late("plugins.sharing.loan.loan_sweep:sweep"),
    every=timedelta(minutes=5),
    label=_l("Mind the loans: reminders, overdue, deposits"),
)
