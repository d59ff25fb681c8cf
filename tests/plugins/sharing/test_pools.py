"""A pass on a pool: what a month brings goes to the owners by use, to the cent, once, whatever is killed on the way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.ledger import accounts
from marketplace.money import Money
from marketplace.payments import service as payments
from plugins.sharing.item.item_models import Item
from plugins.sharing.pool import closing, dividing, passes, pool_reads, pools
from plugins.sharing.pool.dividing import assign, days_within, divide
from plugins.sharing.slot import answers
from plugins.sharing.slot.windows import Window
from tests.core.payment_world import DECLINES
from tests.plugins.sharing.pool_world import START, Pooling

WEIGHTS = st.dictionaries(st.integers(1, 99), st.integers(1, 10_000), min_size=1, max_size=12)
AMOUNTS = st.lists(st.integers(0, 100_000), min_size=1, max_size=20)
MARCH = date(2027, 3, 1)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


@pytest.fixture
def world(app: Any, sandbox: Any, factories: Any, frozen: Any) -> Pooling:
    made = Pooling(app, factories, frozen, sandbox)
    made.open()
    return made


@given(AMOUNTS, WEIGHTS)
def test_every_cent_of_a_month_reaches_an_owner_and_every_payment_is_used_up(
    amounts: list[int], weights: dict[int, int]
) -> None:
    """The sums are equal, nobody is a cent or more off the exact part, and the pieces of each payment are the payment."""
    pot, total = sum(amounts), sum(weights.values())
    parts = divide(eur(pot), weights)
    assert sum(part.minor for part in parts.values()) == pot
    assert all(abs(part.minor * total - pot * weights[owner]) < total for owner, part in parts.items())
    pieces = assign([eur(amount) for amount in amounts], parts)
    assert [sum(piece.minor for piece in one.values()) for one in pieces] == amounts
    for owner, part in parts.items():
        assert sum(one[owner].minor for one in pieces if owner in one) == part.minor
    for one, amount in zip(
        pieces, amounts, strict=True
    ):  # each in proportion; the cents that were rounded before may differ
        assert all(
            abs(piece.minor * pot - amount * parts[owner].minor) <= len(amounts) * pot for owner, piece in one.items()
        )


def test_of_a_large_pool_one_payment_after_the_other_is_used_up() -> None:
    amounts, parts = [eur(855)] * 60, divide(eur(60 * 855), dict.fromkeys(range(1, 21), 1))
    pieces = assign(amounts, parts)
    assert [sum(piece.minor for piece in one.values()) for one in pieces] == [855] * 60
    for owner, part in parts.items():
        assert sum(one[owner].minor for one in pieces if owner in one) == part.minor
    assert sum(len(one) for one in pieces) <= 60 + 20


@given(AMOUNTS, WEIGHTS, st.integers(0, 40_000))
def test_used_up_one_after_the_other_every_owner_gets_the_same_to_the_cent_in_few_pieces(
    amounts: list[int], weights: dict[int, int], turn: int
) -> None:
    """Which way the payments are assigned changes nobody's sum: not in the large pool either is a cent lost or given twice."""
    parts = divide(eur(sum(amounts)), weights)
    pieces = assign([eur(amount) for amount in amounts], parts, turn, most_pieces=0)
    assert [sum(piece.minor for piece in one.values()) for one in pieces] == amounts
    for owner, part in parts.items():
        assert sum(one[owner].minor for one in pieces if owner in one) == part.minor
    assert sum(len(one) for one in pieces) < len(amounts) + len(weights)
    assert all(piece.minor > 0 for one in pieces for piece in one.values())


def test_whoever_stands_with_the_newest_payments_changes_from_month_to_month() -> None:
    amounts, parts = [eur(900)] * 3, {1: eur(900), 2: eur(900), 3: eur(900)}
    last = [next(iter(assign(amounts, parts, month, most_pieces=0)[-1])) for month in range(6)]
    assert last == [3, 1, 2, 3, 1, 2]


def test_more_than_there_is_is_never_assigned() -> None:
    with pytest.raises(ValueError, match="not what there is"):
        assign([eur(100)], {1: eur(101)})


@pytest.mark.parametrize(("out", "back", "days"), [
    ((5, 9), (5, 10), 1), ((5, 9), (6, 9), 1), ((5, 9), (6, 10), 2), ((1, 0), (31, 24), 31), ((-4, 9), (2, 0), 1),
    ((-4, 9), (-1, 9), 0), ((31, 12), (35, 0), 1), ((33, 0), (35, 0), 0), ((5, 9), (5, 9), 1),
])  # fmt: skip
def test_a_use_counts_its_started_days_within_the_month(out: tuple[int, int], back: tuple[int, int], days: int) -> None:
    def at(moment: tuple[int, int]) -> datetime:
        return datetime(2027, 3, 1, tzinfo=UTC) + timedelta(days=moment[0] - 1, hours=moment[1])

    assert days_within(at(out), at(back), at((1, 0)), at((32, 0))) == days


