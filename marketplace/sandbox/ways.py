"""Which ways to pay a request allows: since version endive by a filter, before that by naming them."""

from typing import Any

from marketplace.sandbox.calls import Call
from marketplace.sandbox.errors import InvalidRequest

NAMED, ALLOWED = "payment_method_types", "allowed_payment_method_types"
NAMES = f"{NAMED} {ALLOWED}"
ENDIVE = "2026-09-30"
KNOWN = ("card", "ideal", "sepa_debit")


def read(call: Call) -> dict[str, Any]:
    """Return what the parameters say of the ways to pay, as fields of an intent or a session.

    Raises InvalidRequest for a way that we don't have, and for the parameter that the request's version does not know
    (https://docs.stripe.com/changelog/endive/2026-09-30).
    """
    params = call.params
    if NAMED in params and call.since(ENDIVE):
        raise InvalidRequest(
            f"{NAMED} can no longer be given since version {ENDIVE}.endive: filter the ways that the dashboard offers"
            f" with {ALLOWED}, or leave it out.",
            code="payment_method_types_no_longer_supported",
            param=NAMED,
        )
    if ALLOWED in params and not call.since(ENDIVE):
        raise InvalidRequest(f"Received unknown parameter: {ALLOWED}", code="parameter_unknown", param=ALLOWED)
    name = NAMED if NAMED in params else ALLOWED
    types = params.texts(name)
    for given in types:
        if given not in KNOWN:
            raise InvalidRequest(f"The payment method type {given[:40]} is not activated.", param=name)
    if not types:
        return {}
    return {NAMED: types, ALLOWED: types} if name == ALLOWED else {NAMED: types}
