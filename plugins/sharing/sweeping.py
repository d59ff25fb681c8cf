"""How every sweep of sharing goes over what is due: one after the other, each in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from marketplace.api import DomainError, InvalidTransition, db


def each(due: Iterable[int], act: Callable[[int], None]) -> None:
    """Do something about each of these ids; one that can't move does not hold up the others.

    `act` opens its own transaction. What was read to find the ids is ended first, so that no read transaction stays open
    over the writing ones.
    """
    ids = list(due)
    db.session.rollback()
    for number in ids:
        try:
            act(number)
        except (DomainError, InvalidTransition):
            db.session.rollback()
