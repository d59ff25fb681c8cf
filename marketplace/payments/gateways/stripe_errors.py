"""What an error of the SDK means for us (https://docs.stripe.com/error-handling)."""

from __future__ import annotations

import stripe

from marketplace.payments.facts import Reason, Refused, Trouble, Unknown

GONE = frozenset({"payment_method"})
LONGEST_PAUSE = 3600.0


def trouble(error: stripe.StripeError) -> Trouble:
    """Sort an error: wait, look up, send again, or give up; no detail carries a card number or a key."""
    status = error.http_status
    detail = (error.user_message or str(error))[:200]
    if status in (409, 429):
        return Unknown(Reason.BUSY, detail, _pause(error) if status == 429 else None)
    if isinstance(error, stripe.APIConnectionError) or status is None:
        return Unknown(Reason.LOST, detail)
    if isinstance(error, stripe.IdempotencyError):
        # Our parameters differ from those under the same key: a mistake of ours, but something exists there.
        return Unknown(Reason.FAULT, detail)
    if status == 500:
        return Unknown(Reason.FAULT, detail)
    if status > 500:  # a proxy on the way: the request may still be at work behind it
        return Unknown(Reason.LOST, detail)
    return Refused((error.code or type(error).__name__)[:64], detail)


def _pause(error: stripe.StripeError) -> float:
    """Read how many seconds we are asked to wait (RFC 9110, section 10.2.3); a second when nothing is said."""
    given = str((error.headers or {}).get("Retry-After", ""))
    return min(float(given), LONGEST_PAUSE) if given.isascii() and given.isdigit() else 1.0


def method_is_gone(error: stripe.StripeError) -> bool:
    """Tell whether a charge was refused because the saved method no longer exists or belongs to nobody."""
    return isinstance(error, stripe.InvalidRequestError) and error.param in GONE
