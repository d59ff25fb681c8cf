"""What a provider with chargebacks must answer; Stripe's own SDK speaks to the sandbox over HTTP."""

from __future__ import annotations

import pytest
from flask import Flask

from marketplace.database import NetworkInsideTransaction, transaction
from marketplace.payments.attempts import new_key
from marketplace.payments.facts import BankPayoutFacts, DisputeFacts, Reason, Refused, ReversalFacts, Unknown
from marketplace.payments.orders import AnswerOrder, ReversalOrder
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.provider import Provider, provider
from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from tests.core.dispute_world import Disputes


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> Disputes:
    """Give a marketplace whose bank takes money back."""
    return Disputes(app, sandbox, factories)


@pytest.fixture
def bank(world: Disputes) -> Provider:
    """Give the app's provider."""
    return provider()


def _sent(world: Disputes) -> PayoutPart:
    world.onboard(world.owner)
    world.paid_out(5000, 250)
    return world.parts()[0]


def test_a_dispute_is_read_with_its_deadline_and_each_movement(world: Disputes, bank: Provider) -> None:
    ref = world.dispute(world.charged(5000), hear=False)
    facts = bank.read_dispute(ref)
    assert isinstance(facts, DisputeFacts)
    assert (facts.state, facts.amount_minor, facts.currency) == ("needs_response", 5000, "EUR")
    assert facts.due_by is not None
    assert [(one.amount_minor, one.fee.amount_minor, one.exchanged) for one in facts.movements] == [(-5000, 2000, None)]


def test_an_unknown_dispute_transfer_or_pay_out_is_refused_and_not_unknown(world: Disputes, bank: Provider) -> None:
    account = world.stripe.accounts.create({"type": "express", "capabilities": {"transfers": {"requested": True}}}).id
    for answer in (
        bank.read_dispute("du_none"),
        bank.read_case("du_none"),
        bank.concede_dispute(new_key(), AnswerOrder("du_none", {}, {})),
        bank.reverse_transfer(new_key(), ReversalOrder("tr_none", 100, "EUR")),
        bank.find_reversal(new_key(), ReversalOrder("tr_none", 100, "EUR")),
        bank.read_bank_payout("po_none", account),
    ):
        assert isinstance(answer, Refused), answer


def test_a_reversal_under_one_key_is_made_once_and_found_again(world: Disputes, bank: Provider) -> None:
    part = _sent(world)
    order, key = ReversalOrder(part.ref or "", 1000, "EUR"), new_key()
    first, again = bank.reverse_transfer(key, order), bank.reverse_transfer(key, order)
    assert isinstance(first, ReversalFacts)
    assert first == again == bank.find_reversal(key, order)
    assert (first.transfer_ref, first.amount_minor, first.key) == (part.ref, 1000, key)
    assert bank.find_reversal(new_key(), order) is None


def test_more_than_was_transferred_is_not_taken_back(world: Disputes, bank: Provider) -> None:
    part = _sent(world)
    assert isinstance(bank.reverse_transfer(new_key(), ReversalOrder(part.ref or "", 4751, "EUR")), Refused)


def test_a_lost_answer_to_evidence_is_unknown(world: Disputes, bank: Provider) -> None:
    ref = world.dispute(world.charged(5000), hear=False)
    world.fault("disputes.update", "lost")
    answer = bank.answer_dispute(new_key(), AnswerOrder(ref, {"uncategorized_text": "x"}, {}))
    assert isinstance(answer, Unknown)
    assert answer.reason is Reason.LOST


def test_a_file_that_is_no_evidence_is_refused(bank: Provider) -> None:
    assert isinstance(bank.upload_evidence(new_key(), "virus.exe", b"MZ"), Refused)
    assert isinstance(bank.upload_evidence(new_key(), "receipt.pdf", b"%PDF-1.7"), str)


def test_a_pay_out_to_a_bank_is_read_on_its_account(world: Disputes, bank: Provider) -> None:
    _sent(world)
    world.bank.sandbox.clock.advance(4 * 86_400)
    world.bank.deliver()
    account = world.stripe.accounts.list({"limit": 1}).data[0].id
    ref = world.stripe.payouts.list({}, {"stripe_account": account}).data[0].id
    facts = bank.read_bank_payout(ref, account)
    assert isinstance(facts, BankPayoutFacts)
    assert (facts.amount_minor, facts.account) == (4750, account)


def test_no_call_about_a_chargeback_leaves_an_open_transaction(bank: Provider) -> None:
    with transaction():
        for call in (
            lambda: bank.read_dispute("du_1"),
            lambda: bank.upload_evidence("k", "a.pdf", b"%PDF-"),
            lambda: bank.answer_dispute("k", AnswerOrder("du_1", {}, {})),
            lambda: bank.reverse_transfer("k", ReversalOrder("tr_1", 1, "EUR")),
        ):
            with pytest.raises(NetworkInsideTransaction):
                call()
