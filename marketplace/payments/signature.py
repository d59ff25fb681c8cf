"""The signature on a webhook: who sent these bytes, and when."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

TOLERANCE_SECONDS = 300


class Forged(ValueError):
    """A body that is no event, or does not carry a signature of ours from these minutes; the text says what is wrong."""


def check_signature(body: bytes, header: str, secrets: Iterable[str], now: float) -> None:
    """Raise Forged unless one of the secrets signed this body within five minutes of `now` (seconds since 1970).

    https://docs.stripe.com/webhooks#verify-manually; unlike the SDK, stamps from the future are refused too. Several
    secrets are accepted, so that one can be replaced without losing an event.
    """
    stamp, given = "", []
    for part in header.split(","):
        name, _sign, value = part.strip().partition("=")
        if name == "t":
            stamp = value
        elif name == "v1":
            given.append(value.encode("utf-8", "replace"))
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 13) or not given:
        raise Forged("no signature")
    signed = stamp.encode() + b"." + body
    right = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    if not right:
        raise Forged("no secret is set")
    if not any(hmac.compare_digest(mine, theirs) for mine in right for theirs in given):
        raise Forged("wrong signature")
    if abs(now - int(stamp)) > TOLERANCE_SECONDS:
        raise Forged("too old or from the future")
