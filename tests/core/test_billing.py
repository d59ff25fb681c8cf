"""Bills: numbers without holes, lines that stay, tax in the books, and a credit note for everything that goes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from random import Random
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace.database import db, transaction
from marketplace.jobs.errors import TryLater
from marketplace.ledger import accounts
from marketplace.notifications.kinds import sentence
from marketplace.notifications.models import Notification
from marketplace.payments import service
from marketplace.payments.billing import invoices, numbers, rows
from marketplace.payments.billing.models import Bill, BillSeries, FeeLine
from marketplace.payments.billing.writing import Draft, write
from marketplace.payments.bookings import Fee
from marketplace.payments.models import Payment
from marketplace.payments.offline import details, orders, reversing
from marketplace.runtime import runtime
from marketplace.testing.clients import refresh
from marketplace.testing.factories import Factories
from marketplace.testing.frozen_clock import FrozenClock
from tests.core.offline_world import OfflineWorld, eur, without_a_provider


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give an app that talks to no provider at all."""
    with without_a_provider(make_app) as made:
        yield made


@pytest.fixture
def world(app: Flask, factories: Factories) -> OfflineWorld:
    """Give a marketplace without a provider."""
    return OfflineWorld(app, factories)


def bills(kind: str = "") -> list[Bill]:
    refresh()
    wanted = select(Bill).order_by(Bill.id)
    return list(db.session.scalars(wanted.where(Bill.kind == kind) if kind else wanted))


def paid(world: OfflineWorld, minor: int = 5000, fee: int = 250) -> Payment:
    payment = world.payment(minor)
    world.receive(payment, minor)
    service.settle(payment, fee=[Fee("platform fee", eur(fee))])
    return world.fresh(payment)


def told(user_id: int) -> list[str]:
    refresh()
    rows_ = db.session.scalars(select(Notification).where(Notification.user_id == user_id).order_by(Notification.id))
    return [sentence(row.kind, row.params) for row in rows_]


def note(user_id: int, cause: str) -> Draft:
    lines = [{"label": "A line", "net_minor": 100, "tax_minor": 0}]
    return Draft("receipt", cause, user_id, "EUR", "Seller", "Buyer", "Subject", lines)


# Receipts


def test_a_payer_gets_one_receipt_with_the_parties_as_they_were_then(world: OfflineWorld, frozen: FrozenClock) -> None:
    frozen.at("2026-03-01T12:00:00")
    details.tell(
        world.owner.id,
        name="Olaf's Bench Works",
        address="Laan 1\n3511 Utrecht",
        tax_number="NL1B01",
        account="",
        holder="",
    )
    payment = paid(world)
    bill = bills("receipt")[0]
    assert (bill.code, bill.total, bill.tax_minor, bill.user_id) == ("R2026-00001", eur(5000), 0, payment.payer_id)
    assert bill.seller == "Olaf's Bench Works\nLaan 1\n3511 Utrecht\nNL1B01"
    assert bill.buyer == "Petra Payer\nUtrecht"
    details.tell(world.owner.id, name="Another name", address="", tax_number="", account="", holder="")
    assert bills("receipt")[0].seller.startswith("Olaf's")
    world.work()
    assert len(bills("receipt")) == 1


def test_a_receipt_is_written_in_the_payers_language(world: OfflineWorld) -> None:
    payer = world.factories.user(locale="nl")
    payment = world.payment(5000, payer=payer)
    world.receive(payment, 5000)
    (bill,) = bills("receipt")
    assert bill.user_id == payer.id
    assert f"Ontvangen via {runtime().settings.site_name}, afspraak {payment.agreement_id}." in bill.notes


def test_a_refund_gets_a_credit_note_of_its_own_number_that_names_the_receipt(world: OfflineWorld) -> None:
    payment = paid(world)
    receipt = bills("receipt")[0]
    service.refund(payment, eur(1500), "broken")
    world.work()
    assert bills("receipt_credit") == []  # the money has not left yet
    orders.done(world.orders()[0].id, orders.Done(date(2026, 1, 1)), world.anna.id)
    world.work()
    credit = bills("receipt_credit")[0]
    assert (credit.total, credit.corrects_id, credit.series) == (eur(-1500), receipt.id, "RC")
    assert receipt.code in credit.notes
    assert bills("receipt")[0].total == eur(5000)
    assert told(payment.payer_id)[-1] == f"Credit note {credit.code}: €15 back."
    world.prove()


