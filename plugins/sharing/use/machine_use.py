"""The life of a use as one table: from the reservation to the paid bill."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

USER = frozenset({Role.MEMBER})
SYSTEM = frozenset({Role.SYSTEM})
KEEPERS = frozenset({Role.OWNER, Role.OPERATOR})

USE = StateMachine(
    kind="use",
    initial="reserved",
    states=(
        State("reserved", Phase.AGREED, _l("Reserved"), expires_by="lapse"),
        State("running", Phase.ACTIVE, _l("In use"), expires_by="run_out"),
        State("paused", Phase.ACTIVE, _l("Paused"), expires_by="run_out"),
        State("ended", Phase.ACTIVE, _l("Ended, the bill is being made"), expires_by="bill"),
        State("billed", Phase.ACTIVE, _l("Billed"), expires_by="fall_due"),
        State("unpaid", Phase.ACTIVE, _l("The bill was not paid")),
        State("paid", Phase.COMPLETED, _l("Paid")),
        State("lapsed", Phase.CANCELLED, _l("Not started in time")),
        State("cancelled", Phase.CANCELLED, _l("Cancelled")),
    ),
    transitions=(
        Transition("start", ("reserved",), "running", USER, _l("Start"), hidden=True),
        Transition("pause", ("running",), "paused", USER, _l("Pause"), hidden=True),
        Transition("resume", ("paused",), "running", USER, _l("Go on"), hidden=True),
        Transition("end", ("running", "paused"), "ended", USER, _l("End"), hidden=True),
        Transition("cancel", ("reserved",), "cancelled", USER, _l("Cancel the reservation")),
        Transition("lapse", ("reserved",), "lapsed", SYSTEM, _l("Not started in time")),
        Transition(
            "stop",
            ("running", "paused"),
            "ended",
            KEEPERS,
            _l("End this use"),
            confirm=_l("The use ends now and is billed. Make sure that nobody is left standing somewhere."),
        ),
        Transition("run_out", ("running", "paused"), "ended", SYSTEM, _l("Ended after the longest time")),
        Transition("bill", ("ended",), "billed", SYSTEM, _l("Billed")),
        Transition("settle", ("billed", "unpaid"), "paid", SYSTEM, _l("Paid")),
        Transition("fall_due", ("billed",), "unpaid", SYSTEM, _l("Not paid in time")),
        Transition(
            "mark_paid",
            ("billed", "unpaid"),
            "paid",
            KEEPERS,
            _l("It was paid in another way"),
            confirm=_l("Nothing more is asked of the member for this use."),
        ),
        Transition("take_back", ("paid",), "unpaid", SYSTEM, _l("The money had not come in after all")),
    ),
)
