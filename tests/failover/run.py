"""Members pledge through HTTP, the primary database dies in the middle, the standby takes over: is anything missing?"""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from marketplace.database import db
from marketplace.listings import service as listings
from marketplace.payments.models import Payment
from marketplace.testing.apps import migrate
from plugins.funding import campaigns
from tests.crash import pledging
from tests.crash.pledging import Promise
from tests.crash.rounds import STORY
from tests.crash.site import Plan, Site, opened
from tests.failover.servers import Pair, pair

CAMPAIGNS, BACKERS, AT_ONCE = 6, 16, 6
FACTS = {"title": "A garden", "summary": "Vegetables", "body_md": STORY, "place": "Utrecht", "category": "garden"}


@dataclass
class Figures:
    """What happened; `seconds_away` passed between the primary's death and the first pledge that its successor took."""

    before: int
    after: int
    cut: int
    seconds_away: float
    differences: list[str]

    def lines(self) -> list[str]:
        """Write the figures for people."""
        return [
            f"pledges acknowledged before the primary died   {self.before:6}",
            f"pledges acknowledged after that                {self.after:6}",
            f"requests without an answer, or with an error   {self.cut:6}",
            f"seconds until the next pledge was acknowledged {self.seconds_away:6.1f}",
            f"acknowledged writes missing, and differences   {len(self.differences):6}",
            *self.differences,
        ]


class Crowd:
    """Many members who pledge at once, and when each of them was told that the pledge stands."""

    def __init__(self, site: Site, seed: int) -> None:
        """Open the campaigns and invite the members."""
        user, _owner = site.people.owner()
        ids = [campaigns.create(user, facts=FACTS, goal_minor=100_00, days=20).id for _number in range(CAMPAIGNS)]
        for campaign_id in ids:
            listings.publish(campaign_id, actor=user)
        db.session.rollback()
        self._dice = random.Random(seed)
        members = site.people.backers(BACKERS)
        self._wishes = [
            Promise(each, member, self._dice.randrange(5_00, 80_00), "good") for each in ids for member in members
        ]
        self.promises: list[Promise] = []
        self.told: list[float] = []
        self._lock = threading.Lock()

    def pledge(self) -> None:
        """Pledge all at once, a few at a time; each asks until there is an answer."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(self._one, wish, self._dice.getrandbits(64)) for wish in self._wishes]:
                done.result()

    def _one(self, wish: Promise, seed: int) -> None:
        pledging.place(wish, random.Random(seed), new_cards=0.0)
        with self._lock:
            self.promises.append(wish)
            self.told.append(time.monotonic())


def run(folder: Path, seed: int = 1) -> Figures:
    """Let the primary die after a quarter of the pledges, and look for all of them on the standby in the end."""
    with pair(folder) as servers:
        migrate(servers.url)
        with opened(servers.url, folder, Plan(seed=seed)) as site:
            crowd = Crowd(site, seed)
            with ThreadPoolExecutor(1) as pool:
                pledging_all = pool.submit(crowd.pledge)
                died, promoted = _fail_over(servers, crowd)
                pledging_all.result()
            db.session.rollback()
            site.settling.settle()
            return _figures(site, crowd, died, promoted)


def _fail_over(servers: Pair, crowd: Crowd) -> tuple[float, float]:
    """Kill the primary in the middle and promote the standby; gives the moments when that was done."""
    deadline = time.monotonic() + 60
    while len(crowd.told) < CAMPAIGNS * BACKERS // 4:
        if time.monotonic() > deadline:
            raise TimeoutError("too few pledges were acknowledged")
        time.sleep(0.001)
    died = time.monotonic()
    servers.primary.kill()
    servers.promote()
    promoted = time.monotonic()
    db.session.remove()
    db.engine.dispose()  # this process held connections, too
    return died, promoted


def _figures(site: Site, crowd: Crowd, died: float, promoted: float) -> Figures:
    differences = site.proof.differences(crowd.promises, set(), set())
    kept = set(db.session.scalars(select(Payment.agreement_id)))
    differences += [f"pledge {one.agreement_id} is missing" for one in crowd.promises if one.agreement_id not in kept]
    counts = site.tally.table()
    after = [at for at in crowd.told if at > died]
    return Figures(
        before=len(crowd.told) - len(after),
        after=len(after),
        cut=sum(count for what, count in counts.items() if what.startswith(("requests cut", "answers 5"))),
        seconds_away=min(at for at in after if at > promoted) - died,
        differences=differences,
    )
