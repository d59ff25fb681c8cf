"""Posting: once per key, in one statement, in line order; holds, reversals, statements and balances."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError, InternalError

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, is_sqlite, transaction
from marketplace.ledger import posting, service
from marketplace.ledger.accounts import AccountSpec, agreement_held, member_payable
from marketplace.ledger.errors import (
    AccountMismatch,
    IdempotencyMismatch,
    NotReversible,
    Overdraft,
    PendingMismatch,
    PendingResolved,
    ReversedAlready,
    TransactionNotFound,
)
from marketplace.ledger.transfers import PENDING, TransferSpec
from marketplace.money import Money
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.statements import Statements
from tests.core.ledger_books import (
    BANK,
    CLEARING,
    FEES,
    HELD,
    OWNER,
    available,
    book,
    eur,
    everything,
    move,
    proven,
    rows,
    standing,
)  # fmt: skip


def test_the_same_key_and_content_give_the_first_result(app: Flask) -> None:
    first = book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250), key="a")
    before = everything()
    again = service.post("a", [move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250)], description="In other words")
    assert (again.txn_id, again.transfer_ids, first.replayed, again.replayed) == (*first_ids(first), False, True)
    assert everything() == before


def first_ids(posted: service.Posted) -> tuple[int, tuple[int, ...]]:
    return posted.txn_id, posted.transfer_ids


@pytest.mark.parametrize(
    "other",
    [
        [move(CLEARING, OWNER, 5001)],
        [move(BANK, OWNER, 5000)],
        [move(CLEARING, OWNER, 2500), move(CLEARING, OWNER, 2500)],
        [TransferSpec(CLEARING, OWNER, eur(5000), PENDING)],
    ],
)
def test_the_same_key_with_other_content_is_refused(app: Flask, other: list[TransferSpec]) -> None:
    book(move(CLEARING, OWNER, 5000), key="a")
    before = everything()
    with pytest.raises(IdempotencyMismatch):
        service.post("a", other, description="Test")
    with pytest.raises(IdempotencyMismatch):
        service.post("a", [move(CLEARING, OWNER, 5000)], description="Test", payment_id=9)
    # Accounts may have been opened by the way; no money moved.
    assert everything()[1:] == before[1:]
    assert proven()


@contextmanager
def heard(statements: Callable[[], Statements]) -> Iterator[list[str]]:
    """Collect the statements that the database is sent; SQLite names them again for each statement of a trigger."""
    told: list[str] = []
    with statements() as seen:
        if is_sqlite():
            with transaction() as session:
                driver = session.connection().connection.driver_connection
            assert driver is not None
            driver.set_trace_callback(told.append)
        yield told
        if is_sqlite():
            driver.set_trace_callback(None)
    sent = {text for text in told if text.split()[0] not in ("--", "BEGIN", "COMMIT")}
    told[:] = sorted(sent) if is_sqlite() else list(seen)


def test_a_posting_is_one_statement(app: Flask, statements: Callable[[], Statements]) -> None:
    with heard(statements) as opening:
        book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250))
    with heard(statements) as usual:
        book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250))
    assert (len(opening), len(usual)) == (1, 1), opening


@pytest.mark.parametrize("lines", [posting.MANY - 1, posting.MANY, 3000])
def test_a_posting_may_have_any_number_of_lines(app: Flask, lines: int) -> None:
    transfers = [move(CLEARING, OWNER, number) for number in range(1, lines + 1)]
    posted = book(*transfers, key="long")
    listed = [(row.transfer_id, row.amount.minor) for row in service.statement(OWNER.code, limit=lines)][::-1]
    assert listed == list(zip(posted.transfer_ids, range(1, lines + 1), strict=True))
    assert service.post("long", transfers, description="Again").replayed
    assert proven()


def test_lines_are_counted_in_their_order(app: Flask) -> None:
    with pytest.raises(Overdraft):
        book(move(OWNER, FEES, 250), move(CLEARING, OWNER, 5000))
    assert everything() == [[], [], [], []]
    book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 5000))
    assert (standing(OWNER), standing(FEES)) == (0, 5000)


def test_a_refusal_leaves_the_key_unused(app: Flask) -> None:
    with pytest.raises(Overdraft):
        book(move(OWNER, FEES, 250), key="a")
    book(move(CLEARING, OWNER, 5000), key="b")
    assert not book(move(OWNER, FEES, 250), key="a").replayed


def test_a_caller_who_survives_a_refusal_commits_nothing_of_it(app: Flask) -> None:
    with nullcontext() if is_sqlite() else pytest.raises(InternalError, match="aborted"), transaction():
        book(move(CLEARING, HELD, 100), key="a")
        with pytest.raises(Overdraft):
            book(move(OWNER, FEES, 1), key="b")
        book(move(CLEARING, HELD, 100), key="c")
    assert [row[1] for row in rows("ledger_txn")] == (["a", "c"] if is_sqlite() else [])
    assert proven()


def test_a_rolled_back_use_case_leaves_no_trace_and_its_accounts_open_again(app: Flask) -> None:
    def fail() -> None:
        with transaction():
            book(move(CLEARING, OWNER, 5000), key="a")
            raise RuntimeError("something else failed")

    with pytest.raises(RuntimeError):
        fail()
    assert everything() == [[], [], [], []]
    book(move(CLEARING, OWNER, 5000), key="a")
    assert standing(OWNER) == 5000


def test_an_account_never_changes_its_facts(app: Flask) -> None:
    book(move(CLEARING, OWNER, 5000))
    unguarded = AccountSpec(OWNER.code, "EUR", "liability", "payable", "member", 2, guard=False)
    someone_elses = AccountSpec(OWNER.code, "EUR", "liability", "payable", "member", 3, guard=True)
    for pretender in (unguarded, someone_elses):
        with pytest.raises(AccountMismatch):
            book(move(pretender, FEES, 6000))
    assert standing(OWNER) == 5000
    assert len(rows("ledger_txn")) == 1


def test_two_descriptions_of_one_account_in_one_posting_are_a_mistake(app: Flask) -> None:
    other = AccountSpec(OWNER.code, "EUR", "liability", "payable", "member", 2, guard=False)
    with pytest.raises(ValueError, match="two ways"):
        book(move(CLEARING, OWNER, 1), move(other, FEES, 1))
    with pytest.raises(ValueError, match="at least one"):
        book()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: move(CLEARING, OWNER, 0), "more than zero"),
        (lambda: move(CLEARING, OWNER, -5), "more than zero"),
        (lambda: TransferSpec(CLEARING, OWNER, Money(5, "USD")), "one currency"),
        (lambda: TransferSpec(CLEARING, member_payable(2, "USD"), eur(5)), "one currency"),
        (lambda: move(OWNER, OWNER, 5), "two accounts"),
        (lambda: TransferSpec(CLEARING, OWNER, eur(5), "post"), "names its pending"),
        (lambda: TransferSpec(CLEARING, OWNER, eur(5), "posted", 3), "names its pending"),
        (lambda: TransferSpec(CLEARING, OWNER, eur(5), expires_at=clock.now()), "expires"),
        (lambda: TransferSpec(CLEARING, OWNER, eur(5), PENDING, None, clock.now().replace(tzinfo=None)), "aware"),
    ],
)
def test_what_can_be_no_transfer_is_refused_where_it_is_made(make: Callable[[], TransferSpec], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_an_agreement_made_in_the_same_use_case_can_be_named(app: Flask, factories: Factories) -> None:
    listing, member = factories.listing(), factories.user()
    with transaction() as session:
        now = clock.now()
        agreement = Agreement(
            kind="notice", listing_id=listing.id, owner_id=listing.owner_id, member_id=member.id, state="agreed",
            phase="agreed", terms={}, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(agreement)
        session.flush()
        held = agreement_held(agreement.id, "EUR")
        service.post("a", [move(CLEARING, held, 5)], description="Charge", agreement_id=agreement.id, payment_id=3)
    row = service.statement(held.code)[0]
    assert (row.agreement_id, row.payment_id, row.description) == (agreement.id, 3, "Charge")
    with pytest.raises(IntegrityError):
        service.post("b", [move(CLEARING, held, 5)], description="Charge", agreement_id=agreement.id + 1)


def test_currencies_never_meet(app: Flask) -> None:
    dollars = member_payable(2, "USD")
    bank = AccountSpec("platform:bank:USD", "USD", "asset", "platform_bank")
    book(move(CLEARING, OWNER, 5000), TransferSpec(bank, dollars, Money(700, "USD")))
    assert service.balance(OWNER.code).posted == eur(5000)
    assert service.balance(dollars.code).posted == Money(700, "USD")
    assert service.totals() == [
        ("EUR", "asset", eur(5000)),
        ("EUR", "liability", eur(5000)),
        ("USD", "asset", Money(700, "USD")),
        ("USD", "liability", Money(700, "USD")),
    ]
    assert proven()


def test_pending_money_can_be_spent_by_nobody(app: Flask) -> None:
    book(move(CLEARING, OWNER, 5000))
    held = service.hold("h", OWNER, HELD, eur(4000), description="Hold")
    assert (standing(OWNER), available(OWNER), available(HELD)) == (5000, 1000, 0)
    with pytest.raises(Overdraft):
        book(move(OWNER, FEES, 1001))
    with pytest.raises(Overdraft):
        book(move(HELD, FEES, 1))
    service.void_pending("v", held.transfer_ids[0], description="Given up")
    assert (available(OWNER), service.balance(OWNER.code).pending) == (5000, eur(0))
    assert proven()


def test_a_hold_is_resolved_once(app: Flask) -> None:
    (pending,) = service.hold("h", CLEARING, HELD, eur(4000), description="Hold").transfer_ids
    done = service.post_pending("p", pending, eur(1500), description="Part")
    assert service.post_pending("p", pending, eur(1500), description="Part").txn_id == done.txn_id
    for again in (service.post_pending, service.void_pending):
        with pytest.raises(PendingResolved):
            again("again", pending, description="Once more")
    assert (standing(HELD), service.balance(HELD.code).pending) == (1500, eur(0))
    assert proven()


def test_a_post_takes_no_more_than_was_held_and_only_from_a_hold(app: Flask) -> None:
    (pending,) = service.hold("h", CLEARING, HELD, eur(4000), description="Hold").transfer_ids
    (posted,) = book(move(CLEARING, HELD, 100)).transfer_ids
    with pytest.raises(PendingMismatch):
        service.post_pending("p", pending, eur(4001), description="Too much")
    with pytest.raises(PendingMismatch):
        service.post_pending("p", posted, description="Not a hold")
    with pytest.raises(PendingMismatch):
        book(TransferSpec(CLEARING, OWNER, eur(4000), "post", pending))
    with pytest.raises(PendingMismatch):
        book(TransferSpec(CLEARING, HELD, eur(3999), "void", pending))
    for missing in (service.post_pending, service.void_pending):
        with pytest.raises(TransactionNotFound):
            missing("p", 10**9, description="No such hold")
    assert available(HELD) == 100
    assert proven()


def test_a_hold_is_posted_together_with_what_belongs_to_it(app: Flask) -> None:
    (pending,) = service.hold("h", CLEARING, HELD, eur(4000), description="Hold").transfer_ids
    service.post("p", [service.posting_of(pending), move(HELD, FEES, 400)], description="Taken, with fee")
    assert (standing(HELD), standing(FEES)) == (3600, 400)
    assert proven()


def test_expired_holds_are_freed_once(app: Flask, frozen: FrozenClock) -> None:
    frozen.at(clock.now())
    late, early = clock.now() + timedelta(days=7), clock.now() + timedelta(days=1)
    service.hold("late", CLEARING, HELD, eur(100), description="Hold", expires_at=late)
    service.hold("early", CLEARING, HELD, eur(200), description="Hold", expires_at=early)
    (taken,) = service.hold("taken", CLEARING, HELD, eur(400), description="Hold", expires_at=early).transfer_ids
    service.hold("endless", CLEARING, HELD, eur(800), description="Hold")
    service.post_pending("t", taken, description="Taken")
    assert service.expire_pending() == 0
    frozen.forward(days=2)
    assert [service.expire_pending(), service.expire_pending()] == [1, 0]
    assert (standing(HELD), service.balance(HELD.code).pending) == (400, eur(900))
    assert proven()


def test_a_late_capture_counts_until_the_hold_is_freed(app: Flask, frozen: FrozenClock) -> None:
    frozen.at(clock.now())
    (pending,) = service.hold("h", CLEARING, HELD, eur(100), description="Hold", expires_at=clock.now()).transfer_ids
    frozen.forward(days=1)
    service.post_pending("p", pending, description="The provider captured late")
    assert (standing(HELD), service.expire_pending()) == (100, 0)


def test_a_reversal_is_the_mirror_image_and_happens_once(app: Flask) -> None:
    book(move(CLEARING, OWNER, 5000), move(OWNER, FEES, 250), key="a")
    undone = service.reverse("a", "r", description="Undo")
    assert service.reverse("a", "r", description="Undo") == service.Posted(undone.txn_id, undone.transfer_ids, True)
    assert [standing(account) for account in (CLEARING, OWNER, FEES)] == [0, 0, 0]
    with pytest.raises(ReversedAlready):
        service.reverse("a", "r2", description="Undo again")
    service.reverse("r", "rr", description="Undo the undoing")
    assert standing(OWNER) == 4750
    with pytest.raises(TransactionNotFound):
        service.reverse("no such key", "r3", description="Undo")
    assert proven()


def test_what_is_gone_can_not_be_reversed(app: Flask) -> None:
    book(move(CLEARING, OWNER, 5000), key="a")
    book(move(OWNER, CLEARING, 4000))
    with pytest.raises(Overdraft):
        service.reverse("a", "r", description="Undo")
    assert standing(OWNER) == 1000


def test_a_hold_is_not_reversed_but_its_post_is(app: Flask) -> None:
    (pending,) = service.hold("h", CLEARING, HELD, eur(4000), description="Hold").transfer_ids
    with pytest.raises(NotReversible):
        service.reverse("h", "r", description="Undo")
    service.post_pending("p", pending, description="Taken")
    service.reverse("p", "r", description="Undo")
    (freed,) = service.hold("h2", CLEARING, HELD, eur(1), description="Hold").transfer_ids
    service.void_pending("v", freed, description="Freed")
    with pytest.raises(NotReversible):
        service.reverse("v", "r2", description="Undo")
    assert (standing(HELD), standing(CLEARING)) == (0, 0)
    assert proven()


def test_a_statement_is_read_page_by_page_newest_first(app: Flask, statements: Callable[[], Statements]) -> None:
    for number in range(1, 6):
        book(move(CLEARING, OWNER, number * 100), move(OWNER, FEES, number))
    with statements() as seen:
        first = service.statement(OWNER.code, limit=4)
    rest = service.statement(OWNER.code, after=first[-1].transfer_id, limit=40)
    listed = [(row.side, row.amount.minor, row.other) for row in first + rest]
    assert listed == [
        entry
        for number in range(5, 0, -1)
        for entry in (("debit", number, FEES.code), ("credit", number * 100, CLEARING.code))
    ]
    assert len(seen) == 1
    assert service.statement("no:such:account") == []


def test_balances_are_found_by_their_owner(app: Flask) -> None:
    book(move(CLEARING, OWNER, 100), move(OWNER, FEES, 5))
    assert [found.code for found in service.balances_of("member", 2)] == [OWNER.code]
    assert [found.code for found in service.balances_of("platform")] == [FEES.code, CLEARING.code]
    with pytest.raises(TransactionNotFound):
        service.balance("member:3:payable:EUR")
    db.session.rollback()
    assert service.find_transaction(rows("ledger_txn")[0][1]).lines == 2
