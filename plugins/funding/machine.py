"""The life of a pledge as one table."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

BACKER = frozenset({Role.MEMBER})
OWNER = frozenset({Role.OWNER})
SYSTEM = frozenset({Role.SYSTEM})

PLEDGE = StateMachine(
    kind="pledge",
    initial="unconfirmed",
    states=(
        State("unconfirmed", Phase.PROPOSED, _l("Waiting for your card"), expires_by="lapse"),
        State("pledged", Phase.AGREED, _l("Pledged")),
        State("charging", Phase.AGREED, _l("Being charged")),
        State("action_required", Phase.AGREED, _l("Your bank asks for your approval"), expires_by="drop"),
        State("awaiting", Phase.AGREED, _l("Waiting for your bank transfer or cash"), expires_by="drop"),
        State("retrying", Phase.AGREED, _l("The card was refused"), expires_by="drop"),
        State("collected", Phase.ACTIVE, _l("Paid"), expires_by="complete"),
        State("fulfilled", Phase.COMPLETED, _l("Completed")),
        State("lapsed", Phase.CANCELLED, _l("Not confirmed in time")),
        State("cancelled", Phase.CANCELLED, _l("Cancelled")),
        State("released", Phase.FAILED, _l("Not charged: the goal was not reached")),
        State("dropped", Phase.FAILED, _l("Dropped: it was not paid")),
        State("refunded", Phase.FAILED, _l("Refunded")),
    ),
    transitions=(
        Transition("confirm", ("unconfirmed",), "pledged", SYSTEM, _l("Card saved")),
        Transition("lapse", ("unconfirmed",), "lapsed", SYSTEM, _l("Hold ran out")),
        Transition(
            "cancel",
            ("unconfirmed", "pledged"),
            "cancelled",
            BACKER,
            _l("Cancel my pledge"),
            confirm=_l(
                "Your pledge is withdrawn and nothing will be charged. A limited reward may be gone afterwards."
            ),
        ),
        Transition("charge", ("pledged",), "charging", SYSTEM, _l("Charging started")),
        Transition("release", ("pledged",), "released", SYSTEM, _l("Released without a charge")),
        Transition("collect", ("charging", "action_required", "awaiting", "retrying"), "collected", SYSTEM, _l("Paid")),
        Transition("ask_payer", ("charging", "awaiting", "retrying"), "action_required", SYSTEM, _l("Approval asked")),
        Transition("await_payment", ("charging", "action_required", "retrying"), "awaiting", SYSTEM, _l("Payment asked")),
        Transition("decline", ("charging", "action_required", "awaiting", "retrying"), "retrying", SYSTEM, _l("Card refused")),
        Transition("drop", ("action_required", "awaiting", "retrying"), "dropped", SYSTEM, _l("Dropped: not paid in time")),
        Transition("take_back", ("collected",), "awaiting", SYSTEM, _l("The money had not come in after all")),
        Transition("fulfil", ("collected",), "fulfilled", OWNER, _l("Reward delivered")),
        Transition("complete", ("collected",), "fulfilled", SYSTEM, _l("Completed")),
        Transition("give_back", ("collected", "fulfilled"), "refunded", SYSTEM, _l("Refunded")),
    ),
)
