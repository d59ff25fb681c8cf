"""The funding part of the demo: campaigns in every state, brought there by the same use cases as on the site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketplace.api import Money, Refused, clock, db, listings, runtime
from plugins.funding import campaigns, pledges, rewards
from plugins.funding.demo_scenes import SCENES, Scene
from plugins.funding.models import Campaign, Reward
from plugins.funding.rewards import RewardFacts

STEPS = len(SCENES)
AFTER = timedelta(minutes=2)


def load(demo: Any) -> None:
    """Play every campaign from its draft to where it stands today."""
    for scene in SCENES:
        campaign_id = _open(demo, scene)
        if not scene.draft:
            if runtime().settings.takes("stripe"):
                _pledge(demo, scene, campaign_id)
            _tell(demo, scene, campaign_id)
            _close(demo, scene, campaign_id)
        demo.step()


def _open(demo: Any, scene: Scene) -> int:
    owner = demo.user(scene.owner)
    with demo.days_ago(scene.ago + 2):
        facts = {"title": scene.title, "summary": scene.summary, "body_md": scene.story, "category": scene.category}
        facts["place"] = owner.place
        listing = campaigns.create(owner, facts=facts, goal_minor=scene.goal, days=scene.days)
        for title, text, amount, stock in scene.rewards:
            rewards.add(listing.id, owner, RewardFacts(title, text, amount, stock, None))
        demo.picture(listing.id, owner, scene.motif, scene.alt)
    if not scene.draft:
        with demo.days_ago(scene.ago):
            listings.publish(listing.id, actor=owner)
    return int(listing.id)


def _pledge(demo: Any, scene: Scene, campaign_id: int) -> None:
    """Let members pledge until the scene's share of the goal is reached, each at a moment of their own."""
    wanted = scene.goal * scene.reach // 100
    backers = [key for key in demo.keys if key != scene.owner]
    demo.rng.shuffle(backers)
    backers = backers[: demo.rng.randint(9, len(backers))]
    offered = [
        (reward.id, reward.amount_minor)
        for reward in db.session.query(Reward).filter_by(campaign_id=campaign_id).order_by(Reward.amount_minor)
    ]
    passed = min(scene.ago, scene.days) * 0.95
    for number, key in enumerate(backers):
        left = wanted - _pledged(campaign_id)
        if left < 500:
            break
        share = left if number == len(backers) - 1 else max(1000, left // (len(backers) - number))
        amount = _round(min(left, int(share * demo.rng.uniform(0.5, 1.9))))
        reward_id = next((one for one, least in reversed(offered) if least <= amount), None)
        card = demo.card(key)
        with demo.days_ago(scene.ago - passed * (number + demo.rng.random()) / len(backers)):
            _place(demo, campaign_id, key, amount, reward_id, card)


def _place(demo: Any, campaign_id: int, key: str, amount: int, reward_id: int | None, card: int | None) -> None:
    facts: dict[str, Any] = {"amount_minor": max(500, amount), "nonce": f"demo-{campaign_id}-{key}", "method_id": card}
    facts["arrived"] = clock.now()
    try:
        pledges.place(campaign_id, demo.user(key), reward_id=reward_id, **facts)
    except Refused as error:
        if error.code != "sold_out":
            raise
        pledges.place(campaign_id, demo.user(key), reward_id=None, **facts)


def _pledged(campaign_id: int) -> int:
    return db.session.get_one(Campaign, campaign_id, populate_existing=True).pledged_minor


def _round(amount: int) -> int:
    """People pledge round sums: to 25 euros from 100 on, else to 2.50."""
    unit = 2500 if amount > 10000 else 250
    return Money(max(unit, amount // unit * unit), "EUR").minor


def _tell(demo: Any, scene: Scene, campaign_id: int) -> None:
    for number, (title, body) in enumerate(scene.updates):
        with demo.days_ago(max(0.1, scene.ago * 0.6 - number * 3)):
            campaigns.post_update(campaign_id, demo.user(scene.owner), title=title, body_md=body)


def _close(demo: Any, scene: Scene, campaign_id: int) -> None:
    """Let the worker close what has ended, at its own deadline; refused cards then have their week."""
    ends = db.session.get_one(Campaign, campaign_id, populate_existing=True).ends
    if ends >= demo.now:
        return
    if scene.payee and runtime().settings.takes("stripe"):
        demo.payee(scene.owner)
    for days in (0, 2, 4, 6, 8):
        at = ends + AFTER + timedelta(days=days)
        if at < demo.now:
            with clock.frozen(at):
                demo.work()
