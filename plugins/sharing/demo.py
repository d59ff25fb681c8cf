"""The sharing part of the demo: items in every arrangement and what happens to them, by the same use cases as on the site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from marketplace.api import Agreement, User, agreements, clock, db, listings, payments, runtime, transaction
from plugins.sharing import demo_together
from plugins.sharing.buy import buy_demo
from plugins.sharing.demo_scenes import SCENES, Loan, Scene, Used
from plugins.sharing.help import help_demo
from plugins.sharing.item import items, units
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import claims, handovers, loans
from plugins.sharing.loan.booking_models import Loan as LoanSide
from plugins.sharing.price import price_lists
from plugins.sharing.price.simple_tariffs import SimplePrices, document
from plugins.sharing.slot import occupancy, openings
from plugins.sharing.slot.windows import Window, wall
from plugins.sharing.use import sessions

BEFORE = 3
"""How many days before its start a loan is asked for."""

OPENED = 40
"""How many days ago the items were published."""

HOUR = 11
FAR = ("out", "returned", "claimed", "closed")


def load(demo: Any) -> None:
    """Publish every item, and then let happen what happened, in the order of time."""
    found = {scene.title: _publish(demo, scene) for scene in SCENES}
    lent = [(loan.start, scene, loan) for scene in SCENES for loan in scene.loans]
    for _start, scene, loan in sorted(lent, key=lambda one: one[0]):
        if scene.free or runtime().settings.takes("stripe"):
            _lend(demo, found[scene.title], scene, loan)
    used = [(use.ago, scene, use) for scene in SCENES for use in scene.uses]
    for _ago, scene, use in sorted(used, key=lambda one: -one[0]):
        if runtime().settings.takes("stripe"):
            _use(demo, found[scene.title], use)
    help_demo.load(demo)
    demo_together.load(demo)
    buy_demo.load(demo)


def _publish(demo: Any, scene: Scene) -> int:
    owner = demo.user(scene.owner)
    first = next((key for key, prices in scene.prices.items() if prices), "borrow")
    asked = scene.prices.get(first, {})
    facts = {"title": scene.title, "body_md": scene.text, "category": scene.category, "place": owner.place}
    with demo.days_ago(OPENED):
        listing = items.create(
            owner,
            facts=facts,
            arrangement=first,
            price_minor=asked.get("day") or asked.get("hour"),
            address=scene.address,
        )
        for key, prices in scene.prices.items():
            if prices:
                simple = SimplePrices(**prices)
                made = document(simple, listing.currency, scene.title)
                price_lists.save(listing.id, key, made, owner, made_from=simple.kept())
        items.set_rules(listing.id, owner, _rules(scene, first))
        _units(listing.id, owner, scene)
        demo.picture(listing.id, owner, scene.motif, scene.alt)
        listings.publish(listing.id, actor=owner)
    if scene.repair:
        unit = units.units_of(listing.id)[0]
        with demo.days_ago(1), transaction():
            occupancy.block(unit.id, Window(clock.now(), demo.now + timedelta(days=scene.repair)), "repair")
    demo.step()
    return int(listing.id)


def _rules(scene: Scene, first: str) -> dict[str, Any]:
    """Give the scene's rules; where no money moves, a deposit can only be promised."""
    rules = {"arrangements": [first], "late_fee_minor_per_day": 0, **scene.rules}
    hours_for = rules.pop("hours_for", "handover")
    if rules.get("deposit_kind") in ("card", "held") and not payments.payments_enabled():
        rules["deposit_kind"] = "promised"
    return {**rules, "hours_for": hours_for}


def _units(item_id: int, owner: Any, scene: Scene) -> None:
    first = units.units_of(item_id)[0]
    if scene.units:
        label = scene.units[0]
        items.change_unit(
            item_id, owner, first.id, label=label, place=scene.address, replacement_minor=None, active=True
        )
        for label in scene.units[1:]:
            items.add_unit(item_id, owner, label, scene.address)
    if scene.week:
        with transaction():
            openings.set_week(item_id, scene.week)


