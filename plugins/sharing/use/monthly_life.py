"""The life that plans and passes share; without what moves them, since an app reads it when it starts."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

HOLDER = frozenset({Role.MEMBER})
SYSTEM = frozenset({Role.SYSTEM})


def life(kind: str, *, runs: Any, leaving: Any, leavers: frozenset[Role]) -> StateMachine:
    """Give the states of a kind that is paid until somebody ends it or a payment fails for good.

    `runs` and `leaving` label the moves that begin and end it; `leavers` are who may end it.
    """
    return StateMachine(
        kind=kind,
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
            Transition("begin", ("joining",), "running", SYSTEM, runs),
            Transition("bank_at_work", ("joining",), "joining", SYSTEM, _l("The payment is on its way")),
            Transition("lapse", ("joining",), "lapsed", SYSTEM, _l("Not paid in time")),
            Transition("give_up", ("joining",), "lapsed", HOLDER, _l("Don't join after all")),
            Transition("renew", ("running",), "renewing", SYSTEM, _l("The next month is charged")),
            Transition("renewed", ("renewing",), "running", SYSTEM, _l("Paid")),
            Transition("fail", ("renewing",), "ended", SYSTEM, _l("Not paid, so it ended")),
            Transition(
                "leave", ("running",), "leaving", leavers, leaving,
                confirm=_l("It stays until the end of the month that is paid, and is not charged again."),
            ),
            Transition("stay", ("leaving",), "running", HOLDER, _l("Stay after all")),
            Transition("finish", ("leaving",), "ended", SYSTEM, _l("Ended")),
        ),
    )  # fmt: skip
