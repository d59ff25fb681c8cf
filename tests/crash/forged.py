"""Events that somebody made up: each looks like good news about a real object, and none carries a signature of these minutes."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import random
import time
from collections.abc import Callable

from marketplace.testing.bank import WEBHOOK_SECRET
from tests.crash.client import Tally, once

TYPES = ("payment_intent.succeeded", "charge.refunded", "refund.updated", "transfer.created", "charge.dispute.created")


def signed(body: bytes, secret: str, stamp: int) -> str:
    """Sign as the provider does (https://docs.stripe.com/webhooks#verify-manually)."""
    told = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={told}"


def made_up(dice: random.Random, refs: list[str]) -> tuple[bytes, str]:
    """Give the body and the signature of an event that must be refused."""
    kind, ref = dice.choice(TYPES), dice.choice(refs or ["pi_nobody"])
    event = {
        "id": f"evt_forged_{dice.randrange(10**12)}", "object": "event", "type": kind, "livemode": False, "api_version": "",
        "data": {"object": {"id": ref, "object": kind.split(".")[0], "status": "succeeded", "amount": 999_999}},
    }  # fmt: skip
    body, now = json.dumps(event).encode(), int(time.time())
    makers: tuple[Callable[[], str], ...] = (
        lambda: "",
        lambda: signed(body, "whsec_guessed", now),
        lambda: signed(body.replace(b"999999", b"1"), WEBHOOK_SECRET, now),  # a real signature, of another body
        lambda: signed(body, WEBHOOK_SECRET, now - 3600),  # an old one, played again
        lambda: signed(body, WEBHOOK_SECRET, now + 3600),
    )
    return body, dice.choice(makers)()


def send(site: str, dice: random.Random, refs: list[str], tally: Tally, patience: float = 30.0) -> None:
    """Send a made-up event until the site has answered; raises RuntimeError unless it was refused."""
    body, signature = made_up(dice, refs)
    headers = {"Content-Type": "application/json", **({"Stripe-Signature": signature} if signature else {})}
    deadline = time.monotonic() + patience
    while True:
        try:
            answer = once(f"{site}/webhooks/stripe", "POST", body, headers)
        except (OSError, http.client.HTTPException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            break
    if answer.status != 400:
        raise RuntimeError(f"a forged event was answered with {answer.status}")
    tally.note("forged events refused")
