"""What Stripe's own checkout page asks of Stripe; in no description, but the official CLI pays sessions in this way."""

from marketplace.sandbox import paying
from marketplace.sandbox.calls import Call, public, route
from marketplace.sandbox.errors import InvalidRequest, Refused
from marketplace.sandbox.objects import payment_methods
from marketplace.sandbox.store import Doc


def retrieve(call: Call) -> Doc:
    """Return what the page shows of a session."""
    return _page(call.subject("checkout.session"))


def confirm(call: Call) -> Doc:
    """Pay a session with a payment method, as the page does when its button is pressed."""
    session = call.subject("checkout.session")
    if session["status"] != "open":
        raise Refused(f"This session is {session['status']}.")
    expected = call.params.integer("expected_amount", 0)
    if expected is not None and expected != session["amount_total"]:
        raise InvalidRequest(f"The amount is {session['amount_total']}.", param="expected_amount")
    method = payment_methods.resolve(call, call.params.need_text("payment_method"))
    details = method["billing_details"]
    paying.pay_with(call, session, method, details["name"] or "", details["email"] or "")
    return _page(call.load("checkout.session", session["id"]))


def _page(session: Doc) -> Doc:
    return {"id": session["id"], "object": "checkout.session", "session": public(session), "status": session["status"]}


ROUTES = (
    route("GET", "/v1/payment_pages/<id>", "payment_pages.retrieve", retrieve),
    route("POST", "/v1/payment_pages/<id>/confirm", "payment_pages.confirm", confirm, "payment_method expected_amount"),
)
