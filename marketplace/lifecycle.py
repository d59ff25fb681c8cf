"""State machines as data: what states an agreement can be in, and who may move it where. Knows no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """The six phases that every kind's states map to, so that code which knows no kind can still sort agreements."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    ACTIVE = "active"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


ENDED = frozenset({Phase.COMPLETED, Phase.CANCELLED, Phase.FAILED})


class Role(StrEnum):
    """In what capacity somebody acts on an agreement."""

    MEMBER = "member"
    OWNER = "owner"
    OPERATOR = "operator"
    SYSTEM = "system"


class MachineError(ValueError):
    """A state machine contradicts itself; found at start-up."""


class InvalidTransition(ValueError):
    """A move that the machine does not have, from this state or for this role."""


@dataclass(frozen=True, slots=True)
class State:
    """One state; `label` is a (lazy) text for people.

    A state that waits for somebody names in `expires_by` the system's transition that ends the wait at its deadline.
    """

    name: str
    phase: Phase
    label: Any
    expires_by: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One named move; `confirm` is a text shown before it is done, `hidden` keeps it off the agreement page.

    `asks_why`: its effect refuses the move without words (field "note"), so the form does not call them optional.
    """

    name: str
    sources: tuple[str, ...]
    target: str
    roles: frozenset[Role]
    label: Any
    confirm: Any = None
    hidden: bool = False
    asks_why: bool = False


@dataclass(frozen=True)
class StateMachine:
    """All states and moves of one kind of agreement, checked when made; raises MachineError."""

    kind: str
    initial: str
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    _states: Mapping[str, State] = field(init=False, repr=False, compare=False)
    _moves: Mapping[str, Transition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check that names are unique, all states exist and are reachable, and every waiting state has a system exit."""
        object.__setattr__(self, "_states", {state.name: state for state in self.states})
        object.__setattr__(self, "_moves", {move.name: move for move in self.transitions})
        if len(self._states) != len(self.states) or len(self._moves) != len(self.transitions):
            raise MachineError(f"{self.kind}: a name is used twice")
        for move in self.transitions:
            unknown = {*move.sources, move.target} - set(self._states)
            if unknown or not move.roles:
                raise MachineError(f"{self.kind}.{move.name}: unknown states {sorted(unknown)} or no role")
        self._check_reach()
        for state in self.states:
            if state.expires_by and state.expires_by not in {m.name for m in self.possible(state.name, Role.SYSTEM)}:
                raise MachineError(f"{self.kind}.{state.name}: the system can't make the move {state.expires_by!r}")

    def _check_reach(self) -> None:
        reached, frontier = {self.initial}, [self.initial]
        while frontier:
            here = frontier.pop()
            for move in self.transitions:
                if here in move.sources and move.target not in reached:
                    reached.add(move.target)
                    frontier.append(move.target)
        lost = set(self._states) - reached
        if lost or self.initial not in self._states:
            raise MachineError(f"{self.kind}: states {sorted(lost)} can't be reached from {self.initial!r}")

    def state(self, name: str) -> State:
        """Give a state by name; raises InvalidTransition when the machine has no such state."""
        try:
            return self._states[name]
        except KeyError:
            raise InvalidTransition(f"{self.kind} has no state {name!r}") from None

    def find(self, name: str, source: str, role: Role) -> Transition:
        """Give the move `name` if it may be made from `source` by `role`; raises InvalidTransition."""
        move = self._moves.get(name)
        if move is None:
            raise InvalidTransition(f"{self.kind} has no transition {name!r}")
        if source not in move.sources:
            raise InvalidTransition(f"{self.kind}.{name} can't be made from {source!r}")
        if role not in move.roles:
            raise InvalidTransition(f"{self.kind}.{name} is not for the {role}")
        return move

    def possible(self, source: str, role: Role) -> tuple[Transition, ...]:
        """List the moves that `role` may make from `source`, in the order of the table."""
        return tuple(move for move in self.transitions if source in move.sources and role in move.roles)
