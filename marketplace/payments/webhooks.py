"""The webhook: a doorbell. Raw body, signature, one insert and one job in one transaction, 200."""

from __future__ import annotations

import time

from flask import Blueprint, Response, abort, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from marketplace.errorpages import problem
from marketplace.extensions import csrf
from marketplace.logs import log_of
from marketplace.payments.intake import read_event, take_in
from marketplace.payments.signature import Forged, check_signature
from marketplace.runtime import runtime

log = log_of(__name__)
webhooks = Blueprint("payment_webhooks", __name__)

LIMIT = 1024 * 1024
"""The largest body in bytes."""


@webhooks.post("/webhooks/stripe")
@csrf.exempt
def stripe() -> Response:
    """Take in an event; refuses what is not signed by Stripe, and remembers everything that is."""
    settings = runtime().settings
    if not settings.payments:
        abort(404)
    request.max_content_length = LIMIT
    try:
        body = request.get_data(cache=False)  # before anything parses it: the signature is over these very bytes
        # The wire's own time, not the site's clock: a stamp says when the sender's machine signed.
        check_signature(body, request.headers.get("Stripe-Signature", ""), settings.stripe_webhook_secrets, time.time())
        event = read_event(body)
    except Forged as error:
        return _refused(400, str(error), len(body))
    except RequestEntityTooLarge:
        return _refused(413, "too large", request.content_length)
    except ClientDisconnected:
        return _refused(400, "cut off", request.content_length)
    take_in([event])
    return Response(status=200)


def _refused(status: int, why: str, size: int | None) -> Response:
    """Refuse and say so in the log: why, how large, and from where, but nothing of what was sent."""
    log.warning("webhook_refused", why=why, size=size, sender=request.remote_addr)
    return problem(status, "This is not an event from the payment provider.", code="webhook_refused")


__all__ = ["LIMIT", "Forged", "check_signature", "stripe", "webhooks"]
