"""The life of a purchase of credit: paid, or let go."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

SYSTEM = frozenset({Role.SYSTEM})

CREDIT = StateMachine(
    kind="credit",
    initial="waiting",
    states=(
        State("waiting", Phase.PROPOSED, _l("Waiting for the payment"), expires_by="lapse"),
        State("bought", Phase.COMPLETED, _l("Paid")),
        State("lapsed", Phase.CANCELLED, _l("Not paid in time")),
    ),
    transitions=(
        Transition("pay", ("waiting",), "bought", SYSTEM, _l("Paid")),
        Transition("bank_at_work", ("waiting",), "waiting", SYSTEM, _l("The payment is on its way")),
        Transition("lapse", ("waiting",), "lapsed", SYSTEM, _l("Not paid in time")),
        Transition("give_up", ("waiting",), "lapsed", frozenset({Role.MEMBER}), _l("Don't buy it after all")),
    ),
)