def _lend(demo: Any, item_id: int, scene: Scene, loan: Loan) -> None:
    window = _window(demo, item_id, loan)
    card = None if scene.free else demo.card(loan.who)
    way = "borrow" if scene.free else "rent"
    with clock.frozen(min(window.starts_at - timedelta(days=BEFORE), demo.now - timedelta(hours=2))):
        made = loans.request(item_id, window, demo.user(loan.who).id, way, f"demo-{item_id}-{loan.who}", note=loan.note)
        agreement_id = made.id
        if loan.until == "asked":
            return
        if made.state == "requested":
            loans.accept(agreement_id, _as_owner(agreement_id))
        _pay(demo, agreement_id, card)
    if loan.until in FAR:
        _hand_over(demo, agreement_id, scene, loan, window)


def _window(demo: Any, item_id: int, loan: Loan) -> Window:
    """Give the loan's period: from eleven in the morning, or the first hour when it is open, on days when it may begin."""
    item = db.session.get_one(Item, item_id)
    week = openings.week_of(item_id)
    day = clock.local(demo.now, item.zone).date() + timedelta(days=loan.start)
    while week and not (week.get(day.weekday()) and week.get((day + timedelta(days=loan.days)).weekday())):
        day -= timedelta(days=1)
    since = max(HOUR * 60, week[day.weekday()][0][0]) if week else HOUR * 60
    last = day + timedelta(days=loan.days)
    until = max(HOUR * 60, week[last.weekday()][0][0]) if week else HOUR * 60
    return Window(wall(day, since, item.zone), wall(last, until, item.zone))


def _pay(demo: Any, agreement_id: int, card: int | None) -> None:
    side = db.session.get_one(LoanSide, agreement_id, populate_existing=True)
    for number in (side.payment_id, side.deposit_payment_id):
        payment = payments.get(number) if number is not None else None
        if payment is not None and card is not None and payment.state in ("method_needed", "ready"):
            payments.use_saved_method(payment, card)
            demo.work()


def _hand_over(demo: Any, agreement_id: int, scene: Scene, loan: Loan, window: Window) -> None:
    with clock.frozen(min(window.starts_at, demo.now - timedelta(minutes=50))):
        first = handovers.record(agreement_id, _as_owner(agreement_id), "out", condition="Complete, and it works.")
        handovers.agree(first.hand_over_id, _as_member(agreement_id))
        demo.work()
    if loan.until == "out":
        return
    with clock.frozen(window.ends_at):
        last = handovers.record(agreement_id, _as_owner(agreement_id), "in", condition=loan.words)
        handovers.agree(last.hand_over_id, _as_member(agreement_id))
        if loan.until == "claimed":
            claims.make(agreement_id, _as_owner(agreement_id), "damage", loan.claim, loan.words)
        elif loan.until == "closed":
            agreements.transition(agreement_id, "close", _as_owner(agreement_id))
        demo.work()
    if loan.said is not None:
        with clock.frozen(min(window.ends_at + timedelta(days=1), demo.now)):
            stars, of_thing, of_borrower = loan.said
            demo.review(agreement_id, loan.who, 5, of_thing, item_stars=stars)
            demo.review(agreement_id, scene.owner, 5, of_borrower)


def _use(demo: Any, item_id: int, use: Used) -> None:
    demo.card(use.who)
    began = demo.now - timedelta(minutes=use.ago)
    stands = {name: pair[0] for name, pair in use.stands.items()}
    with clock.frozen(began):
        taken = [unit for unit in units.units_of(item_id) if sessions.standing_session(unit.id) is None]
        wish = sessions.Wish(unit_id=taken[0].id, nonce=f"demo-{item_id}-{use.who}")
        agreement_id = sessions.start_now(demo.user(use.who), wish, stands).id
    if use.minutes is None:
        return
    with clock.frozen(began + timedelta(minutes=use.minutes)):
        sessions.move(agreement_id, demo.user(use.who), "end", {name: pair[1] for name, pair in use.stands.items()})
    with clock.frozen(began + timedelta(minutes=use.minutes + 30)):
        demo.work()


def _as_owner(agreement_id: int) -> Any:
    return _actor(agreement_id, "owner_id")


def _as_member(agreement_id: int) -> Any:
    return _actor(agreement_id, "member_id")


def _actor(agreement_id: int, side: str) -> Any:
    agreement = db.session.get_one(Agreement, agreement_id)
    return agreements.actor_for(db.session.get_one(User, getattr(agreement, side)), agreement)
