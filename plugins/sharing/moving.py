"""Moves that the system makes by itself, as money, time or others let it, when somebody may have been quicker."""

from __future__ import annotations

from contextlib import suppress

from marketplace.api import Actor, InvalidTransition, agreements


def move(agreement_id: int, name: str) -> None:
    """Make a move in the system's name; an agreement that has gone on meanwhile stays as it is."""
    with suppress(InvalidTransition):
        agreements.transition(agreement_id, name, Actor.system())