def test_a_reversed_receipt_of_money_credits_the_bill_and_the_next_money_gets_a_new_one(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    wrong = world.receive(payment, 5000)
    service.settle(payment, fee=eur(250))
    reversing.reverse(wrong.id, world.bert.id, "not ours")
    world.work()
    world.receive(payment, 5000)
    first, second = bills("receipt")
    assert [bill.corrects_id for bill in bills("receipt_credit")] == [first.id]
    assert (second.total, second.number) == (eur(5000), 2)
    (credit,) = bills("receipt_credit")
    assert f"Credit note {credit.code}: the €50 had not come in after all." in told(payment.payer_id)


# Fees and tax


def test_a_fee_with_tax_in_it_is_income_and_a_debt_to_the_tax_office(world: OfflineWorld) -> None:
    world.set(**{"bills.tax_rate": "21"})
    paid(world, 5000, 250)
    assert world.standing(accounts.platform_fees("EUR")) == 207
    assert world.standing(accounts.tax_payable("EUR")) == 43
    assert world.payable() == 4750
    world.prove()


def test_a_tax_on_top_is_borne_by_the_payee_but_never_beyond_what_is_there(world: OfflineWorld) -> None:
    world.set(**{"bills.tax_rate": "21", "bills.tax_included": "off"})
    paid(world, 5000, 250)
    assert (world.payable(), world.standing(accounts.tax_payable("EUR"))) == (4697, 53)
    paid(world, 100, 100)
    assert (world.payable(), world.standing(accounts.tax_payable("EUR"))) == (4697, 53 + 17)
    world.prove()


def test_fees_that_exceed_what_was_kept_are_a_mistake_of_the_caller(world: OfflineWorld) -> None:
    payment = world.payment(5000)
    world.receive(payment, 5000)
    for wrong in (eur(5001), eur(-1)):
        with pytest.raises(ValueError, match="exceed"):
            service.settle(payment, fee=wrong)
    assert world.fresh(payment).settled_at is None


def test_a_pay_out_brings_one_invoice_over_its_fees_with_the_tax_shown(world: OfflineWorld) -> None:
    world.set(**{"bills.tax_rate": "21", "bills.name": "Stichting Buurtdeel", "bills.numbers": "btw NL123456789B01"})
    for _payment in range(3):
        paid(world)
    invoices.sweep()
    assert bills("fee_invoice") == []
    world.tell_account(world.owner)
    service.pay_out(world.owner.id, "EUR")
    invoices.sweep()
    invoices.sweep()
    (bill,) = bills("fee_invoice")
    assert (bill.net_minor, bill.tax_minor, bill.total_minor, bill.tax_name) == (621, 129, 750, "btw 21 %")
    assert bill.seller == "Stichting Buurtdeel\nbtw NL123456789B01"
    assert [(line["count"], line["net_minor"], line["tax_minor"]) for line in bill.lines] == [(3, 621, 129)]
    assert bill.user_id == world.owner.id


def test_without_a_pay_out_the_invoice_comes_when_the_month_is_over(world: OfflineWorld, frozen: FrozenClock) -> None:
    frozen.at("2026-03-31T20:00:00")
    paid(world)
    invoices.sweep()
    assert bills("fee_invoice") == []
    frozen.at("2026-03-31T22:30:00")  # after midnight in Amsterdam, where it is April
    invoices.sweep()
    assert [bill.issued_on for bill in bills("fee_invoice")] == [date(2026, 4, 1)]


def test_fees_given_back_before_they_were_billed_are_simply_not_charged(
    world: OfflineWorld, frozen: FrozenClock
) -> None:
    frozen.at("2026-03-10T12:00:00")
    payment = paid(world)
    service.refund(payment, eur(2500), "half")
    world.work()
    orders.done(world.orders()[0].id, orders.Done(date(2026, 3, 10)), world.anna.id)
    world.work()
    frozen.at("2026-04-02T12:00:00")
    invoices.sweep()
    (bill,) = bills("fee_invoice")
    assert bill.total_minor == 125
    assert world.standing(accounts.platform_fees("EUR")) == 125


def test_a_payment_whose_fee_was_given_back_as_a_whole_is_not_counted_on_the_invoice(
    world: OfflineWorld, frozen: FrozenClock
) -> None:
    frozen.at("2026-03-10T12:00:00")
    whole, half, _kept = (paid(world) for _number in range(3))
    for payment, minor in ((whole, 5000), (half, 2500)):
        service.refund(payment, eur(minor), "back")
        world.work()
    for order in world.orders():
        orders.done(order.id, orders.Done(date(2026, 3, 10)), world.anna.id)
    world.work()
    frozen.at("2026-04-02T12:00:00")
    invoices.sweep()
    (bill,) = bills("fee_invoice")
    assert bill.total_minor == 125 + 250
    assert sum(line["count"] for line in bill.lines) == 2


def test_fees_given_back_after_the_invoice_get_a_credit_note(world: OfflineWorld, frozen: FrozenClock) -> None:
    frozen.at("2026-03-10T12:00:00")
    world.set(**{"bills.tax_rate": "21"})
    payment = paid(world)
    frozen.at("2026-04-02T12:00:00")
    invoices.sweep()
    service.refund(payment, eur(5000), "all")
    world.work()
    orders.done(world.orders()[0].id, orders.Done(date(2026, 4, 2)), world.anna.id)
    world.work()
    invoices.sweep()
    (invoice,), (credit,) = bills("fee_invoice"), bills("fee_credit")
    assert (credit.total_minor, credit.tax_minor, credit.corrects_id) == (-250, -43, invoice.id)
    assert world.standing(accounts.tax_payable("EUR")) == 0


def test_a_fee_undone_before_it_was_billed_leaves_no_bill_behind(world: OfflineWorld, frozen: FrozenClock) -> None:
    frozen.at("2026-03-10T12:00:00")
    payment = world.payment(5000)
    wrong = world.receive(payment, 5000)
    service.settle(payment, fee=eur(250))
    reversing.reverse(wrong.id, world.bert.id, "not ours")
    frozen.at("2026-04-02T12:00:00")
    invoices.sweep()
    assert bills("fee_invoice") == []
    assert all(db.session.scalars(select(FeeLine.void)))


# Numbers


def test_numbers_begin_anew_each_year_and_each_series_counts_for_itself(
    world: OfflineWorld, frozen: FrozenClock
) -> None:
    found = []
    for at, cause in (("2026-12-31T22:59:00", "a"), ("2026-12-31T23:01:00", "b"), ("2027-05-01T12:00:00", "c")):
        frozen.at(at)
        with transaction():
            found.append(write(note(world.owner.id, cause)).code)
    assert found == ["R2026-00001", "R2027-00001", "R2027-00002"]


def test_a_transaction_that_fails_gives_its_number_back(world: OfflineWorld) -> None:
    def lost() -> None:
        with transaction():
            write(note(world.owner.id, "lost"))
            raise LookupError

    with pytest.raises(LookupError):
        lost()
    with transaction():
        assert write(note(world.owner.id, "kept")).number == 1


def test_fifty_writers_at_once_leave_no_hole_though_some_of_them_fail(app: Flask, world: OfflineWorld) -> None:
    owner, dice = world.owner.id, Random(7)
    fails = {cause for cause in range(50) if dice.random() < 0.3}
    db.session.remove()

    def work(cause: int) -> None:
        with app.app_context():
            try:
                with transaction():
                    write(note(owner, f"writer-{cause}"))
                    if cause in fails:
                        raise LookupError
            except LookupError:
                pass
            finally:
                db.session.remove()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(50)))
    assert [bill.number for bill in bills()] == list(range(1, 50 - len(fails) + 1))


