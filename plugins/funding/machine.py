"""The life of a pledge as one table; its words are read by backer and owner, however the pledge is paid."""

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
        State("unconfirmed", Phase.PROPOSED, _l("Waiting until a way to pay is chosen"), expires_by="lapse"),
        State("paying", Phase.PROPOSED, _l("Paid, the bank is at work")),
        State("pledged", Phase.AGREED, _l("Pledged")),
        State("paid", Phase.AGREED, _l("Paid beforehand")),
        State("charging", Phase.AGREED, _l("The payment is under way")),
        State("action_required", Phase.AGREED, _l("The bank asks for approval"), expires_by="drop"),
        State("awaiting", Phase.AGREED, _l("Waiting for a bank transfer or cash"), expires_by="drop"),
        State("retrying", Phase.AGREED, _l("The bank refused the payment"), expires_by="drop"),
        State("returning", Phase.AGREED, _l("The goal was not reached: the money is on its way back")),
        State("collected", Phase.ACTIVE, _l("Paid"), expires_by="complete"),
        State("disputed", Phase.ACTIVE, _l("Disputed: the payer's bank took the money back and decides")),
        State("fulfilled", Phase.COMPLETED, _l("Completed")),
        State("lapsed", Phase.CANCELLED, _l("Not confirmed in time")),
        State("cancelled", Phase.CANCELLED, _l("Cancelled")),
        State("released", Phase.FAILED, _l("Nothing to pay: the goal was not reached")),
        State("dropped", Phase.FAILED, _l("Dropped: it was not paid")),
        State("refunded", Phase.FAILED, _l("Refunded")),
        State("charged_back", Phase.FAILED, _l("Charged back by the payer's bank")),
    ),
    transitions=(
        Transition("confirm", ("unconfirmed",), "pledged", SYSTEM, _l("Way to pay chosen")),
        Transition("bank_at_work", ("unconfirmed",), "paying", SYSTEM, _l("Paid, the bank is at work")),
        Transition("bank_refused", ("paying",), "unconfirmed", SYSTEM, _l("The bank refused")),
        Transition("pay", ("unconfirmed", "paying", "pledged"), "paid", SYSTEM, _l("Paid beforehand")),
        Transition("lapse", ("unconfirmed",), "lapsed", SYSTEM, _l("Hold ran out")),
        Transition(
            "cancel",
            ("unconfirmed", "paying", "pledged", "paid"),
            "cancelled",
            BACKER,
            _l("Cancel my pledge"),
            confirm=_l(
                "Your pledge is withdrawn. You have nothing to pay, and what you paid goes back to you. A limited reward may"
                " be gone afterwards."
            ),
        ),
        Transition("charge", ("pledged",), "charging", SYSTEM, _l("Payment asked")),
        Transition("release", ("pledged", "paying"), "released", SYSTEM, _l("Released, with nothing to pay")),
        Transition("send_back", ("paid",), "returning", SYSTEM, _l("Sent back")),
        Transition(
            "collect", ("paid", "charging", "action_required", "awaiting", "retrying"), "collected", SYSTEM, _l("Paid")
        ),
        Transition("at_bank", ("action_required", "retrying"), "charging", SYSTEM, _l("The bank is at work")),
        Transition("ask_payer", ("charging", "awaiting", "retrying"), "action_required", SYSTEM, _l("Approval asked")),
        Transition(
            "await_payment", ("charging", "action_required", "retrying"), "awaiting", SYSTEM, _l("Payment asked")
        ),
        Transition(
            "decline",
            ("charging", "action_required", "awaiting", "retrying"),
            "retrying",
            SYSTEM,
            _l("Payment refused"),
        ),
        Transition(
            "drop", ("action_required", "awaiting", "retrying"), "dropped", SYSTEM, _l("Dropped: not paid in time")
        ),
        Transition("take_back", ("collected",), "awaiting", SYSTEM, _l("The money had not come in after all")),
        Transition("dispute", ("paid", "returning", "collected", "fulfilled"), "disputed", SYSTEM, _l("Disputed")),
        Transition("dispute_over", ("disputed",), "collected", SYSTEM, _l("The bank gave the money back")),
        Transition("dispute_over_paid", ("disputed",), "paid", SYSTEM, _l("The bank gave the money back")),
        Transition("dispute_over_fulfilled", ("disputed",), "fulfilled", SYSTEM, _l("The bank gave the money back")),
        Transition("charge_back", ("disputed",), "charged_back", SYSTEM, _l("Charged back")),
        Transition("fulfil", ("collected",), "fulfilled", OWNER, _l("Reward delivered")),
        Transition("complete", ("collected",), "fulfilled", SYSTEM, _l("Completed")),
        Transition("give_back", ("returning", "collected", "fulfilled"), "refunded", SYSTEM, _l("Refunded")),
    ),
)
