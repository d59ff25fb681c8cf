"""Many writers at once: one key posts once, a guarded account never goes below zero, and nobody waits in a circle."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from flask import Flask

from marketplace.database import db
from marketplace.errors import DomainError
from marketplace.ledger import service
from marketplace.ledger.accounts import AccountSpec, member_payable
from tests.core.ledger_books import CLEARING, FEES, OWNER, available, book, eur, move, proven, rows, standing

WRITERS = 8


def at_once(app: Flask, work: Callable[[int], str]) -> list[str]:
    """Run `work` in many threads that start together; give what each says."""
    start = Barrier(WRITERS)

    def one(number: int) -> str:
        with app.app_context():
            try:
                start.wait(10)
                return work(number)
            except DomainError as error:
                return error.code
            finally:
                db.session.remove()

    db.session.remove()
    with ThreadPoolExecutor(WRITERS) as pool:
        return list(pool.map(one, range(WRITERS)))


def test_eight_writers_with_one_key_post_once(app: Flask) -> None:
    for round_ in range(5):
        # Each round opens its accounts by the way, so that writers also meet there.
        payable = member_payable(100 + round_, "EUR")

        def work(_number: int, key: str = f"same:{round_}", payable: AccountSpec = payable) -> str:
            posted = book(move(CLEARING, payable, 5000), move(payable, FEES, 250), key=key)
            return f"{posted.txn_id} {posted.transfer_ids} {posted.replayed}"

        said = at_once(app, work)
        assert len({words.rsplit(" ", 1)[0] for words in said}) == 1
        assert Counter(words.rsplit(" ", 1)[1] for words in said) == {"False": 1, "True": WRITERS - 1}
    assert len(rows("ledger_txn")) == 5
    assert proven()


def test_writers_open_the_same_new_accounts_without_waiting_in_a_circle(app: Flask) -> None:
    for round_ in range(5):
        fresh = [member_payable(200 + 10 * round_ + number, "EUR") for number in range(6)]

        def work(number: int, fresh: list[AccountSpec] = fresh, round_: int = round_) -> str:
            inward = fresh if number % 2 else fresh[::-1]
            book(*(move(CLEARING, member, 1) for member in inward), key=f"open:{round_}:{number}")
            return "through"

        assert set(at_once(app, work)) == {"through"}
    assert standing(CLEARING) == 5 * WRITERS * 6
    assert proven()


def test_a_race_for_the_last_money_never_goes_below_zero(app: Flask) -> None:
    book(move(CLEARING, OWNER, 1000))

    def work(number: int) -> str:
        for turn in range(5):
            book(move(OWNER, FEES, 90), key=f"race:{number}:{turn}")
        return "all"

    said = at_once(app, work)
    assert set(said) <= {"overdraft", "all"}
    assert (standing(OWNER), standing(FEES)) == (1000 - 11 * 90, 11 * 90)
    assert proven()


def test_a_hold_is_taken_by_one_of_many(app: Flask) -> None:
    book(move(CLEARING, OWNER, 1000))
    (hold,) = service.hold("hold", OWNER, FEES, eur(400), description="Hold").transfer_ids

    def work(number: int) -> str:
        if number % 2:
            service.void_pending(f"void:{number}", hold, description="Freed")
            return "void"
        service.post_pending(f"post:{number}", hold, description="Taken")
        return "post"

    said = Counter(at_once(app, work))
    assert said["pending_resolved"] == WRITERS - 1
    assert (standing(FEES), available(OWNER)) == ((400, 600) if said["post"] else (0, 1000))
    assert proven()


def test_writers_that_meet_in_every_order_all_get_through(app: Flask) -> None:
    members = [member_payable(number, "EUR") for number in range(1, 5)]
    book(*(move(CLEARING, member, 100_000) for member in members))

    def work(number: int) -> str:
        for turn in range(10):
            one, other = members[(number + turn) % 4], members[(number + 3 * turn + 1) % 4]
            if one is not other:
                book(move(one, other, 7), move(other, FEES, 1), move(CLEARING, one, 1), key=f"ring:{number}:{turn}")
        return "through"

    assert set(at_once(app, work)) == {"through"}
    assert sum(standing(member) for member in members) == 400_000
    assert proven()
