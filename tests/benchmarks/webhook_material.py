"""What the webhook benchmark needs: payments that wait for their charges, the bank's objects about them, and its events.

Shapes and sizes come from one real charge at the payment sandbox, whose numbers are replaced: so each payment has the four
events, of two objects, that Stripe sends for a charge.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

import requests
import stripe
from sqlalchemy import insert

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.payments.models import Payment, PaymentAttempt, SavedMethod
from marketplace.testing import bank
from marketplace.testing.factories import Factories

SECRET, KEY = "whsec_benchmark", "sk_test_benchmark"
TYPES = ("payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated")
AMOUNT = 2500
EXPAND = "expand[]=latest_charge.balance_transaction"
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Material:
    """JSON texts in which INTENT, CHARGE, BALANCE, EVENT and KEY stand for numbers."""

    intent: str
    charge: str
    refunds: str
    events: tuple[str, ...]

    def event(self, kind: int, number: int) -> bytes:
        """Give one of the four events about a payment."""
        return put_in(self.events[kind], number).replace("@EVENT@", f"evt_bench_{kind}_{number:08d}").encode()


def put_in(text: str, number: int) -> str:
    """Write a payment's own numbers into a text."""
    for name, value in (
        ("@INTENT@", f"pi_bench_{number:08d}"),
        ("@CHARGE@", f"ch_bench_{number:08d}"),
        ("@BALANCE@", f"txn_bench_{number:08d}"),
        ("@KEY@", key_of(number)),
    ):
        text = text.replace(name, value)
    return text


def key_of(number: int) -> str:
    """Give the key of a payment's attempt."""
    return f"bench_key_{number:08d}"


def material() -> Material:
    """Let the sandbox make one charge, and take its objects and events as patterns."""
    with bank.opened() as opened:
        client = stripe.StripeClient(bank.API_KEY, base_addresses={"api": opened.url}).v1
        intent = client.payment_intents.create({
            "amount": AMOUNT, "currency": "eur", "customer": client.customers.create({}).id, "payment_method": "pm_card_visa",
            "confirm": True, "metadata": {"attempt": "@KEY@"},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        })  # fmt: skip
        entry = client.charges.retrieve(str(intent.latest_charge)).balance_transaction
        opened.sandbox.clock.advance(60)
        opened.deliver()

        def get(path: str) -> str:
            answer = requests.get(f"{opened.url}/v1/{path}", auth=(bank.API_KEY, ""), timeout=10)
            answer.raise_for_status()
            return answer.text

        def patterned(text: str) -> str:
            text = text.replace(intent.id, "@INTENT@").replace(str(intent.latest_charge), "@CHARGE@")
            return text.replace(str(entry), "@BALANCE@")

        found = json.loads(get("events?limit=100"))["data"]
        charge = next(event for event in found if event["type"] == "charge.succeeded")
        events = []
        for kind in TYPES:
            event = next((one for one in found if one["type"] == kind), {**charge, "type": kind})
            events.append(patterned(json.dumps({**event, "id": "@EVENT@"}, indent=2)))
        return Material(
            patterned(get(f"payment_intents/{intent.id}?{EXPAND}")),
            patterned(get(f"charges/{intent.latest_charge}")),
            patterned(get(f"refunds?payment_intent={intent.id}")),
            tuple(events),
        )


def seed(count: int) -> None:
    """Write payments whose charges are under way at the bank, numbered from 1; in the open app context."""
    factories = Factories()
    owner, payer = factories.user(), factories.user()
    listing = factories.listing(owner)
    at = clock.now()
    with transaction() as session:
        method = SavedMethod(user_id=payer.id, gateway="stripe", ref="pm_bench", kind="card", created_at=at)
        session.add(method)
        session.flush()
        for first in range(1, count + 1, CHUNK):
            numbers = range(first, min(first + CHUNK, count + 1))
            both = {"created_at": at, "updated_at": at}
            agreement = {"kind": "test", "listing_id": listing.id, "owner_id": owner.id, "member_id": payer.id,
                         "state": "agreed", "phase": "agreed", "terms": {}, **both}  # fmt: skip
            session.execute(insert(Agreement), [{"id": number, **agreement} for number in numbers])
            payment = {"payer_id": payer.id, "payee_id": owner.id, "purpose": "pledge", "amount_minor": AMOUNT,
                       "currency": "EUR", "state": "charging", "method_id": method.id, "method_kind": "card",
                       "due_at": at, **both}  # fmt: skip
            session.execute(insert(Payment), [{"id": n, "agreement_id": n, **payment} for n in numbers])
            params = {"amount_minor": AMOUNT, "currency": "EUR", "customer": "cus_bench", "method": "pm_bench",
                      "description": "Benchmark", "group": "benchmark"}  # fmt: skip
            attempt = {"kind": "charge", "gateway": "stripe", "user_id": payer.id, "params": params,
                       "state": "processing", **both}  # fmt: skip
            session.execute(insert(PaymentAttempt), [{"payment_id": n, "key": key_of(n), **attempt} for n in numbers])
    db.session.remove()


def signed(body: bytes) -> str:
    """Sign a body as Stripe does."""
    stamp = int(time.time())
    mark = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mark}"


def request(path: str, body: bytes) -> bytes:
    """Write a whole HTTP request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n"
        f"Accept: */*; q=0.5, application/xml\r\nContent-Type: application/json; charset=utf-8\r\n"
        f"Stripe-Signature: {signed(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class StandIn:
    """Answers as Stripe would about the seeded payments; `answer` gives the JSON for the address of a GET."""

    def __init__(self, patterns: Material) -> None:
        """Take the patterns."""
        self.patterns = patterns

    def answer(self, target: str) -> tuple[int, str]:
        """Give status and body."""
        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")
        if len(parts) == 3 and parts[1] in ("payment_intents", "charges") and "_bench_" in parts[2]:
            pattern = self.patterns.intent if parts[1] == "payment_intents" else self.patterns.charge
            return 200, put_in(pattern, int(parts[2].rpartition("_")[2]))
        if len(parts) == 2 and parts[1] == "refunds" and "pi_bench_" in query:
            return 200, self.patterns.refunds
        return 404, json.dumps({"error": {"type": "invalid_request_error", "code": "resource_missing"}})


def settings(url: str, api: str) -> dict[str, Any]:
    """Give the settings of the marketplace under load."""
    return {"database_url": url, "stripe_api_key": KEY, "stripe_api_base": api, "stripe_webhook_secrets": (SECRET,)}
