"""The SDK calls a sandbox as a function: the same answers, errors and losses as over a port."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe

from marketplace.sandbox import Sandbox, create_sandbox
from marketplace.testing.in_process import client_of
from tests.sandbox.conftest import KEY


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Sandbox]:
    """Give a bank without a port."""
    made = create_sandbox(tmp_path / "bank.db")
    yield made
    made.close()


def test_the_sdk_pays_lists_and_is_refused_in_process(bank: Sandbox, tmp_path: Path) -> None:
    sdk = client_of(bank, KEY).v1
    paid = sdk.payment_intents.create(
        {
            "amount": 1000,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "allowed_payment_method_types": ["card"],
            "metadata": {"attempt": "a&b=c"},
        }
    )
    assert (paid.status, paid.metadata.to_dict()) == ("succeeded", {"attempt": "a&b=c"})
    assert [one.id for one in sdk.payment_intents.list({"limit": 1}).auto_paging_iter()] == [paid.id]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        sdk.refunds.create({"payment_intent": paid.id, "amount": 1001})
    assert (caught.value.http_status, caught.value.code) == (400, "amount_too_large")
    (tmp_path / "proof.pdf").write_bytes(b"proof")
    with (tmp_path / "proof.pdf").open("rb") as file:
        assert sdk.files.create({"purpose": "dispute_evidence", "file": file}).size == 5


def test_a_lost_answer_is_a_lost_connection(bank: Sandbox) -> None:
    sdk = client_of(bank, KEY).v1
    bank.faults.add("customers.create", "lost")
    with pytest.raises(stripe.APIConnectionError):
        sdk.customers.create({"name": "Anna"})
    assert [one.name for one in sdk.customers.list().data] == ["Anna"]
