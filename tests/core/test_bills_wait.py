"""What became of the money comes before the paper about it."""

from __future__ import annotations

from flask import Flask

from marketplace.database import transaction
from marketplace.jobs import queue
from marketplace.payments.billing import asks
from marketplace.payments.gateway import ObjectRef
from marketplace.payments.inbox import ring
from marketplace.payments.models import Refund


def test_an_event_of_the_bank_is_looked_at_before_a_bill_that_was_asked_for_earlier(app: Flask) -> None:
    with transaction():
        asks.bill_refund(Refund(id=1, surplus=False))
    ring("stripe", ObjectRef("payment_intent", "pi_later"))
    kinds = [job.kind for job in queue.claim("a worker", 20)]
    assert kinds == ["payments.process_event", "payments.bill"]
