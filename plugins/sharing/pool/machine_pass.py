"""The life of a pass: paid month by month until somebody ends it or a payment fails for good."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

HOLDER = frozenset({Role.MEMBER})
SYSTEM = frozenset({Role.SYSTEM})

PASS = StateMachine(
    kind="pass",
    initial="joining",
    states=(
        State("joining", Phase.PROPOSED, _l("Waiting for the first payment"), expires_by="lapse"),
        State("running", Phase.ACTIVE, _l("Runs"), expires_by="renew"),
        State("renewing", Phase.ACTIVE, _l("The next month is being charged")),
        State("leaving", Phase.ACTIVE, _l("Ends with the month that is paid"), expires_by="finish"),
        State("ended", Phase.COMPLETED, _l("Ended")),
        State("lapsed", Phase.CANCELLED, _l("Not paid in time")),
    ),
    transitions=(
        Transition("begin", ("joining",), "running", SYSTEM, _l("The pass runs")),
        Transition("lapse", ("joining",), "lapsed", SYSTEM, _l("Not paid in time")),
        Transition("give_up", ("joining",), "lapsed", HOLDER, _l("Don't join after all")),
        Transition("renew", ("running",), "renewing", SYSTEM, _l("The next month is charged")),
        Transition("renewed", ("renewing",), "running", SYSTEM, _l("Paid")),
        Transition("fail", ("renewing",), "ended", SYSTEM, _l("Not paid, so it ended")),
        Transition(
            "leave", ("running",), "leaving", frozenset({Role.MEMBER, Role.OWNER, Role.OPERATOR, Role.SYSTEM}),
            _l("End the pass"),
            confirm=_l("It stays until the end of the month that is paid, and is not charged again."),
        ),
        Transition("stay", ("leaving",), "running", HOLDER, _l("Stay after all")),
        Transition("finish", ("leaving",), "ended", SYSTEM, _l("Ended")),
    ),
)  # fmt: skip
