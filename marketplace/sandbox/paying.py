"""What happens when a payer submits the hosted page, and when they come back from their bank's page."""

from marketplace.sandbox.calls import Call, private
from marketplace.sandbox.cards import CARDS
from marketplace.sandbox.objects import charging, checkout, customers, payment_intents, payment_methods, setup_intents
from marketplace.sandbox.store import Doc, Tx

_DONE = ("succeeded", "requires_capture", "processing")


def pay_session(call: Call, session: Doc, *, number: str, exp_month: int, exp_year: int, name: str, email: str) -> Doc:
    """Pay or set up with a card and return the intent: done, or asking for 3-D Secure.

    Raises CardError when the bank says no; the session stays open for another try.
    """
    email = email or session["customer_email"] or ""
    billing: Doc = {"name": name, "email": email or None}
    method = payment_methods.new_card(call, CARDS[number], exp_month=exp_month, exp_year=exp_year, billing=billing)
    return pay_with(call, session, method, name, email)


def pay_with(call: Call, session: Doc, method: Doc, name: str, email: str) -> Doc:
    """Pay or set up with a method and return the intent, as `pay_session`."""
    customer = _customer(call, session, name, email)
    intent = _intent(call, session)
    if customer and not intent["customer"]:
        intent["customer"] = customer
        call.tx.update(intent)
    private(session)["payer"] = {"name": name, "email": email or None}
    call.tx.update(session)
    back = f"{call.base_url}/c/{session['id']}"
    if intent["object"] == "setup_intent":
        intent = setup_intents.set_up(call, intent, method, back)
    else:
        intent = charging.pay(call, intent, method, return_url=back)
    return finish(call, session, intent)


def _customer(call: Call, session: Doc, name: str, email: str) -> str | None:
    """Return the session's customer; one is made when the session asks for that."""
    if session["customer"] is None and session["customer_creation"] == "always":
        made = customers.new_customer(call, {"name": name or None, "email": email or None})
        session["customer"] = made["id"]
    customer: str | None = session["customer"]
    return customer


def _intent(call: Call, session: Doc) -> Doc:
    """Return the session's intent; that of a payment is made when the payer first pays, as at Stripe."""
    if session["setup_intent"]:
        return call.load("setup_intent", session["setup_intent"])
    if session["payment_intent"]:
        return call.load("payment_intent", session["payment_intent"])
    intent = payment_intents.new_intent(
        call,
        session["amount_total"],
        session["currency"],
        customer=session["customer"],
        **private(session)["data"],
    )
    session["payment_intent"] = intent["id"]
    call.tx.update(session)
    return intent


def finish(call: Call, session: Doc, intent: Doc) -> Doc:
    """Complete the session when its intent is done, and return the intent."""
    if intent["status"] in _DONE and session["status"] == "open":
        payer = private(session).get("payer") or {}
        facts: Doc = {
            "customer_details": {
                "address": None,
                "business_name": None,
                "email": payer.get("email"),
                "individual_name": None,
                "name": payer.get("name"),
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            }
        }
        if session["mode"] == "payment":
            facts["payment_status"] = "paid" if intent["status"] == "succeeded" else "unpaid"
        checkout.close(call, session, **facts)
    return intent


def after(session: Doc, intent: Doc) -> str:
    """Return where the payer goes: to their bank's page, or back to the shop."""
    action = intent["next_action"]
    if action:
        return str(action["redirect_to_url"]["url"])
    return success_url(session)


def success_url(session: Doc) -> str:
    """Return the shop's address with the session's id filled in."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def session_of(tx: Tx, intent: Doc) -> Doc | None:
    """Return the session that an intent belongs to."""
    if intent["object"] not in {"payment_intent", "setup_intent"}:
        return None
    found = tx.find("checkout.session", {intent["object"]: intent["id"]}, limit=1)
    return found[0] if found else None


def answer_challenge(call: Call, intent: Doc, succeeded: bool) -> Doc:
    """Take the payer's answer on the bank's page. Raises CardError when payer or bank say no."""
    module = setup_intents if intent["object"] == "setup_intent" else charging
    intent = module.authenticated(call, intent, succeeded)
    session = session_of(call.tx, intent)
    return finish(call, session, intent) if session else intent