def test_the_pass_opens_what_is_in_the_pool_and_nothing_else_does(world: Pooling) -> None:
    thing, outside = world.thing(), world.thing(inside=False)
    holder, stranger = world.holder(), world.member()
    window = Window(START + timedelta(days=2), START + timedelta(days=3))
    assert answers.answer(thing, window, holder).free
    assert answers.answer(thing, window, stranger).code == "no_pass"
    assert answers.answer(outside, window, stranger).free
    later = Window(START + timedelta(days=60), START + timedelta(days=61))
    assert answers.answer(thing, later, holder).free  # it goes on by itself
    world.leave(holder)
    assert answers.answer(thing, later, holder).code == "no_pass"
    assert answers.answer(thing, window, holder).free


def test_a_month_is_divided_by_days_of_use_to_the_cent(world: Pooling) -> None:
    first, second, unused = world.thing(), world.thing(), world.thing()
    ann, ben, _cas = world.holder(), world.holder(), world.holder()
    world.borrow(first, ann, days=2)
    world.borrow(second, ben, days=1)
    world.borrow(second, ann, days=4)
    assert sum(payment.amount_minor for payment in world.paid()) == 3 * 950
    world.next_month()
    month = world.months()[0]
    assert (month.first, month.rule, month.passes, month.paid_minor) == (MARCH, "use", 3, 2850)
    fee = world.money.standing(accounts.platform_fees("EUR"))
    assert month.divided_minor == 2850 - fee == 2565  # 10 % of each
    # 2 and 5 of 7 days: 732.86 and 1832.14
    assert world.shares() == {world.owner_of(first): 733, world.owner_of(second): 1832}
    assert [world.payable(world.owner_of(one)) for one in (first, second, unused)] == [733, 1832, 0]
    assert world.payable(world.keeper) == 0
    world.money.prove()


def test_a_refund_after_the_division_is_given_by_all_owners_in_proportion(world: Pooling) -> None:
    first, second = world.thing(), world.thing()
    ann, ben = world.holder(), world.holder()
    world.borrow(first, ann, days=2)
    world.borrow(second, ben, days=5)
    world.next_month()  # 17.10 after the fees: 4.89 and 12.21
    owners = [world.owner_of(first), world.owner_of(second)]
    assert [world.payable(one) for one in owners] == [489, 1221]
    payments.refund(world.paid()[0], eur(950))
    world.work()
    assert [world.payable(one) for one in owners] == [489 - 245, 1221 - 610]
    assert world.payable(world.keeper) == 0 == world.owed(world.keeper)
    world.money.prove()
    world.money.dispute(world.paid()[1], amount=475)  # half of Ben's: the owners bear it, the platform keeps its fee
    assert [world.payable(one) for one in owners] == [244 - 136, 611 - 339]
    assert world.payable(world.keeper) == 0 == world.owed(world.keeper)
    world.money.prove()


def test_in_a_large_pool_what_goes_back_of_a_payment_is_given_by_those_who_received_it_and_no_more(
    world: Pooling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dividing, "MOST_PIECES", 3)
    puzzle, train = world.thing(), world.thing()
    first, second = world.holder(), world.holder()
    world.borrow(puzzle, first, 1)
    world.borrow(train, second, 2)
    world.next_month()
    owners = [world.owner_of(puzzle), world.owner_of(train)]
    assert [world.shares()[owner] for owner in owners] == [570, 1140], "the parts are those of a small pool"
    assert [world.payable(owner) for owner in owners] == [570, 1140]
    payments.refund(world.paid()[0], eur(950))
    world.work()
    # In March 2027 it is the second owner's turn to be first: the first payment, 8.55 after the fee, is all hers.
    assert [world.payable(owner) for owner in owners] == [570, 1140 - 855]
    assert {world.owed(owner) for owner in (*owners, world.keeper)} == {0}
    assert world.money is not None
    world.money.prove()


def test_the_keepers_own_things_earn_too_and_money_goes_out_in_transfers(world: Pooling) -> None:
    own, other = world.thing(world.keeper), world.thing()
    holder = world.holder()
    world.borrow(own, holder)
    world.borrow(other, holder)
    world.next_month()
    assert world.shares() == {world.keeper: 428, world.owner_of(other): 427}
    assert (world.payable(world.keeper), world.payable(world.owner_of(other))) == (428, 427)
    world.money.onboard(world.user(world.owner_of(other)))
    world.work()
    assert world.payable(world.owner_of(other)) == 0
    assert [one.amount for one in world.money.stripe.transfers.list({"limit": 9}).auto_paging_iter()] == [427]
    world.money.prove()


