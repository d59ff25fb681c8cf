"""Many threads at once, on the application itself and on the running server: no error of ours, and books that add up."""

import json
import random
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import stripe
from werkzeug.test import Client

from marketplace.sandbox import Sandbox, SandboxServer, create_sandbox
from tests.sandbox.conftest import KEY

THREADS = 16
METHODS = ("pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_createDispute", "pm_card_bypassPending")
LOOKS = ("/v1/events?limit=50", "/v1/payment_intents?expand[]=data.latest_charge", "/v1/balance", "/desk/payments", "/")


def together(work: Callable[[random.Random], None]) -> None:
    """Run `work` in many threads that begin at one moment; what any of them raises is raised here."""
    begin, wrong = threading.Barrier(THREADS), []

    def run(number: int) -> None:
        begin.wait()
        try:
            work(random.Random(number))
        except Exception:
            wrong.append(traceback.format_exc())

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[0]


def books_add_up(bank: Sandbox) -> None:
    """Check that every balance is the sum of its entries, after all that is due was done."""
    while bank.tick():
        pass
    state = Client(bank).get("/_sandbox/state").json
    assert state is not None
    assert state["consistent"] is True
    assert state["charges"]["eur"] > 0


def test_the_application_serves_many_threads_without_an_error_of_its_own(tmp_path: Path) -> None:
    bank = create_sandbox(tmp_path / "bank.db")
    seen: set[int] = set()

    def work(chance: random.Random) -> None:
        client = Client(bank)
        key = {"Authorization": f"Bearer {KEY}"}
        for _ in range(12):
            pay = {"amount": "1000", "currency": "eur", "confirm": "true", "payment_method": chance.choice(METHODS)}
            paid = client.post(
                "/v1/payment_intents", data=pay, headers={**key, "Idempotency-Key": str(chance.random())}
            )
            refund = {"payment_intent": json.loads(paid.data).get("id", "pi_none"), "amount": "100"}
            answers = [paid, client.post("/v1/refunds", data=refund, headers=key)]
            answers.append(client.get(chance.choice(LOOKS), headers=key))
            if chance.random() < 0.2:
                answers.append(client.post("/_sandbox/clock", data={"advance": "90000"}))
            seen.update(answer.status_code for answer in answers)
            assert all(answer.status_code < 500 for answer in answers), [answer.data for answer in answers]

    together(work)
    assert {200, 402, 404} <= seen
    books_add_up(bank)
    bank.close()


def test_the_server_serves_many_threads_while_its_worker_works() -> None:
    with SandboxServer() as server:
        server.sandbox.listen("http://127.0.0.1:9/webhooks", "whsec_x")

        def work(chance: random.Random) -> None:
            for _ in range(4):
                # A new client each time: its first request comes on a connection that nobody used before.
                transport = stripe.RequestsClient()
                client = stripe.StripeClient(
                    KEY, base_addresses={"api": server.url}, http_client=transport, max_network_retries=0
                ).v1
                paid = client.payment_intents.create(
                    {
                        "amount": 1000,
                        "currency": "eur",
                        "payment_method": chance.choice(("pm_card_visa", "pm_card_bypassPending")),
                        "confirm": True,
                        "allowed_payment_method_types": ["card"],
                    },
                    {"idempotency_key": str(chance.random())},
                )
                client.refunds.create({"payment_intent": paid.id, "amount": 100})
                client.events.list({"limit": 50})
                server.sandbox.clock.advance(3600)
                transport.close()

        together(work)
        books_add_up(server.sandbox)
        assert server.sandbox.judge is not None
        assert not server.sandbox.judge.violations
