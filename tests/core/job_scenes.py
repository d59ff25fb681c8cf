"""Scenes in which each kind of job has something to do. A new kind of job needs its name in a scene here.

The name stands in the decorator; a scene makes the job run by what members and operators do, not by a made-up payload.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from PIL import Image
from sqlalchemy import text

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs import service as jobs
from marketplace.jobs.worker import drain
from marketplace.listings import pictures
from marketplace.outgoing import endpoints
from marketplace.payments import disputes, methods, service
from marketplace.payments.offline import overdue
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.users.models import User
from tests.core.dispute_world import Disputes
from tests.core.method_world import NOW, RETURNS, SAVE, MethodWorld, eur
from tests.core.offline_world import OfflineWorld
from tests.core.payment_world import NO_FUNDS, VISA, World
from tests.core.webhook_receiver import receiving
from tests.plugins.funding.conftest import Stage


@dataclass
class Props:
    """What a scene may use."""

    app: Flask
    bank: Bank
    factories: Factories
    frozen: FrozenClock


Scene = Callable[[Props], None]
SCENES: dict[Scene, tuple[str, ...]] = {}
"""Each scene with the kinds of job that must have had something to do in it."""


def scene(*kinds: str) -> Callable[[Scene], Scene]:
    """Enter a scene into the list."""

    def enter(play: Scene) -> Scene:
        SCENES[play] = kinds
        return play

    return enter


@scene(
    "payments.charge", "payments.refund", "payments.pay_out", "payments.transfer", "payments.process_event", "payments.bill",
    "notifications.mail",
)  # fmt: skip
def a_card_is_charged_settled_paid_out_and_refunded(props: Props) -> None:
    """Let money go the whole way, and some of it back."""
    world = World(props.app, props.bank, props.factories)
    world.onboard(world.owner)
    payment, other = world.charged(5000), world.charged(3000)
    service.refund(other, eur(1000), reason="a third of it")
    service.settle(payment, fee=eur(250))
    world.work()
    service.pay_out(world.owner.id, "EUR")
    service.settle(world.fresh(other), fee=eur(100))  # earned while the first pay-out is on its way
    service.pay_out(world.owner.id, "EUR")
    world.work()
    early = world.payment(2000)
    world.save_card(world.payer(early), VISA, early, look=False)  # the event brings the news
    for event in world.events():
        assert world.post_event(event) == 200
    world.work()


@scene("payments.recover", "payments.sweep", "payments.expire_setup", "payments.reconcile")
def answers_are_lost_and_pages_left(props: Props) -> None:
    """Lose an answer, lose a job, and leave a page open."""
    world = World(props.app, props.bank, props.factories)
    payment, other = world.payment(5000, card=VISA), world.payment(4000, card=VISA)
    world.fault("payment_intents.create", "lost")
    service.charge(payment)
    world.work()
    props.frozen.forward(minutes=1)  # before anything else looks for it
    world.work()
    world.fault("payment_intents.create", "lost")
    service.charge(other)
    world.work()
    forget("payments.recover")
    late = world.payment(3000)
    assert isinstance(methods.begin_setup(world.payer(late), late, RETURNS), str)
    for hours in (1, 1, 8, 8, 8):
        props.frozen.forward(hours=hours)
        world.work()
    assert world.fresh(payment).state == world.fresh(other).state == "succeeded"


def forget(kind: str) -> None:
    """Lose the jobs of a kind, as a mistake might."""
    with transaction():
        db.session.execute(text("DELETE FROM job WHERE kind = :kind"), {"kind": kind})
    refresh()


@scene(
    "payments.hold", "payments.mind_hold", "payments.capture", "payments.release", "payments.end_page", "payments.mind",
)  # fmt: skip
def amounts_are_held_taken_and_let_go(props: Props) -> None:
    """Hold for longer than a card can, take one, let another go, and pay on two pages at once."""
    world = MethodWorld(props.app, props.bank, props.factories, props.frozen)
    taken, freed = world.on_hold(until=timedelta(days=9)), world.on_hold(until=timedelta(days=9))
    for _day in range(5):
        world.forward(days=1)
    forget("payments.mind_hold")
    for _day in range(2):
        world.forward(days=1)
    service.capture(world.fresh(taken), eur(1200))
    service.release(world.fresh(freed))
    world.work()
    payment = world.ask(NOW)
    world.page(payment)
    service.change_amount(world.fresh(payment), eur(4000))
    world.work()
    assert (world.fresh(taken).state, world.fresh(freed).state) == ("succeeded", "cancelled")


@scene("payments.dun")
def a_refused_card_is_dunned(props: Props) -> None:
    """Let a card be refused for weeks."""
    world = MethodWorld(props.app, props.bank, props.factories, props.frozen)
    payment = world.on_card(SAVE, card=NO_FUNDS)
    service.charge(payment)
    world.work()
    for _time in range(8):
        world.forward(days=3)
    assert world.fresh(payment).state in ("declined", "cancelled")


@scene(
    "payments.reverse", "payments.answer_dispute", "payments.look_at_dispute", "payments.watch", "payments.release_reserve",
)  # fmt: skip
def payers_take_their_money_back(props: Props) -> None:
    """Dispute before and after the pay-out, answer, owe, and take a transfer back."""
    from marketplace.payments import reversals
    from marketplace.payments.burden_models import MemberDebt

    world = Disputes(props.app, props.bank, props.factories)
    operator = props.factories.operator()
    world.reserve_of("20", days=1)
    world.onboard(world.owner)
    first = world.dispute(world.charged(5000))
    disputes.save(world.case(first).id, {"product_description": "A pledge"}, world.case(first).version)
    disputes.submit(world.case(first).id, operator.id)
    world.work()
    world.dispute(world.paid_out(4000, 200))
    debt = db.session.query(MemberDebt).filter(MemberDebt.cleared_minor < MemberDebt.amount_minor).first()
    assert debt is not None
    reversals.take_back(debt.id, operator.id, "it is owed")
    world.work()
    world.paid_out(6000, 300)
    second = world.dispute(world.charged(2500))
    world.decide(second, won=True, hear=False)
    for _day in range(3):
        props.frozen.forward(days=1)
        world.work()
    assert world.case(second).state == "won"


@scene("payments.overdue", "payments.overdue_sweep", "payments.bill_fees")
def people_pay_by_hand_or_not(props: Props) -> None:
    """Pay by bank transfer with a fee that is invoiced, and let another payment run out."""
    world = OfflineWorld(props.app, props.factories)
    props.frozen.at("2026-03-01T12:00:00")
    paid, unpaid = world.payment(5000), world.payment(3000)
    world.receive(paid, 5000)
    service.settle(paid, fee=eur(250))
    for _time in range(10):
        props.frozen.forward(days=4)
        world.work()
    assert overdue.REMIND_BEFORE
    assert world.fresh(unpaid).state == "cancelled"


@scene("outgoing.spread", "outgoing.deliver", "outgoing.tidy")
def other_systems_are_told(props: Props) -> None:
    """Tell one system that takes everything and one that takes nothing, and clean up after a month."""
    operator = props.factories.operator()
    with receiving() as good, receiving() as bad:
        bad.answer = 500
        for receiver in (good, bad):
            endpoints.create(operator.id, name="Shed", url=receiver.url, types=list(endpoints.TYPES))
        world = World(props.app, props.bank, props.factories)
        world.charged(5000)
        for days in (1, 1, 3, 30):
            props.frozen.forward(days=days)
            drain(props.app)
        assert {got.told["type"] for got in good.got} == {"payment.changed"}
        assert bad.got


@scene("listings.picture", "jobs.prune", "users.tidy", "api.tidy")
def the_house_is_kept_clean(props: Props) -> None:
    """Upload a picture, and let time make old what is to be thrown away."""
    from marketplace.api_v1 import tokens
    from marketplace.users import sessions

    owner = props.factories.user()
    listing = props.factories.listing(owner)
    drawn = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(drawn, "PNG")
    pictures.add(listing.id, actor=owner, data=drawn.getvalue())
    drain(props.app)
    sessions.start(owner, remembered=True, user_agent="test")
    tokens.create(owner.id, name="old", scopes=("profile:read",), expires_at=clock.now() + timedelta(days=1))
    jobs.enqueue("jobs.prune", {})
    for _time in range(3):
        props.frozen.forward(days=150)
        drain(props.app)


@scene("funding.close", "funding.finish", "funding.sweep", "funding.tell_backers", "agreements.expire")
def campaigns_end(props: Props) -> None:
    """Fund one campaign with a card that is refused, let another fail, and write to the backers."""
    from plugins.funding import campaigns

    stage = Stage(props.app, props.factories, props.frozen, props.bank)
    funded, failed = stage.live(goal=1_000_00), stage.live(goal=900_00)
    for _number in range(2):
        stage.pledge(funded, 495_00, stage.backer())
    stage.pledge(funded, 40_00, stage.backer("pm_card_chargeCustomerFail"))
    stage.pledge(failed, 10_00, stage.backer())
    campaigns.post_update(funded, stage.owner, title="News", body_md="The beans are in the ground already.")
    stage.work()
    stage.to_deadline(funded)
    for _day in range(9):
        stage.frozen.forward(days=1, minutes=5)
        stage.work()
    assert (stage.campaign(funded).state, stage.campaign(failed).state) == ("funded", "failed")
    stage.frozen.forward(days=400)  # what was promised is taken as kept, when nobody says otherwise
    stage.work()


@scene("reviews.reveal")
def a_review_is_shown_when_the_other_side_stays_silent(props: Props) -> None:
    """Finish an agreement of a reviewed kind, let one party write, and let the days pass."""
    from marketplace.agreements import service as agreements
    from marketplace.agreements.service import Actor
    from marketplace.lifecycle import Role
    from marketplace.reviews import service as reviews
    from tests.core.account_loans import offer_loans

    offer_loans(props.app, reviewed=frozenset({"person", "item"}))
    owner, member = props.factories.user(), props.factories.user()
    listing = props.factories.listing(owner)
    lent = agreements.create("lending", listing=listing, member_id=member.id, amount=None, terms={"thing": "A drill"},
                             actor=Actor(member.id, Role.MEMBER))  # fmt: skip
    agreements.transition(lent.id, "lend", Actor(owner.id, Role.OWNER))
    agreements.transition(lent.id, "give_back", Actor(member.id, Role.MEMBER))
    reviews.write(lent.id, member.id, reviews.Words(4, "Worked"), reviews.Words(5))
    props.frozen.forward(days=15)
    drain(props.app)


@scene("sharing.loans")
def a_loan_is_overdue(props: Props) -> None:
    """Lend something that does not come back in time, and claim a late fee that nobody answers."""
    from tests.plugins.sharing.loan_world import Lending

    lending = Lending(props.app, props.factories, props.frozen)
    loan = lending.out(lending.item(late_fee_minor_per_day=300), lending.soon())
    lending.later(days=5)
    lending.back(loan)
    lending.later(days=4)
    assert lending.state(loan) == "closed"


@scene("sharing.look_for_calendars", "sharing.fetch_calendar", "sharing.forget_holds")
def calendars_come_in_and_holds_lapse(props: Props) -> None:
    """Keep another site's bookings closed, and let a hold lapse that is in nobody's way."""
    from plugins.sharing.slot import imports
    from tests.plugins.sharing.conftest import ItemStage, window
    from tests.plugins.sharing.other_site import event, ics, other_site

    stage = ItemStage(props.app, props.factories, props.frozen)
    item = stage.item()
    with other_site() as (address, says):
        says["body"] = ics(event("DTSTART:20260412T090000Z", "DTEND:20260412T110000Z"))
        imports.add(item, stage.units(item)[0], "Elsewhere", address)
        stage.hold(item, window("2026-04-20T09:00", "2026-04-20T10:00"))
        for _day in range(2):
            drain(props.app)
            props.frozen.forward(days=1, hours=1)
        drain(props.app)
    assert imports.calendars_of(item)[0].events == 1


@scene("sharing.ask_around", "sharing.requests")
def a_request_reaches_farther_and_ends(props: Props) -> None:
    """Ask the neighbours, let one answer, and let nobody answer another request until its time is over."""
    from tests.plugins.sharing.request_world import Asking

    asking = Asking(props.app, props.factories, props.frozen)
    near, far = asking.neighbour(1), asking.neighbour(3)
    answered, unanswered = asking.request(km=1, days=4), asking.request(km=2, days=4)
    asking.answer(answered, near)
    for _day in range(5):
        asking.later(days=1)
    assert [asking.row(each).state for each in (answered, unanswered)] == ["ended", "ended"]
    assert (asking.told(near, "answer_released"), asking.told(far, "request_near")) == (1, 1)


@scene("sharing.meals")
def portions_are_ordered_and_picked_up(props: Props) -> None:
    """Let one order be picked up, and say nothing of the other."""
    from tests.plugins.sharing.meal_world import Cooking

    cooking = Cooking(props.app, props.factories, props.frozen)
    listing = cooking.meal()
    picked, forgotten = cooking.order(listing), cooking.order(listing)
    cooking.later(hours=24, minutes=12)
    cooking.later(minutes=50)
    cooking.move(picked, "pick_up")
    cooking.later(hours=26)
    assert [cooking.state(each) for each in (picked, forgotten)] == ["completed", "completed"]


@scene("sharing.purchases")
def a_thing_is_sold_and_the_others_are_thanked(props: Props) -> None:
    """Let two ask for one thing that is free, and thank the other once it is sold."""
    from tests.plugins.sharing.buy_world import Sale

    sale = Sale(props.app, props.bank, props.factories, props.frozen)
    item = sale.sold_item()
    asked, agreement = sale.buy(item, by=props.factories.user()), sale.bought(item)
    sale.pay(agreement)
    sale.later(days=1)
    assert sale.state(asked) == "requested"
    sale.move(agreement, "have_it", sale.as_borrower(agreement))
    sale.later(minutes=6)
    assert (sale.state(asked), sale.state(agreement)) == ("released", "completed")


@scene("sharing.help", "sharing.help_release", "sharing.help_near")
def help_is_given_and_the_others_are_thanked(props: Props) -> None:
    """Choose one of two who answer, remind both sides, and let silence close what was done."""
    from tests.plugins.sharing.help_world import Helping

    helping = Helping(props.app, props.factories, props.frozen)
    neighbour = helping.factories.user(place="Utrecht")
    listing = helping.help(hours=30)
    first, second = helping.answer(listing), helping.answer(listing, helping.other)
    helping.move(first, "choose")
    for _time in range(5):
        helping.later(hours=8)
    helping.move(first, "owner_done")
    helping.later(days=4)
    assert [helping.state(each) for each in (first, second)] == ["completed", "released"]
    assert (helping.told(helping.borrower, "help_soon"), helping.told(neighbour, "help_near")) == (1, 1)


@scene("sharing.pools", "sharing.pool_pay")
def a_pools_month_is_divided(props: Props) -> None:
    """Let somebody with a pass borrow a thing, and divide what the pass brought."""
    from tests.plugins.sharing.pool_world import Pooling

    world = Pooling(props.app, props.factories, props.frozen, props.bank)
    world.open()
    thing, holder = world.thing(), world.holder()
    world.borrow(thing, holder)
    world.next_month()
    assert world.shares() == {world.owner_of(thing): 855}


@scene("sharing.sets")
def who_is_silent_about_a_set_has_declined(props: Props) -> None:
    """Ask two owners for their things, and let one of them say nothing."""
    from plugins.sharing.item import bundles
    from plugins.sharing.item.item_models import Item
    from tests.plugins.sharing.loan_world import Lending

    lending = Lending(props.app, props.factories, props.frozen)
    whole, things = lending.item(), []
    for _time in range(2):
        thing = props.factories.listing(props.factories.user(), kind="item", title="A tent")
        with transaction() as session:
            session.add(Item(listing_id=thing.id, zone="Europe/Amsterdam", currency="EUR"))
        bundles.add(whole, lending.lender, thing.id, 20)
        things.append((thing.id, thing.owner_id))
    bundles.answer(whole, things[0][0], db.session.get_one(User, things[0][1]), agree=True)
    lending.later(days=15)
    assert [row.state for row in bundles.rows_of(whole)] == ["agreed", "declined"]
    assert lending.told(lending.lender, "bundle_declined") == 1


@scene("sharing.circles")
def a_circle_is_reminded_and_its_calendar_written_on(props: Props) -> None:
    """Let one member come, let somebody be missing, and let a weekly task go on."""
    from plugins.sharing.circle import turns
    from tests.plugins.sharing.circle_world import Around

    around = Around(props.app, props.factories, props.frozen)
    weekly, once = around.plan(weekly=True), around.plan(days=3)[0]
    turns.sign_up(around.circle.id, weekly[0].id, around.borrower)
    for _time in range(6):
        around.later(days=1)
    around.later(days=14)
    assert around.told(around.borrower, "circle_soon") == 1
    assert around.told(around.lender, "circle_missing") >= 1
    assert (around.coming(once), len(around.moments(weekly[0].task_id)) > len(weekly)) == ([None], True)


@scene("sharing.collect", "sharing.collect_sweep", "sharing.rerun", "sharing.watch", "sharing.plan_renewed")
def things_are_used_and_paid_for(props: Props) -> None:
    """Use a car with a limit, let its device send late, correct a reading, and keep a plan that costs nothing."""
    from plugins.sharing.use import correcting, plans
    from plugins.sharing.use.intake import Given
    from tests.plugins.sharing.use_world import MINUTES, UseWorld, number_of

    world = UseWorld(props.app, props.factories, props.frozen, props.bank)
    member, device = world.member(), world.device()
    agreement = world.start(member, limit_minor=2_00)
    world.work(minutes=10)  # the limit is told
    world.move(agreement, "end")
    world.work(minutes=15)
    world.readings(device, Given(props.frozen.forward() - timedelta(minutes=20), {"km": "1004"}))
    world.work()
    world.work()
    late = next(row for row in world.stored(agreement) if row.source == "device")
    correcting.correct(late.id, world.by_id(number_of(world.owner)), {"km": "1002"}, "misread")
    world.work()
    world.work(hours=2)
    free = {**MINUTES, "plan": [{"key": "friends", "monthly": "0", "percents": {"driving": "10"}}]}
    plans.join(world.by_id(number_of(member)), number_of(world.item(free)), "friends")
    world.work(days=40)
    assert world.fresh(agreement).state == "paid"