def test_by_loans_each_loan_counts_once(app: Any, sandbox: Any, factories: Any, frozen: Any) -> None:
    world = Pooling(app, factories, frozen, sandbox)
    world.open(measure="loans")
    long, often = world.thing(), world.thing()
    holder = world.holder()
    world.borrow(long, holder, days=9)
    for _time in range(2):
        world.borrow(often, holder)
    world.next_month()
    assert world.shares() == {world.owner_of(long): 285, world.owner_of(often): 570}


def test_a_month_without_use_is_shared_by_things(world: Pooling) -> None:
    owner = world.factories.user().id
    one, two = world.thing(owner), world.thing(owner)
    third = world.thing()
    world.holder()
    world.next_month()
    assert world.months()[0].rule == "things"
    assert world.owner_of(one) == world.owner_of(two)
    assert world.shares() == {owner: 570, world.owner_of(third): 285}


def test_a_month_without_things_is_given_back(world: Pooling) -> None:
    world.holder()
    world.next_month()
    world.work()
    month = world.months()[0]
    assert (month.rule, month.divided_minor, world.shares()) == ("back", 0, {})
    assert world.paid()[0].refunded_minor == 950
    world.money.prove()


def test_the_next_division_of_a_new_pool_is_its_first_month(world: Pooling) -> None:
    """Early in April March is still to be divided, but not of a pool that opened in April."""
    world.frozen.at(datetime(2027, 4, 1, 12, tzinfo=UTC))
    assert pool_reads.next_division(START) == MARCH
    assert pool_reads.next_division(clock.now()) == date(2027, 4, 1)


def test_dividing_twice_changes_nothing(world: Pooling) -> None:
    thing, holder = world.thing(), world.holder()
    world.borrow(thing, holder)
    world.next_month()
    before = (world.shares(), world.payable(world.owner_of(thing)), len(world.months()))
    closing.sweep({})
    assert closing.close(world.pool, MARCH).id == world.months()[0].id
    for month in world.months():
        closing.pay({"month": month.id})
    assert (world.shares(), world.payable(world.owner_of(thing)), len(world.months())) == before


def test_killed_half_way_nothing_has_changed_and_the_next_run_divides(
    world: Pooling, monkeypatch: pytest.MonkeyPatch
) -> None:
    things = [world.thing(), world.thing()]
    for _member in range(2):
        holder = world.holder()
    for thing in things:
        world.borrow(thing, holder)
    world.to(datetime(2027, 3, 31, 9, tzinfo=UTC))
    settle, calls = payments.settle, []

    def dies(*args: Any, **more: Any) -> Any:
        if calls:
            raise KeyboardInterrupt
        calls.append(args)
        return settle(*args, **more)

    world.frozen.at(datetime(2027, 4, 4, 10, tzinfo=UTC))
    with monkeypatch.context() as patch:
        patch.setattr(payments, "settle", dies)
        with pytest.raises(KeyboardInterrupt):
            closing.close(world.pool, MARCH)
    db.session.rollback()
    assert (world.months(), world.shares()) == ([], {})
    assert all(payment.settled_at is None for payment in world.paid())
    world.work()
    assert sum(world.shares().values()) == world.months()[0].divided_minor == 1710
    world.money.prove()


def test_what_a_bank_disputes_waits_for_a_later_month(world: Pooling) -> None:
    thing, holder, other = world.thing(), world.holder(), world.holder()
    world.borrow(thing, holder)
    world.leave(holder)
    world.leave(other)
    ref = world.money.dispute(world.paid()[1])
    world.next_month()
    assert [(month.passes, month.paid_minor) for month in world.months()] == [(1, 950)]
    world.money.decide(ref, won=True)
    world.next_month()
    assert [(month.first.month, month.passes, month.paid_minor) for month in world.months()] == [
        (3, 1, 950),
        (4, 1, 950),
    ]
    world.money.prove()


def test_a_pass_renews_ends_and_is_not_charged_again(world: Pooling) -> None:
    world.thing()
    holder = world.holder()
    world.next_month()
    assert (len(world.paid()), world.pass_of(holder).state) == (2, "running")
    world.leave(holder)
    world.next_month()
    assert (len(world.paid()), world.pass_of(holder).state) == (2, "ended")
    assert passes.of(world.pool, holder) is None


def test_a_card_that_does_not_pay_opens_nothing(world: Pooling) -> None:
    thing, member = world.thing(), world.holder(DECLINES)
    window = Window(START + timedelta(days=2), START + timedelta(days=3))
    assert answers.answer(thing, window, member).code == "no_pass"
    world.to(START + timedelta(hours=3))
    assert world.pass_of(member).state == "lapsed"


