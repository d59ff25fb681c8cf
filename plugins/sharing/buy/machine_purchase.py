"""The life of a purchase as one table; one that costs nothing, or is bought by who has it, skips what it does not need."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

BUYER = frozenset({Role.MEMBER})
SELLER = frozenset({Role.OWNER})
OPERATOR = frozenset({Role.OPERATOR})
SYSTEM = frozenset({Role.SYSTEM})

PURCHASE = StateMachine(
    kind="purchase",
    initial="requested",
    states=(
        State("requested", Phase.PROPOSED, _l("Waiting for the owner's answer"), expires_by="lapse"),
        State("paying", Phase.PROPOSED, _l("Kept for the buyer: waiting for the payment"), expires_by="lapse"),
        State("clearing", Phase.PROPOSED, _l("Kept for the buyer: the payment is on its way"), expires_by="lapse"),
        State("agreed", Phase.AGREED, _l("To be picked up"), expires_by="let_go"),
        State("handed_over", Phase.ACTIVE, _l("Handed over"), expires_by="complete"),
        State("disputed", Phase.ACTIVE, _l("The buyer reported a problem"), expires_by="undo"),
        State("contested", Phase.ACTIVE, _l("The two do not agree: an operator decides"), expires_by="undo"),
        State("completed", Phase.COMPLETED, _l("Finished")),
        State("declined", Phase.CANCELLED, _l("Declined")),
        State("released", Phase.CANCELLED, _l("Sold to somebody else")),
        State("lapsed", Phase.CANCELLED, _l("Ended: no answer or payment in time")),
        State("cancelled", Phase.CANCELLED, _l("Cancelled")),
        State("not_fetched", Phase.CANCELLED, _l("Called off: not picked up in time")),
        State("undone", Phase.FAILED, _l("Undone: the money goes back, and the thing too")),
    ),
    transitions=(
        Transition("accept", ("requested",), "agreed", SELLER | SYSTEM, _l("Accept")),
        Transition("accept_to_pay", ("requested",), "paying", SELLER | SYSTEM, _l("Accept")),
        Transition("decline", ("requested",), "declined", SELLER, _l("Decline"),
            confirm=_l("The other is told that it can't be. A word why is kind.")),
        Transition("release", ("requested",), "released", SYSTEM, _l("Sold to somebody else")),
        Transition("bank_at_work", ("paying",), "clearing", SYSTEM, _l("The payment is on its way")),
        Transition("pay_again", ("clearing",), "paying", SYSTEM, _l("The bank refused")),
        Transition("confirm", ("paying", "clearing"), "agreed", SYSTEM, _l("Paid")),
        Transition("lapse", ("requested", "paying", "clearing"), "lapsed", SYSTEM, _l("Not in time")),
        Transition("hand_over", ("agreed",), "handed_over", SELLER, _l("I handed it over"),
            confirm=_l("The buyer has 48 hours to look at it. Then the sale is final, and the money is yours.")),
        Transition("have_it", ("agreed", "handed_over"), "completed", BUYER, _l("I have it, and all is well"),
            confirm=_l("The sale is final, and the owner is paid. Afterwards you can't report a problem here any more.")),
        Transition("keep", ("agreed",), "completed", SYSTEM, _l("The buyer has it already")),
        Transition("complete", ("handed_over",), "completed", SYSTEM, _l("Nobody said otherwise: the sale is final")),
        Transition("report", ("handed_over",), "disputed", BUYER, _l("Something is wrong with it"),
            confirm=_l("Say what. The owner can take it back, or answer; without an answer you get everything back."),
            asks_why=True),
        Transition("take_back", ("disputed", "contested"), "undone", SELLER, _l("Take it back"),
            confirm=_l("The buyer gives the thing back to you. This can't be undone.")),
        Transition("contest", ("disputed",), "contested", SELLER, _l("I don't agree"),
            confirm=_l("Say how you see it. An operator reads what both of you say, and decides."), asks_why=True),
        Transition("be_content", ("disputed", "contested"), "completed", BUYER, _l("I keep it after all"),
            confirm=_l("The sale is final, and the owner is paid.")),
        Transition("undo", ("disputed", "contested"), "undone", SYSTEM, _l("No answer in time: the sale is undone")),
        Transition("for_the_buyer", ("disputed", "contested"), "undone", OPERATOR, _l("Undo the sale"),
            confirm=_l("The buyer gives the thing back. Both read your reason.")),
        Transition("for_the_seller", ("disputed", "contested"), "completed", OPERATOR, _l("Let the sale stand"),
            confirm=_l("The owner is paid. Both read your reason.")),
        Transition("cancel", ("requested", "paying", "clearing", "agreed"), "cancelled", BUYER, _l("Cancel"),
            confirm=_l("Nothing is sold then, and somebody else can have it. This can't be undone.")),
        Transition("call_off", ("paying", "clearing", "agreed"), "cancelled", SELLER | SYSTEM, _l("Call it off"),
            confirm=_l("Nothing is sold then, and somebody else can have it. This can't be undone.")),
        Transition("let_go", ("agreed",), "not_fetched", SYSTEM, _l("Not picked up in time: called off")),
    ),
)  # fmt: skip
