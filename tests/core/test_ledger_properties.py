"""Random operations against a plain model: same refusals, same balances, books that always balance.

After every step the example's own accounts are compared with the model; the whole of the books, which grows with every
example, is proved now and then and at the end, or the long form would take hours. `make ledger-long` is the long form:
50,000 steps on each database (`MARKETPLACE_LEDGER_STEPS`).
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count

from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import bindparam, text

from marketplace import clock
from marketplace.database import transaction
from marketplace.errors import DomainError
from marketplace.ledger import service
from marketplace.ledger.accounts import AccountSpec, agreement_held, member_payable, provider_clearing
from marketplace.ledger.transfers import PENDING, Posted, TransferSpec
from marketplace.money import Money
from tests.core.ledger_books import proven, rows

STEPS = int(os.environ.get("MARKETPLACE_LEDGER_STEPS", "400"))
PER_EXAMPLE = 40
PROVED_EVERY = 5000
"""Steps after which everything is recomputed from the transfers."""
LATER = timedelta(seconds=1)
_examples = count(1)

Move = tuple[int, int, int, bool]
moves = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 60), st.booleans()).filter(lambda m: m[0] != m[1]),
    min_size=1,
    max_size=3,
)


def attempt(work: Callable[[], Posted]) -> Posted | str:
    """Give the result of posting, or the code of its refusal."""
    try:
        return work()
    except DomainError as error:
        return error.code


@dataclass
class Hold:
    """A pending transfer as the model sees it."""

    transfer_id: int
    move: Move
    open: bool = True


class Books(RuleBasedStateMachine):
    """The model: posted money per account, and what open holds would take from each."""

    steps = 0
    proved = 0
    posted_keys: Bundle[str] = Bundle("posted_keys")
    holds: Bundle[Hold] = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.number = next(_examples) * 10
        self.accounts: list[AccountSpec] = [
            provider_clearing(f"model{self.number}", "EUR"),
            AccountSpec(f"platform:fees{self.number}:EUR", "EUR", "income", "platform_fees"),
            *(member_payable(self.number + offset, "EUR") for offset in (1, 2, 3)),
            agreement_held(self.number, "EUR"),
        ]
        self.money = [0] * 6
        self.taken = [0] * 6
        self.done: dict[str, tuple[list[Move], Posted]] = {}
        self.reversed: set[str] = set()
        self.expiring: list[Hold] = []
        self.keys = count(1)

    def specs(self, moved: list[Move]) -> list[TransferSpec]:
        return [
            TransferSpec(
                self.accounts[debit], self.accounts[credit], Money(amount, "EUR"), PENDING if held else "posted"
            )
            for debit, credit, amount, held in moved
        ]

    def allowed(self, moved: list[Move]) -> bool:
        """Apply the moves to the model, or leave it as it is when an account would go below zero."""
        money, taken = list(self.money), list(self.taken)
        for debit, credit, amount, held in moved:
            if held:
                taken[debit] += amount
            else:
                money[debit] -= amount
                money[credit] += amount
            if any(money[index] - taken[index] < 0 for index in (2, 3, 4, 5)):
                return False
        self.money, self.taken = money, taken
        return True

    def post(self, key: str, moved: list[Move], work: Callable[[], Posted]) -> bool:
        """Carry out `work` and compare with the model whether it is allowed."""
        expected = self.allowed(moved)
        done = attempt(work)
        assert (done == "overdraft") is not expected, f"{moved}: {done}"
        if isinstance(done, Posted):
            self.done[key] = (moved, done)
        return expected

    @rule(target=posted_keys, moved=moves)
    def move(self, moved: list[Move]) -> str:
        """Post up to three transfers, some of them pending."""
        key = f"{self.number}:{next(self.keys)}"
        self.post(key, moved, lambda: service.post(key, self.specs(moved), description="Model"))
        return key

    @rule(target=holds, amount=st.integers(1, 60), debit=st.integers(0, 4), expires=st.booleans())
    def hold(self, amount: int, debit: int, expires: bool) -> Hold:
        """Hold money for the agreement, for ever or until a moment that is over."""
        key, moved = f"{self.number}:{next(self.keys)}", [(debit, 5, amount, True)]
        until = clock.now() - LATER if expires else None
        specs = [replace(self.specs(moved)[0], expires_at=until)]
        self.post(key, moved, lambda: service.post(key, specs, description="Model"))
        held = Hold(self.done[key][1].transfer_ids[0] if key in self.done else 0, moved[0], key in self.done)
        if key in self.done:
            del self.done[key]  # `repeat` would have to know the moment
            if expires:
                self.expiring.append(held)
        return held

    @rule()
    def expire(self) -> None:
        """Free every hold whose moment is over, also those of earlier examples."""
        while service.expire_pending(1000):
            pass
        for hold in self.expiring:
            if hold.open:
                hold.open = False
                self.taken[hold.move[0]] -= hold.move[2]
        self.expiring.clear()

    @rule(hold=holds, percent=st.integers(0, 120))
    def resolve(self, hold: Hold, percent: int) -> None:
        """Void a hold (0), or post that part of it."""
        if not hold.transfer_id:
            return
        debit, credit, held, _pending = hold.move
        amount = min(max(held * percent // 100, 1), held + 1) if percent else 0
        key = f"{self.number}:{next(self.keys)}"
        if amount:
            done = attempt(
                lambda: service.post_pending(key, hold.transfer_id, Money(amount, "EUR"), description="Model")
            )
        else:
            done = attempt(lambda: service.void_pending(key, hold.transfer_id, description="Model"))
        if not isinstance(done, Posted):
            # Both may be wrong at once, and then each database names its own first.
            reasons = {"pending_resolved": not hold.open, "pending_mismatch": amount > held}
            assert reasons[done], f"{hold}: {done}"
            return
        assert hold.open
        assert amount <= held
        hold.open = False
        self.taken[debit] -= held
        self.money[debit] -= amount
        self.money[credit] += amount

    @rule(key=posted_keys)
    def repeat(self, key: str) -> None:
        """Post the same again: the first result, and nothing moves."""
        if key in self.done:
            moved, first = self.done[key]
            again = service.post(key, self.specs(moved), description="Model")
            assert (again.txn_id, again.transfer_ids, again.replayed) == (first.txn_id, first.transfer_ids, True)

    @rule(key=posted_keys, moved=moves)
    def abuse(self, key: str, moved: list[Move]) -> None:
        """Post something else under a key in use."""
        if key in self.done and moved != self.done[key][0]:
            said = attempt(lambda: service.post(key, self.specs(moved), description="Model"))
            assert said == "idempotency_mismatch"

    @rule(key=posted_keys)
    def reverse(self, key: str) -> None:
        """Undo a transaction without holds, once."""
        moved = self.done[key][0] if key in self.done else []
        if not moved or any(held for *_move, held in moved):
            return
        undone, back = f"{key}:undone", [(credit, debit, amount, False) for debit, credit, amount, _ in moved[::-1]]
        if key in self.reversed:
            assert service.reverse(key, undone, description="Model").replayed
        elif self.post(undone, back, lambda: service.reverse(key, undone, description="Model")):
            self.reversed.add(key)

    @invariant()
    def the_books_agree_with_the_model(self) -> None:
        """Compare every balance of this example, and add everything up to nothing."""
        Books.steps += 1
        asked = text(
            "SELECT code, posted_credit - posted_debit, pending_debit FROM ledger_balance WHERE code IN :codes"
        )
        codes = [account.code for account in self.accounts]
        with transaction() as session:
            listed = session.execute(asked.bindparams(bindparam("codes", expanding=True)), {"codes": codes})
            found = {code: (money, taken) for code, money, taken in listed}
        kept = [found.get(code, (0, 0)) for code in codes]
        assert [money for money, _taken in kept] == self.money
        assert [taken for _money, taken in kept] == self.taken
        assert sum(money for money, _taken in kept) == 0

    def teardown(self) -> None:
        """Prove the whole of the books now and then."""
        if Books.steps - Books.proved >= PROVED_EVERY:
            Books.proved = Books.steps
            assert proven()


def test_random_operations_never_unbalance_the_books(app: Flask) -> None:
    Books.steps = Books.proved = 0
    rounds = 0
    while Books.steps < STEPS:
        rounds += 1
        run_state_machine_as_test(
            Books,
            settings=settings(
                max_examples=max((STEPS - Books.steps) // PER_EXAMPLE, 1),
                stateful_step_count=PER_EXAMPLE,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate,),
            ),
        )
    assert proven()
    sys.stdout.write(
        f"{Books.steps:,} steps in {rounds} runs; the books hold {len(rows('ledger_transfer')):,} transfers\n"
    )
