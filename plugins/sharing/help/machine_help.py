"""The life of a help agreement as one table. No state is about money, because none may be asked."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Phase, Role, State, StateMachine, Transition

MEMBER = frozenset({Role.MEMBER})
OWNER = frozenset({Role.OWNER})
EITHER = MEMBER | OWNER
SYSTEM = frozenset({Role.SYSTEM})

HELP = StateMachine(
    kind="help",
    initial="answered",
    states=(
        State("answered", Phase.PROPOSED, _l("Answered"), expires_by="lapse"),
        State("agreed", Phase.AGREED, _l("Agreed"), expires_by="fade"),
        State("owner_said", Phase.ACTIVE, _l("Said to be done"), expires_by="presume"),
        State("member_said", Phase.ACTIVE, _l("Said to be done"), expires_by="presume"),
        State("completed", Phase.COMPLETED, _l("Done")),
        State("released", Phase.CANCELLED, _l("Thanked, and not needed this time")),
        State("withdrawn", Phase.CANCELLED, _l("Taken back")),
        State("lapsed", Phase.CANCELLED, _l("Ended: no answer in time")),
        State("called_off", Phase.CANCELLED, _l("Called off")),
        State("faded", Phase.CANCELLED, _l("Ended: nobody said how it went")),
        State("not_done", Phase.FAILED, _l("It did not happen")),
    ),
    transitions=(
        Transition("choose", ("answered",), "agreed", OWNER | SYSTEM, _l("Yes, gladly")),
        Transition("release", ("answered",), "released", OWNER | SYSTEM, _l("Not this time, thank you")),
        Transition("withdraw", ("answered",), "withdrawn", MEMBER, _l("Take it back")),
        Transition("lapse", ("answered",), "lapsed", SYSTEM, _l("No answer in time")),
        Transition("owner_done", ("agreed",), "owner_said", OWNER, _l("It is done")),
        Transition("member_done", ("agreed",), "member_said", MEMBER, _l("It is done")),
        Transition("member_agrees", ("owner_said",), "completed", MEMBER, _l("Yes, it is done")),
        Transition("owner_agrees", ("member_said",), "completed", OWNER, _l("Yes, it is done")),
        Transition("presume", ("owner_said", "member_said"), "completed", SYSTEM,
            _l("Nobody said otherwise; it counts as done")),
        Transition("fade", ("agreed",), "faded", SYSTEM, _l("Nobody said how it went")),
        Transition("call_off", ("agreed",), "called_off", EITHER | SYSTEM, _l("Call it off"),
            confirm=_l("The other side is told, and the place is free for somebody else.")),
        Transition("not_done", ("agreed", "owner_said", "member_said"), "not_done", EITHER, _l("It did not happen"),
            confirm=_l("The agreement ends without thanks. A word about why helps the other side.")),
    ),
)  # fmt: skip