def test_both_owner_and_keeper_agree_and_either_may_take_it_out(world: Pooling) -> None:
    thing = world.thing(inside=False, who="known")
    owner = world.factories.user().id
    with pytest.raises(NotFound):
        pools.offer(world.pool, thing, world.user(owner))
    owner = db.session.get_one(Item, thing).listing_id and _owner(thing)
    row = pools.offer(world.pool, thing, world.user(owner))
    assert pools.offer(world.pool, thing, world.user(owner)).id == row.id
    assert db.session.get_one(Item, thing).who == "known"
    with pytest.raises(NotFound):
        pools.let_in(world.pool, row.id, world.user(owner))
    pools.let_in(world.pool, row.id, world.user(world.keeper))
    assert db.session.get_one(Item, thing).who == "pass"
    with pytest.raises(NotFound):
        pools.take_out(world.pool, row.id, world.user(world.member()))
    pools.take_out(world.pool, row.id, world.user(owner))
    assert db.session.get_one(Item, thing).who == "known"
    with pytest.raises(NotFound):
        pools.take_out(world.pool, row.id, world.user(owner))


def _owner(listing_id: int) -> int:
    from marketplace.listings.models import Listing

    return db.session.get_one(Listing, listing_id).owner_id


def test_only_what_is_lent_free_goes_into_one_pool(world: Pooling) -> None:
    rented = world.thing(inside=False, arrangements=["rent"])
    with pytest.raises(Refused):
        pools.offer(world.pool, rented, world.user(_owner(rented)))
    thing, first = world.thing(), world.pool
    world.open()
    with pytest.raises(Refused):
        pools.offer(world.pool, thing, world.user(_owner(thing)))
    assert pools.standing_of(thing).pool_id == first


@pytest.mark.parametrize("change", [
    "UPDATE sharing_pool_month SET divided_minor = divided_minor - 1",
    "UPDATE sharing_pool_share SET amount_minor = amount_minor + 1",
])  # fmt: skip
def test_the_database_keeps_a_month_as_it_was_divided(world: Pooling, change: str) -> None:
    world.thing()
    world.holder()
    world.next_month()
    with pytest.raises(DBAPIError, match="divided once"), transaction():
        db.session.execute(text(change))
    db.session.rollback()


def test_what_can_not_be_put_in_is_refused_beside_the_field(world: Pooling, client: Any, auth: Any) -> None:
    inside = world.thing()
    owner, path = world.user(world.owner_of(inside)), f"/pools/{world.pool}/things"
    auth.login(owner)
    assert client.post(path, data={"item": str(inside)}).status_code == 303, "sent twice, it is in the pool"
    free = world.thing(owner=owner.id, inside=False)
    for typed in ("", "999999", "x", "9" * 30):
        page = client.post(path, data={"item": typed})
        assert (page.status_code, "field-error" in page.text) == (422, True)
    assert client.post(path, data={"item": str(free)}).status_code == 303


def test_a_pass_that_was_not_paid_is_paid_until_no_day(world: Pooling, client: Any, auth: Any) -> None:
    member = world.factories.user()
    auth.login(member)
    joined = passes.join(world.user(member.id), world.pool)
    page = client.get(f"/agreements/{joined.id}").text
    assert "A month" in page
    assert "Paid until" not in page


def test_the_pages_show_the_pool_its_rule_and_the_share(world: Pooling, client: Any, auth: Any) -> None:
    thing, holder = world.thing(), world.holder()
    owner = world.owner_of(thing)
    world.borrow(thing, holder)
    world.next_month()
    guest = client.get(f"/pools/{world.pool}-x", follow_redirects=True)
    assert guest.status_code == 200
    for words in (
        "€9.50",
        "A puzzle",
        "gives a part back",
        "In a month in which nothing was used",
        "March 2027",
        "€8.55",
    ):
        assert words in guest.text, words
    stranger = world.factories.user()
    auth.login(stranger)
    assert "Only members with the pass of its pool" in client.get(f"/items/{thing}-a-puzzle").text
    joined = client.post(f"/pools/{world.pool}/join")
    assert joined.status_code == 303
    assert "/pay/" in joined.headers["Location"]
    auth.login(world.user(owner))
    mine = client.get(f"/pools/{world.pool}-toys-for-all").text
    assert "Take out" in mine
    assert "pool_divided" in [one.kind.partition(".")[2] for one in _told(owner)]
    auth.login(world.user(world.keeper))
    form = {"title": "Games for all", "category": "other", "price": "5", "measure": "loans", "place": "Utrecht",
            "body_md": "Board games for long evenings."}  # fmt: skip
    assert client.post("/pools/new", data=form).status_code == 303
    assert client.post("/pools/new", data={**form, "price": "0"}).status_code == 422
    assert client.get(f"/pools/{world.pool}/edit").status_code == 200


def _told(user_id: int) -> list[Any]:
    from sqlalchemy import select

    from marketplace.notifications.models import Notification

    return list(db.session.scalars(select(Notification).where(Notification.user_id == user_id)))
