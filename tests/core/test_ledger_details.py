"""What single calls of the ledger pass on and give back: links, pages, orders, bounds, and the sentences of refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.ledger import accounts, service
from marketplace.ledger.errors import IdempotencyMismatch, NotReversible, TransactionNotFound
from marketplace.ledger.models import LedgerTransaction, LedgerTransfer
from marketplace.ledger.reading import StatementRow
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.ledger_books import CLEARING, FEES, HELD, OWNER, book, eur, move, proven
from tests.core.ledger_deals import strike

NOON = "2026-11-20T12:00:00"


def links(key: str) -> tuple[int | None, int | None]:
    """Give the agreement and the payment that a transaction names."""
    db.session.rollback()
    found = service.find_transaction(key)
    return found.agreement_id, found.payment_id


def test_what_is_held_taken_freed_and_reversed_names_the_same_agreement_and_payment(
    app: Flask, factories: Factories
) -> None:
    strike(factories)
    named = {"agreement_id": 8, "payment_id": 4}
    (first,) = service.hold("first", CLEARING, HELD, eur(700), description="Hold", **named).transfer_ids
    (second,) = service.hold("second", CLEARING, HELD, eur(300), description="Hold", **named).transfer_ids
    service.post_pending("taken", first, description="Taken")
    service.void_pending("freed", second, description="Freed")
    service.reverse("taken", "undone", description="Undone")
    assert {links(key) for key in ("first", "second", "taken", "freed", "undone")} == {(8, 4)}
    book(move(CLEARING, HELD, 100), key="bare")
    assert links("bare") == (None, None)


def test_a_statement_tells_everything_about_a_transfer(app: Flask, factories: Factories, frozen: FrozenClock) -> None:
    strike(factories)
    at = frozen.at(NOON)
    book(move(CLEARING, OWNER, 5000), key="before")
    named = {"agreement_id": 8, "payment_id": 4}
    held = service.hold("hold", OWNER, FEES, eur(700), description="Hold", **named)
    taken = service.post_pending("taken", held.transfer_ids[0], eur(300), description="Taken")
    db.session.rollback()
    newest, hold, oldest = service.statement(OWNER.code)
    assert newest == StatementRow(
        taken.transfer_ids[0], taken.txn_id, "taken", at, "Taken", 8, 4, "post", held.transfer_ids[0], "debit", eur(300),
        FEES.code,
    )  # fmt: skip
    assert (hold.transfer_id, hold.phase, hold.pending_id, hold.amount) == (
        held.transfer_ids[0],
        "pending",
        None,
        eur(700),
    )
    assert (oldest.side, oldest.other, oldest.key) == ("credit", CLEARING.code, "before")


def test_a_statement_comes_in_pages_without_gap_or_repetition(app: Flask) -> None:
    for minor in range(1, 8):
        book(move(CLEARING, HELD, minor) if minor % 2 else move(HELD, CLEARING, 1), key=f"n{minor}")
    db.session.rollback()
    pages = [service.statement(CLEARING.code, limit=3)]
    while pages[-1]:
        pages.append(service.statement(CLEARING.code, after=pages[-1][-1].transfer_id, limit=3))
    assert [[row.key for row in page] for page in pages] == [["n7", "n6", "n5"], ["n4", "n3", "n2"], ["n1"], []]


def test_an_owner_has_only_own_accounts_in_order_of_their_codes(app: Flask) -> None:
    book(move(CLEARING, OWNER, 500), move(OWNER, FEES, 100), move(CLEARING, accounts.member_payable(3, "EUR"), 5))
    book(move(CLEARING, accounts.agreement_held(2, "EUR"), 9))
    db.session.rollback()

    def codes(*owner: object, **more: int) -> list[str]:
        return [one.code for one in service.balances_of(*owner, **more)]  # type: ignore[arg-type]

    assert codes("platform") == [FEES.code, CLEARING.code]
    assert codes("platform", limit=1) == [FEES.code]
    assert codes("member", 2) == [OWNER.code]
    assert codes("member", 3) == ["member:3:payable:EUR"]
    assert codes("agreement", 2) == ["agreement:2:held:EUR"]
    assert codes("member", 99) == []


def test_totals_are_listed_by_currency_and_kind(app: Flask) -> None:
    book(move(CLEARING, OWNER, 500), move(OWNER, FEES, 100), move(accounts.provider_fees("EUR"), CLEARING, 7))
    db.session.rollback()
    assert service.totals() == [
        ("EUR", "asset", eur(493)), ("EUR", "expense", eur(7)), ("EUR", "income", eur(100)), ("EUR", "liability", eur(400)),
    ]  # fmt: skip


def test_holds_run_out_at_their_instant_the_longest_due_first_and_no_more_than_asked_for(
    app: Flask, frozen: FrozenClock
) -> None:
    frozen.at(NOON)
    book(move(CLEARING, OWNER, 5000))
    for hours in (3, 1, 2):
        ends = clock.now() + timedelta(hours=hours)
        service.hold(f"h{hours}", OWNER, FEES, eur(hours), description="Hold", expires_at=ends)
    frozen.forward(minutes=59, seconds=59)
    assert service.expire_pending() == 0
    frozen.forward(seconds=1)
    assert service.expire_pending() == 1, "an hour is over to the second"
    frozen.forward(hours=2)
    assert service.expire_pending(limit=1) == 1
    db.session.rollback()
    ended = db.session.execute(
        select(LedgerTransaction.key, LedgerTransaction.description, LedgerTransfer.amount)
        .join(LedgerTransfer, LedgerTransfer.txn_id == LedgerTransaction.id)
        .where(LedgerTransfer.phase == "void")
        .order_by(LedgerTransaction.id)
    ).all()
    assert [(row.description, row.amount) for row in ended] == [("Hold expired", 1), ("Hold expired", 2)]
    assert all(row.key.startswith("expired:") for row in ended)
    assert service.expire_pending() == 1
    assert service.expire_pending() == 0
    assert proven()


def test_a_reversal_takes_back_what_moved_last_first_and_leaves_out_what_was_freed(app: Flask) -> None:
    book(move(CLEARING, OWNER, 5000))
    (hold,) = service.hold("hold", OWNER, FEES, eur(50), description="Hold").transfer_ids
    service.post("mixed", [move(OWNER, HELD, 30), service.voiding_of(hold), move(HELD, FEES, 20)], description="Mixed")
    service.reverse("mixed", "undone", description="Undone")
    db.session.rollback()
    moves = db.session.execute(
        select(LedgerTransfer.line, LedgerTransfer.amount, LedgerTransfer.phase)
        .join(LedgerTransaction, LedgerTransaction.id == LedgerTransfer.txn_id)
        .where(LedgerTransaction.key == "undone")
        .order_by(LedgerTransfer.line)
    ).all()
    assert [tuple(row) for row in moves] == [(1, 20, "posted"), (2, 30, "posted")]
    assert proven()


def reverse_a_hold() -> None:
    service.hold("hold", CLEARING, HELD, eur(5), description="Hold")
    service.reverse("hold", "undone", description="Undone")


def use_a_key_twice() -> None:
    book(move(CLEARING, HELD, 5), key="once")
    book(move(CLEARING, HELD, 6), key="once")


SENTENCES: dict[str, tuple[type[DomainError], Callable[[], object]]] = {
    "There is no such account.": (TransactionNotFound, lambda: service.balance("platform:nothing:EUR")),
    "There is no such booking.": (TransactionNotFound, lambda: service.find_transaction("nothing")),
    "There is no such hold.": (TransactionNotFound, lambda: service.posting_of(99)),
    "A hold can't be reversed; release it instead.": (NotReversible, reverse_a_hold),
    "This was already booked with other figures.": (IdempotencyMismatch, use_a_key_twice),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_refusal_says_in_a_sentence_why(sentence: str, app: Flask) -> None:
    kind, act = SENTENCES[sentence]
    with pytest.raises(kind) as caught:
        act()
    assert caught.value.message == sentence


def test_a_transaction_moves_something(app: Flask) -> None:
    with pytest.raises(ValueError, match=r"^a transaction needs at least one transfer$"):
        service.post("empty", [], description="Nothing")
