"""One of the racing processes: random holds, bookings, extensions, confirmations, re-assignments, blocks."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

from marketplace.database import db, transaction
from marketplace.errors import DomainError
from marketplace.testing.apps import built, settings
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.slot import occupancy
from plugins.sharing.slot.occupancy import SlotTaken, Window
from tests.race.world import Round, World, day_of

STEP = 30
CHANCES = {"hold": 38, "book": 18, "confirm": 14, "extend": 9, "reassign": 8, "block": 5, "release": 5, "shorten": 3}
WAIT = 600


class Racer:
    """A process's own choices, the same for the same seed."""

    def __init__(self, world: World, seed: int) -> None:
        """Begin without any booking."""
        self.world, self.random = world, random.Random(seed)
        self.mine: list[int] = []
        self.number = 0
        self.round = Round()

    def window(self) -> Window:
        """Choose half hours of the round's day."""
        start = day_of(self.number) + timedelta(minutes=STEP * self.random.randrange(0, 44))
        return Window(start, start + timedelta(minutes=STEP * self.random.randint(1, 8)))

    def member(self) -> int:
        """Choose somebody."""
        return self.random.choice(self.world.members)

    def rush(self) -> None:
        """Want, with all the others at the same moment, the one unit of the first item for the same hours."""
        start = day_of(self.number) + timedelta(hours=22)
        member = self.random.choice(self.world.members)
        window = Window(start, start + timedelta(hours=2))

        def act() -> None:
            held = occupancy.book(self.world.items[0], window, member, None)
            self.round.booked.add(held.id)
            self.round.rush += 1

        self.attempt("rush", act)

    def any(self) -> None:
        """Do one random thing."""
        name = self.random.choices(list(CHANCES), list(CHANCES.values()))[0]
        self.attempt(name, getattr(self, f"_{name}"))

    def attempt(self, name: str, act: Callable[[], None]) -> None:
        """Do it in a transaction of its own, and note what came of it."""
        self.round.attempts += 1
        try:
            with transaction():
                act()
        except DomainError as refused:
            self.round.refusals[refused.code] = self.round.refusals.get(refused.code, 0) + 1
            if name in ("rush", "hold", "book") and isinstance(refused, SlotTaken) and not str(refused):
                self.round.errors.append("a refusal without a reason")
        except Exception:  # exactly what no caller may ever see
            self.round.errors.append(f"{name}: {traceback.format_exc(limit=-4)}")
            db.session.rollback()
        else:
            self.round.successes += 1
            self.round.done[name] = self.round.done.get(name, 0) + 1
        finally:
            db.session.remove()

    def _one(self) -> int:
        """Choose one of one's own, or, seldom, of somebody else."""
        if not self.mine:
            return 0
        chosen = self.random.choice(self.mine)
        return chosen + self.random.randint(-9, 9) if self.random.random() < 0.15 else chosen

    def _hold(self) -> None:
        minutes = 0 if self.random.random() < 0.4 else 30  # many lapse at once
        row = occupancy.hold(self.random.choice(self.world.items), self.window(), self.member(), for_minutes=minutes)
        self.mine.append(row.id)

    def _book(self) -> None:
        row = occupancy.book(self.random.choice(self.world.items), self.window(), self.member(), None)
        self.mine.append(row.id)
        self.round.booked.add(row.id)

    def _confirm(self) -> None:
        self.round.booked.add(occupancy.confirm(self._one()).id)

    def _extend(self) -> None:
        occupancy.extend(self._one(), self.window().ends_at)

    def _shorten(self) -> None:
        """Mostly to its first half hour: an end at random seldom lies within."""
        chosen = self._one()
        row = db.session.get(Occupancy, chosen)
        occupancy.shorten(chosen, self.window().ends_at if row is None else row.starts_at + timedelta(minutes=STEP))

    def _reassign(self) -> None:
        occupancy.reassign(self._one(), self.random.choice(self.random.choice(self.world.units)))

    def _block(self) -> None:
        unit = self.random.choice(self.random.choice(self.world.units))
        self.mine.append(occupancy.block(unit, self.window(), self.random.choice(("block", "repair"))).id)

    def _release(self) -> None:
        """Give back one of one's own, so that what others were promised stays."""
        if not self.mine:
            return
        chosen = self.mine.pop(self.random.randrange(len(self.mine)))
        self.round.released.add(chosen)
        occupancy.release(chosen)


def race(world: World, seed: int, rounds: int, attempts: int, barrier: Barrier, results: Any) -> None:
    """Take part in every round, telling after each what came of it."""
    folder = Path(world.folder)
    with built(settings(world.url, folder), folder) as app, app.app_context():
        racer = Racer(world, seed)
        for racer.number in range(rounds):
            racer.mine, racer.round = [], Round()
            barrier.wait(WAIT)
            racer.rush()
            for _attempt in range(attempts - 1):
                racer.any()
            results.put(racer.round)
            barrier.wait(WAIT)  # until the round is proven and the table empty
