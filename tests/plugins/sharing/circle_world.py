"""A small world for tests of circles: a keeper, members, a stranger, and what is to be done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.circle import circle_reads, circles, moments
from plugins.sharing.circle.circle_models import IN, Circle, CircleMoment, CirclePlace
from tests.plugins.sharing.help_world import Helping

ZONE = "Europe/Amsterdam"


class Around(Helping):
    """What happens in one circle, in a few words each: `lender` keeps it, `borrower` belongs to it, `other` is a stranger."""

    def __init__(self, app: Flask, factories: Factories, frozen: Any) -> None:
        """Start a circle with one member."""
        super().__init__(app, factories, frozen)
        self._circle = circles.start(self.lender, circles.About("Around Oma Riet", "Utrecht", "She likes tea.")).id
        self.let_in(self.borrower)

    @property
    def circle(self) -> Circle:
        """Read the circle."""
        refresh()
        return db.session.get_one(Circle, self._circle, populate_existing=True)

    @property
    def path(self) -> str:
        """Give its address."""
        return f"/circles/{self._circle}"

    def let_in(self, user: User) -> User:
        """Let somebody in."""
        with transaction():
            circles.admit(circles.locked(self._circle), user, IN)
        return user

    def member(self, **facts: Any) -> User:
        """Make a member of the circle."""
        return self.let_in(self.factories.user(**facts))

    def plan(self, people: int = 1, days: int = 5, by: User | None = None, **more: Any) -> list[CircleMoment]:
        """Plan something from ten to eleven, so many days ahead; gives its moments."""
        day = clock.local(clock.now(), ZONE).date() + timedelta(days=days)
        facts = {"title": "Shopping", "note": "The list is on the fridge.", **more}
        plan = moments.Plan(day=day, from_minute=600, to_minute=660, people=people, **facts)
        return self.moments(moments.add(self._circle, by or self.lender, plan).id)

    @staticmethod
    def moments(task_id: int) -> list[CircleMoment]:
        """Give the moments of a task."""
        refresh()
        found = select(CircleMoment).where(CircleMoment.task_id == task_id).order_by(CircleMoment.day)
        return list(db.session.scalars(found.execution_options(populate_existing=True)))

    @staticmethod
    def coming(moment: CircleMoment) -> list[int | None]:
        """Give who has each place."""
        refresh()
        found = select(CirclePlace.helper_id).where(CirclePlace.moment_id == moment.id).order_by(CirclePlace.number)
        return list(db.session.scalars(found))

    def seen(self, moment: CircleMoment) -> circle_reads.Moment:
        """Give a moment as pages show it."""
        refresh()
        found = circle_reads.one(self._circle, moment.id)
        assert found is not None
        return found
