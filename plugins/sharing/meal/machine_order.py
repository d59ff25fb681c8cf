"""The life of an order of portions as one table; a free order never sees the states about money."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

EATER = frozenset({Role.MEMBER})
COOK = frozenset({Role.OWNER})
SYSTEM = frozenset({Role.SYSTEM})

ORDER = StateMachine(
    kind="order",
    initial="ordered",
    states=(
        State("ordered", Phase.PROPOSED, _l("Reserved"), expires_by="lapse"),
        State("clearing", Phase.PROPOSED, _l("Reserved: the payment is on its way"), expires_by="lapse"),
        State("agreed", Phase.AGREED, _l("Ordered"), expires_by="assume"),
        State("picked_up", Phase.ACTIVE, _l("Picked up"), expires_by="complete"),
        State("completed", Phase.COMPLETED, _l("Finished")),
        State("lapsed", Phase.CANCELLED, _l("Ended: not paid in time")),
        State("cancelled", Phase.CANCELLED, _l("Cancelled")),
        State("no_show", Phase.FAILED, _l("Not picked up")),
        State("not_given", Phase.FAILED, _l("The cook was not there")),
    ),
    transitions=(
        Transition("confirm", ("ordered", "clearing"), "agreed", SYSTEM, _l("Ordered")),
        Transition("bank_at_work", ("ordered",), "clearing", SYSTEM, _l("The payment is on its way")),
        Transition("pay_again", ("clearing",), "ordered", SYSTEM, _l("The bank refused")),
        Transition("lapse", ("ordered", "clearing"), "lapsed", SYSTEM, _l("Not in time")),
        Transition("cancel", ("ordered", "clearing", "agreed"), "cancelled", EATER, _l("Cancel my order"),
            confirm=_l("The portions go to somebody else. This can't be undone.")),
        Transition("call_off", ("ordered", "clearing", "agreed"), "cancelled", COOK | SYSTEM, _l("Call it off"),
            confirm=_l("The order ends. This can't be undone.")),
        Transition("pick_up", ("agreed",), "picked_up", EATER | COOK, _l("Picked up")),
        Transition("assume", ("agreed",), "completed", SYSTEM, _l("Nobody said otherwise; it counts as picked up")),
        Transition("complete", ("picked_up",), "completed", EATER | SYSTEM, _l("All fine: finish")),
        Transition("no_show", ("agreed",), "no_show", COOK, _l("Not picked up"),
            confirm=_l("The order ends, and the price is yours less the platform's fee.")),
        Transition("not_there", ("agreed",), "not_given", EATER, _l("The cook was not there"),
            confirm=_l("The order ends. This can't be undone.")),
    ),
)  # fmt: skip
