"""The asking part of the demo: requests and meals, by the same use cases as on the site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketplace.api import Agreement, User, agreements, clock, db, payments, runtime
from plugins.sharing.demo_asking_scenes import ASKS, MEALS, Asked, Cooked
from plugins.sharing.meal import meals, orders
from plugins.sharing.meal.meal_models import Order
from plugins.sharing.request import request_answers, requests
from plugins.sharing.slot.windows import Window, wall

NOON, EVENING = 12 * 60, 18 * 60


STEPS = len(ASKS) + len(MEALS)


def load(demo: Any) -> None:
    """Let everything be asked and cooked, in the order of its scenes."""
    for asked in ASKS:
        _ask(demo, asked)
        demo.step()
    for cooked in MEALS:
        _cook(demo, cooked)
        demo.step()


def _window(demo: Any, day: int, since: int, until: int, days: int = 0) -> Window:
    zone = runtime().settings.timezone
    first = clock.local(demo.now, zone).date() + timedelta(days=day)
    return Window(wall(first, since, zone), wall(first + timedelta(days=days), until, zone))


def _facts(owner: Any, scene: Any, category: str) -> dict[str, Any]:
    return {"title": scene.title, "body_md": scene.text, "category": category, "place": owner.place}


def _ask(demo: Any, scene: Asked) -> None:
    owner = demo.user(scene.who)
    with demo.days_ago(scene.ago):
        listing = requests.ask(
            owner,
            facts=_facts(owner, scene, scene.category),
            window=_window(demo, scene.start, NOON, EVENING, scene.days),
            radius_m=scene.km * 1000,
            address=scene.address,
        )
        number = listing.id
        demo.work()
    with demo.days_ago(scene.ago / 2):
        said = []
        for who, words, fee in scene.answers:
            asks = fee if payments.payments_enabled() else 0
            said.append(request_answers.offer(number, demo.user(who), words=words, fee_minor=asks).id)
        if scene.chosen is not None:
            request_answers.choose(said[scene.chosen], demo.user(scene.who))
        demo.work()


def _cook(demo: Any, scene: Cooked) -> None:
    owner = demo.user(scene.who)
    pick_up = _window(demo, scene.day, EVENING, EVENING + 90)
    asked = min(pick_up.starts_at - timedelta(days=3), demo.now - timedelta(hours=5))
    said = meals.Portions(
        count=scene.portions, price_minor=scene.price if meals.priced() else 0, order_by=pick_up.starts_at - timedelta(hours=4),
        pickup_from=pick_up.starts_at, pickup_until=pick_up.ends_at, allergens=scene.allergens, address=scene.address,
    )  # fmt: skip
    with clock.frozen(asked):
        number = meals.offer(owner, facts=_facts(owner, scene, "food"), portions=said).id
        demo.picture(number, owner, scene.motif, scene.alt)
        demo.work()
    for who, count, until in scene.orders:
        with clock.frozen(asked + timedelta(hours=4)):
            made = orders.place(number, demo.user(who).id, count, f"demo-{number}-{who}").id
            paid = _pay(demo, made, who)
        if until == "completed" and paid:
            with clock.frozen(pick_up.starts_at + timedelta(minutes=20)):
                agreements.transition(made, "pick_up", _member(made))
                agreements.transition(made, "complete", _member(made))
                demo.work()


def _pay(demo: Any, agreement_id: int, who: str) -> bool:
    """Pay what was ordered with the card of whoever ordered it; False where it waits to be paid by hand."""
    order = db.session.get_one(Order, agreement_id)
    card = demo.card(who) if order.payment_id is not None else None
    if order.payment_id is not None and card is not None:
        payments.use_saved_method(payments.get(order.payment_id), card)
    demo.work()
    return order.payment_id is None or card is not None


def _member(agreement_id: int) -> Any:
    agreement = db.session.get_one(Agreement, agreement_id)
    return agreements.actor_for(db.session.get_one(User, agreement.member_id), agreement)
