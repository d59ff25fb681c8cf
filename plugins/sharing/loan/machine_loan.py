"""The life of a loan as one table: borrowing and renting by period; a free loan never sees the states about money."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

TAKER = frozenset({Role.MEMBER})
LENDER = frozenset({Role.OWNER})
SYSTEM = frozenset({Role.SYSTEM})
ANYBODY = frozenset({Role.MEMBER, Role.OWNER, Role.SYSTEM})

LOAN = StateMachine(
    kind="loan",
    initial="requested",
    states=(
        State("requested", Phase.PROPOSED, _l("Waiting for the lender's answer"), expires_by="lapse"),
        State("paying", Phase.PROPOSED, _l("Reserved: waiting for the payment or card"), expires_by="lapse"),
        State("clearing", Phase.PROPOSED, _l("Reserved: the payment is on its way"), expires_by="lapse"),
        State("agreed", Phase.AGREED, _l("Agreed"), expires_by="assume"),
        State("active", Phase.ACTIVE, _l("Handed over")),
        State("returned", Phase.ACTIVE, _l("Back"), expires_by="close"),
        State("lost", Phase.ACTIVE, _l("Lost"), expires_by="close"),
        State("claimed", Phase.ACTIVE, _l("A claim is being settled")),
        State("closed", Phase.COMPLETED, _l("Finished")),
        State("declined", Phase.CANCELLED, _l("Declined")),
        State("lapsed", Phase.CANCELLED, _l("Ended: no answer or payment in time")),
        State("cancelled", Phase.CANCELLED, _l("Cancelled")),
        State("no_show", Phase.FAILED, _l("The borrower did not come")),
        State("stood_up", Phase.FAILED, _l("The lender did not come")),
    ),
    transitions=(
        Transition("accept", ("requested",), "agreed", LENDER | SYSTEM, _l("Accept")),
        Transition("accept_to_pay", ("requested",), "paying", LENDER | SYSTEM, _l("Accept")),
        Transition("decline", ("requested",), "declined", LENDER | SYSTEM, _l("Decline"),
            confirm=_l("The other is told that it can't be. A word why is kind.")),
        Transition("bank_at_work", ("paying",), "clearing", SYSTEM, _l("The payment is on its way")),
        Transition("pay_again", ("clearing",), "paying", SYSTEM, _l("The bank refused")),
        Transition("confirm", ("paying", "clearing"), "agreed", SYSTEM, _l("Paid")),
        Transition("lapse", ("requested", "paying", "clearing"), "lapsed", SYSTEM, _l("Not in time")),
        Transition("cancel", ("requested", "paying", "clearing", "agreed"), "cancelled", TAKER, _l("Cancel"),
            confirm=_l("The booking ends, and its time is free for others. This can't be undone.")),
        Transition("call_off", ("paying", "clearing", "agreed"), "cancelled", LENDER | SYSTEM, _l("Call it off"),
            confirm=_l("The booking ends, and its time is free for others. This can't be undone.")),
        Transition("hand_out", ("agreed",), "active", ANYBODY, _l("Handed over"), hidden=True),
        Transition("assume", ("agreed",), "closed", SYSTEM, _l("Nobody recorded a hand-over; it counts as done")),
        Transition("no_show", ("agreed",), "no_show", LENDER, _l("The borrower did not come"),
            confirm=_l("The booking ends, and what is kept of the rent is yours less the platform's fee.")),
        Transition("not_there", ("agreed",), "stood_up", TAKER, _l("The lender did not come"),
            confirm=_l("The booking ends. This can't be undone.")),
        Transition("bring_back", ("active", "lost"), "returned", ANYBODY, _l("Brought back"), hidden=True),
        Transition("report_lost", ("active",), "lost", TAKER | LENDER, _l("Report it lost"),
            confirm=_l("The lender can then claim its value, as the terms say.")),
        Transition("presume_lost", ("active",), "lost", SYSTEM, _l("Not brought back for a month")),
        Transition("claim", ("returned", "lost"), "claimed", ANYBODY, _l("A claim was made"), hidden=True),
        Transition("settle", ("claimed",), "closed", SYSTEM, _l("Claims settled")),
        Transition("close", ("returned", "lost"), "closed", LENDER | SYSTEM, _l("All in order: finish"),
            confirm=_l("The deposit goes back. Afterwards you can't claim anything any more.")),
    ),
)  # fmt: skip
