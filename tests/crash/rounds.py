"""One round: a campaign from its first pledge to its pay-out, with kills all the way, then rest, then the proof."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.listings import service as listings
from marketplace.payments.models import PaymentAttempt
from plugins.funding import campaigns
from plugins.funding.models import Campaign
from tests.crash import pledging
from tests.crash.people import Person
from tests.crash.pledging import Promise
from tests.crash.settling import UNFINISHED, Stuck
from tests.crash.site import Site
from tests.crash.storm import Act, Journey

STORY = "We plant a garden behind the library, for everybody. " * 3
DUNNING = timedelta(days=1)
MOST_DAYS = 30
FAILS_EVERY, DROPS_EVERY = 5, 4
"""Every so many rounds a campaign misses its goal, or a refused card is never mended."""


class Round:
    """What happens around one campaign."""

    def __init__(self, site: Site, number: int, backers: Sequence[Person], operator: Person, seed: int) -> None:
        """Take who takes part; the number (from 0) decides whether the goal is reached and a refused card stays so."""
        self.site = site
        self.seed = seed
        self.operator = operator
        self.fails = number % FAILS_EVERY == FAILS_EVERY - 1
        self.drops = number % DROPS_EVERY == DROPS_EVERY - 1
        self.backers = backers
        user, self.owner = site.people.owner()
        site.people.stay()
        facts = {
            "title": "A garden",
            "summary": "Vegetables",
            "body_md": STORY,
            "place": "Utrecht",
            "category": "garden",
        }
        goal = 1_000_000_00 if self.fails else 1_00
        self.campaign = campaigns.create(user, facts=facts, goal_minor=goal, days=1).id
        listings.publish(self.campaign, actor=user)
        db.session.rollback()
        self.promises: list[Promise] = []

    def run(self) -> None:
        """Let it happen."""
        self.site.bank.stumble(self.site.plan.weather)
        self.site.storm.over([self._journey(place, backer) for place, backer in enumerate(self.backers)])
        self._to_the_deadline()
        self._storm_until(self._is_closed)
        self._storm_until(lambda: not self._in_state("pledged", "charging"))
        if not self.fails:
            self._after_the_charges()
        self.rest()

    def _storm_until(self, calm: Callable[[], bool]) -> None:
        """Kill until something is so. A storm so long that it cleared is followed by rest: who was unlucky has had it all."""
        self.site.bank.stumble(self.site.plan.weather)
        self.site.storm.until(calm, self.site.settling.leaping())
        if self.site.bank.is_well:
            self.site.settling.settle()

    def _journey(self, place: int, backer: Person) -> Journey:
        """Plan what a backer does before the deadline: pledge, perhaps change, perhaps withdraw and come back."""
        dice = random.Random(f"{self.seed} {place}")
        cards = {1: "refused", 2: "asks", 3: "slow refund", 4: "refused" if self.drops else "good"}
        acts: list[Act] = []

        def begin() -> None:
            for new_cards in (self.site.plan.new_cards, 0.0):
                promise = Promise(self.campaign, backer, dice.randrange(5_00, 80_00), cards.get(place, "good"))
                pledging.place(promise, dice, new_cards)
                self.promises.append(promise)
                latest.append(promise)
                if not promise.ended:
                    break

        latest: list[Promise] = []
        acts.append(begin)
        if dice.random() < 0.35:
            acts.append(lambda: pledging.change(latest[-1], dice.randrange(5_00, 80_00), dice))
        if dice.random() < 0.2 and place not in cards:
            acts.append(lambda: pledging.cancel(latest[-1], dice))
            if dice.random() < 0.5:
                acts.append(begin)
        return acts

    def _to_the_deadline(self) -> None:
        """Switch the workers off, let the last day pass, and switch them on again."""
        closes_at: datetime | None = db.session.scalar(
            select(Campaign.closes_at).where(Campaign.listing_id == self.campaign)
        )
        db.session.rollback()
        assert closes_at is not None
        self.site.processes.kill_workers()
        self.site.clock.leap_to(closes_at + timedelta(seconds=61))
        self.site.processes.start_workers()

    def _is_closed(self) -> bool:
        db.session.rollback()
        state = db.session.scalar(select(Campaign.state).where(Campaign.listing_id == self.campaign))
        return state != "live"

    def _in_state(self, *states: str) -> int:
        db.session.rollback()
        rows = db.session.scalars(
            select(Agreement.id).where(Agreement.listing_id == self.campaign, Agreement.state.in_(states))
        )
        return len(rows.all())

    def _after_the_charges(self) -> None:
        """Backers mend what went wrong, the operator gives money back, the owner says where the rest goes."""
        standing = [promise for promise in self.promises if not promise.ended]
        refused = [promise for promise in standing if promise.card == "refused"]
        self.site.storm.over(
            [
                *([partial(pledging.mend, promise)] for promise in refused[: 1 if self.drops else None]),
                *([partial(pledging.approve, promise)] for promise in standing if promise.card == "asks"),
                *self._refunds(standing, 0.2),
            ]
        )
        self.site.storm.over([[lambda: pledging.onboard(self.owner, random.Random(self.seed))]])
        if self.drops:
            self._wait_for_drops()
        self._storm_until(self._is_paid_out)
        self._charge_back([promise for promise in standing if promise.card == "good" and not promise.refunded])
        self.site.storm.over(self._refunds([promise for promise in standing if not promise.charged_back], 0.1))

    def _refunds(self, standing: Sequence[Promise], share: float) -> list[Journey]:
        """Plan refunds, one or two each, of a share of the pledges that were charged."""
        journeys = []
        dice = random.Random(f"{self.seed} refunds {share}")
        for promise in sorted(standing, key=lambda promise: promise.backer.id):
            if promise.card == "slow refund" or (promise.card == "good" and dice.random() < share):
                amounts = [dice.randrange(1, promise.amount // 5) for _time in range(dice.choice((1, 1, 2)))]
                journeys.append([partial(pledging.refund, promise, self.operator, minor) for minor in amounts])
        return journeys

    def _charge_back(self, charged: Sequence[Promise]) -> None:
        """Let two payers ask their bank for the money back; one of them is right."""
        for promise, outcome in zip(charged, ("won", "lost"), strict=False):
            promise.charged_back = outcome
            self.site.bank.charge_back(f"agreement-{promise.agreement_id}", won=outcome == "won")

    def _wait_for_drops(self) -> None:
        """Let day after day pass until the cards that stay refused are given up."""
        for _day in range(MOST_DAYS):
            self.rest()
            if not self._in_state("retrying", "action_required"):
                return
            self.site.clock.leap(DUNNING)
        raise Stuck(f"{self._in_state('retrying', 'action_required')} refused cards are not given up in a month")

    def _is_paid_out(self) -> bool:
        """Tell whether the campaign is finished, and the owner was sent a part for every charged pledge, as both sides know.

        As long as the site does not know, a refund can't be taken back from the owner's account, and the owner owes it.
        """
        db.session.rollback()
        if db.session.scalar(select(Campaign.state).where(Campaign.listing_id == self.campaign)) != "funded":
            return False
        under_way = (PaymentAttempt.kind == "transfer", PaymentAttempt.state.in_(UNFINISHED))
        if db.session.scalar(select(PaymentAttempt.id).where(*under_way).limit(1)):
            return False
        sent = {transfer["transfer_group"] for _seq, transfer in self.site.bank.objects("transfer")}
        charged = [promise for promise in self.promises if promise.good and not promise.ended]
        return sent >= {f"agreement-{promise.agreement_id}" for promise in charged}

    def rest(self) -> None:
        """Let the weather clear and wait until nothing is left to do; raises Stuck."""
        self.site.bank.recover()
        self.site.settling.settle()
