"""One of the racing processes: random holds, bookings, extensions, confirmations, re-assignments, blocks, purchases."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import DomainError, InvalidInput
from marketplace.testing.apps import built, settings
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.slot import for_ever, occupancy
from plugins.sharing.slot.for_ever import NotToBeHad
from plugins.sharing.slot.occupancy import SlotTaken, Window
from tests.race.world import Round, World, day_of

STEP = 30
CHANCES = {
    "hold": 38, "book": 18, "confirm": 14, "extend": 9, "reassign": 8, "block": 5, "release": 5, "shorten": 3, "buy": 12,
    "begin": 4,
}  # fmt: skip
WAIT = 600


class Racer:
    """A process's own choices, the same for the same seed."""

    def __init__(self, world: World, seed: int, own: int) -> None:
        """Begin without any booking; `own` is the number of the process."""
        self.world, self.random, self.own = world, random.Random(seed), own
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

    def rush_to_buy(self) -> None:
        """Want, with all the others, the one unit of the last item: some to have it for some hours, some for ever."""
        start = day_of(self.number) + timedelta(hours=9)
        member = self.world.members[self.own]  # one's own booking is no obstacle to buying

        def act() -> None:
            if self.own % 2 == self.number % 2:
                self._bought(for_ever.take(self.world.items[-1], member, None)[0].id)
            else:
                held = occupancy.book(self.world.items[-1], Window(start, start + timedelta(hours=2)), member, None)
                self.round.booked.add(held.id)
            self.round.last += 1

        self.attempt("rush to buy", act)

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
            if (
                name in ("rush", "rush to buy", "hold", "book", "buy")
                and isinstance(refused, SlotTaken | NotToBeHad)
                and not str(refused)
            ):
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

    def _buy(self) -> None:
        """Buy any item: mostly as who then does not pay, so that others get their turn, too."""
        minutes = self.random.choices((0, 30, None), (70, 15, 15))[0]
        expires = None if minutes is None else clock.now() + timedelta(minutes=minutes)
        row, _chance = for_ever.take(self.random.choice(self.world.items), self.member(), None, expires_at=expires)
        self.mine.append(row.id)
        if expires is None:
            self._bought(row.id)

    def _bought(self, row_id: int) -> None:
        self.round.booked.add(row_id)
        self.round.bought.add(row_id)

    def _begin(self) -> None:
        """Fetch what was bought, or begin a booking of one's own, sooner."""
        for_ever.begin_now(self.random.choice(self.mine) if self.mine else 0)

    def _confirm(self) -> None:
        row = occupancy.confirm(self._one())
        self.round.booked.add(row.id)
        if row.ends_at >= for_ever.FOREVER:
            self.round.bought.add(row.id)

    def _extend(self) -> None:
        occupancy.extend(self._one(), self.window().ends_at)

    def _shorten(self) -> None:
        """Mostly to its first half hour: an end at random seldom lies within."""
        chosen = self._one()
        row = db.session.get(Occupancy, chosen)
        if row is not None and row.ends_at >= for_ever.FOREVER:
            raise InvalidInput({"ends_at": "what was bought is never cut short"})
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


def race(world: World, seed: int, own: int, rounds: int, attempts: int, barrier: Barrier, results: Any) -> None:
    """Take part in every round, telling after each what came of it."""
    folder = Path(world.folder)
    with built(settings(world.url, folder), folder) as app, app.app_context():
        racer = Racer(world, seed * 1000 + own, own)
        for racer.number in range(rounds):
            racer.mine, racer.round = [], Round()
            barrier.wait(WAIT)
            racer.rush()
            racer.rush_to_buy()
            for _attempt in range(attempts - 2):
                racer.any()
            results.put(racer.round)
            barrier.wait(WAIT)  # until the round is proven and the table empty