def test_a_cause_is_billed_once(world: OfflineWorld) -> None:
    for _time in range(2):
        with transaction():
            write(note(world.owner.id, "once"))
    assert len(bills()) == 1


def test_writers_of_one_cause_at_once_make_one_bill_and_the_others_come_back_later(
    app: Flask, world: OfflineWorld
) -> None:
    owner, together = world.owner.id, Barrier(8)
    db.session.remove()

    def work(_number: int) -> str:
        with app.app_context():
            try:
                together.wait(30)
                with transaction():
                    write(note(owner, "one cause"))
            except TryLater as later:
                return str(later)
            finally:
                db.session.remove()
        return ""

    with ThreadPoolExecutor(8) as pool:
        said = set(pool.map(work, range(8)))
    assert said <= {"", "somebody else was writing the same bill"}
    with transaction():
        write(note(owner, "another cause"))
    assert [(bill.number, bill.cause) for bill in bills()] == [(1, "one cause"), (2, "another cause")]


def test_a_row_whose_cause_has_a_bill_is_not_written(world: OfflineWorld) -> None:
    with transaction():
        first = write(note(world.owner.id, "seen too late"))
    values = {name: value for name, value in vars(first).items() if name != "id" and not name.startswith("_")}
    with transaction() as session:
        assert rows.written({**values, "number": numbers.next_number("R", first.year)}) is None
        session.rollback()
    with transaction():
        assert write(note(world.owner.id, "the next")).number == first.number + 1


def test_a_number_that_was_thrown_away_stops_the_series_instead_of_leaving_a_hole(world: OfflineWorld) -> None:
    with transaction():
        year = write(note(world.owner.id, "first")).year
    with transaction():
        numbers.next_number("R", year)
    with pytest.raises(DBAPIError), transaction():
        write(note(world.owner.id, "second"))
    assert [bill.number for bill in bills()] == [1]


def test_the_database_refuses_every_change_of_a_bill(world: OfflineWorld) -> None:
    with transaction():
        bill_id = write(note(world.owner.id, "first")).id
    for statement in (
        "UPDATE bill SET total_minor = 1", "UPDATE bill SET buyer = 'me'", "DELETE FROM bill",
        "UPDATE bill_series SET last = last + 2", "UPDATE bill_series SET last = 0", "DELETE FROM bill_series",
    ):  # fmt: skip
        with pytest.raises(DBAPIError), transaction() as session:
            session.execute(text(statement))
    assert db.session.get_one(Bill, bill_id).total_minor == 100
    assert db.session.scalars(select(BillSeries.last)).all() == [1]


def test_a_credit_note_names_what_it_corrects_and_is_never_above_zero(world: OfflineWorld) -> None:
    line = [{"label": "A line", "net_minor": 100, "tax_minor": 0}]
    for kind, minor in (("receipt_credit", -100), ("receipt", -100)):
        wrong = Draft(kind, kind, world.owner.id, "EUR", "S", "B", "X", [{**line[0], "net_minor": minor}])
        with pytest.raises(IntegrityError), transaction():
            write(wrong)
