"""Ten thousand random operations: after each rest the books equal the bank, and each row agrees with the books.

MARKETPLACE_PAYMENT_STEPS sets how many there are; MARKETPLACE_PAYMENT_SEED repeats a walk.
"""

from __future__ import annotations

import os
from random import SystemRandom

from flask import Flask
from sqlalchemy import text

from marketplace.database import db
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.dispute_world import Disputes
from tests.core.payment_walk import Walk

STEPS = int(os.environ.get("MARKETPLACE_PAYMENT_STEPS", "120"))
SEED = int(os.environ.get("MARKETPLACE_PAYMENT_SEED", "0")) or SystemRandom().randint(1, 2**31)
REST_EVERY = 40


def test_random_operations_leave_books_that_equal_the_bank(
    app: Flask, sandbox: Bank, factories: Factories, frozen: FrozenClock
) -> None:
    walk = Walk(Disputes(app, sandbox, factories), frozen, SEED)
    taken: list[str] = []
    for number in range(1, STEPS + 1):
        taken.append(walk.step())
        _balanced()
        if number % REST_EVERY == 0:
            _rest(walk, taken)
    _rest(walk, taken)
    assert sum(walk.done.values()) + sum(walk.refused.values()) == STEPS
    print(f"seed {SEED}: {sum(walk.done.values())} done {dict(walk.done)}, refused {dict(walk.refused)}")


def _balanced() -> None:
    """Every account equals the sum of its entries, and per currency debits equal credits, also in the middle of things."""
    assert db.session.execute(text("SELECT count(*) FROM ledger_drift")).scalar_one() == 0
    sums = db.session.execute(
        text("SELECT sum(posted_debit) - sum(posted_credit) FROM ledger_balance GROUP BY currency")
    )
    assert all(not difference for (difference,) in sums)
    db.session.rollback()


def _rest(walk: Walk, taken: list[str]) -> None:
    try:
        walk.come_to_rest()
        walk.world.prove()
        waiting = "SELECT kind, state, error_code, payment_id FROM payment_attempt WHERE state IN ('open', 'unknown')"
        left = db.session.execute(text(waiting)).all()
        assert not left, f"outcomes stayed open: {left}"
    except AssertionError as error:
        raise AssertionError(f"seed {walk.seed}, the last steps {taken[-60:]}: {error}") from error
