"""State machines as data: a table that contradicts itself is found when it is made."""

import pytest

from marketplace.lifecycle import InvalidTransition, MachineError, Phase, Role, State, StateMachine, Transition

ON, OFF, LOST = (
    State("on", Phase.ACTIVE, "On"),
    State("off", Phase.COMPLETED, "Off"),
    State("lost", Phase.FAILED, "Lost"),
)
OWNER, SYSTEM = frozenset({Role.OWNER}), frozenset({Role.SYSTEM})
STOP = Transition("stop", ("on",), "off", OWNER, "Stop")


def machine(
    states: tuple[State, ...] = (ON, OFF), transitions: tuple[Transition, ...] = (STOP,), initial: str = "on"
) -> StateMachine:
    return StateMachine("lamp", initial, states, transitions)


def test_a_sound_machine_finds_its_states_and_moves() -> None:
    lamp = machine()
    assert lamp.state("off").phase == "completed"
    assert lamp.find("stop", "on", Role.OWNER) is STOP
    assert lamp.possible("on", Role.OWNER) == (STOP,)
    assert lamp.possible("on", Role.MEMBER) == lamp.possible("off", Role.OWNER) == ()


@pytest.mark.parametrize(
    ("states", "transitions", "initial", "message"),
    [
        ((ON, OFF, OFF), (STOP,), "on", "used twice"),
        ((ON, OFF), (STOP, STOP), "on", "used twice"),
        ((ON, OFF), (STOP,), "dark", "can't be reached from 'dark'"),
        ((ON, OFF, LOST), (STOP,), "on", r"\['lost'\] can't be reached"),
        (
            (ON, OFF),
            (STOP, Transition("break", ("on",), "gone", OWNER, "x")),
            "on",
            r"lamp.break: unknown states \['gone'\]",
        ),
        ((ON, OFF), (STOP, Transition("break", ("gone",), "off", OWNER, "x")), "on", "unknown states"),
        ((ON, OFF), (STOP, Transition("break", ("on",), "off", frozenset(), "x")), "on", "or no role"),
        (
            (State("on", Phase.ACTIVE, "On", expires_by="stop"), OFF),
            (STOP,),
            "on",
            "the system can't make the move 'stop'",
        ),
        (
            (State("on", Phase.ACTIVE, "On", expires_by="end"), OFF),
            (STOP,),
            "on",
            "the system can't make the move 'end'",
        ),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    states: tuple[State, ...], transitions: tuple[Transition, ...], initial: str, message: str
) -> None:
    with pytest.raises(MachineError, match=message):
        machine(states, transitions, initial)


def test_a_state_may_end_by_a_move_of_the_system() -> None:
    waiting = State("on", Phase.ACTIVE, "On", expires_by="end")
    assert (
        machine((waiting, OFF), (STOP, Transition("end", ("on",), "off", SYSTEM, "End"))).state("on").expires_by
        == "end"
    )


@pytest.mark.parametrize(
    ("name", "source", "role", "message"),
    [
        ("burn", "on", Role.OWNER, "no transition 'burn'"),
        ("stop", "off", Role.OWNER, "can't be made from 'off'"),
        ("stop", "on", Role.MEMBER, "is not for the member"),
        ("stop", "nowhere", Role.OWNER, "can't be made from 'nowhere'"),
    ],
)
def test_a_move_that_the_table_does_not_have_raises(name: str, source: str, role: Role, message: str) -> None:
    with pytest.raises(InvalidTransition, match=message):
        machine().find(name, source, role)


def test_a_state_that_the_table_does_not_have_raises() -> None:
    with pytest.raises(InvalidTransition, match="no state 'dark'"):
        machine().state("dark")
