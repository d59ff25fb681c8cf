"""Checkout sessions: a hosted page that saves a card (mode setup) or takes a payment (mode payment)."""

from typing import Any

from marketplace.sandbox import shapes, ways
from marketplace.sandbox.amounts import currency_of
from marketplace.sandbox.calls import Call, list_of, listing, listing_route, private, public, route
from marketplace.sandbox.errors import InvalidRequest, Refused, missing
from marketplace.sandbox.events import emit
from marketplace.sandbox.fees import MAXIMUM, MINIMUM
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import setup_intents
from marketplace.sandbox.objects.customers import delivery
from marketplace.sandbox.objects.webhook_endpoints import checked_url
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

_ACCEPTS = (
    "mode success_url cancel_url customer customer_email customer_creation client_reference_id currency line_items"
    " metadata payment_intent_data setup_intent_data payment_method_options expires_at locale"
    f" ui_mode submit_type billing_address_collection {ways.NAMES}"
)
DEFAULT_SECONDS = 24 * 3600
LEAST_SECONDS = 30 * 60


def create(call: Call) -> Doc:
    """Open a session; its `url` is the page to send the payer to."""
    params = call.params
    mode = params.choice("mode", ("payment", "setup"))
    if mode is None:
        raise params.absent("mode")
    params.choice("ui_mode", ("hosted_page", "hosted"))
    session = _new_session(call, mode)
    if mode == "payment":
        _price(call, session)
    else:
        if "line_items" in params:
            raise InvalidRequest("Line items are for mode payment.", param="line_items")
        session["currency"] = currency_of(params) if "currency" in params else None
        data = params.group("setup_intent_data")
        intent = setup_intents.new_intent(
            call, customer=session["customer"], metadata=data.metadata(), description=data.text("description")
        )
        session["setup_intent"] = intent["id"]
    call.tx.insert(session, call.account)
    call.tx.schedule(session["expires_at"], "session_expires", session["id"])
    return session


def _new_session(call: Call, mode: str) -> Doc:
    params = call.params
    identifier = new_id("cs_test")
    customer, email = _payer(call)
    cancel_url = params.text("cancel_url")
    session = shapes.new(
        "session",
        id=identifier,
        billing_address_collection=params.choice("billing_address_collection", ("auto", "required")),
        cancel_url=checked_url(cancel_url) if cancel_url else None,
        client_reference_id=params.text("client_reference_id", 200),
        created=call.now,
        customer=customer,
        customer_creation=None,
        customer_email=email,
        expires_at=_expiry(call),
        locale=params.text("locale", 10),
        metadata=params.metadata(),
        mode=mode,
        payment_method_collection="if_required" if mode == "payment" else "always",
        payment_status="unpaid" if mode == "payment" else "no_payment_required",
        submit_type=params.choice("submit_type", ("auto", "book", "donate", "pay")),
        success_url=checked_url(params.need_text("success_url")),
        url=f"{call.base_url}/c/{identifier}",
        _={"data": {}, "line_items": []},
        **ways.read(call),
    )
    if not customer:
        usual = "always" if mode == "setup" else "if_required"
        session["customer_creation"] = params.choice("customer_creation", ("always", "if_required"), usual)
    return session


def _payer(call: Call) -> tuple[str | None, str | None]:
    """Return (customer, e-mail) that the session is for."""
    params = call.params
    customer = params.text("customer")
    if customer and call.load("customer", customer, "customer").get("deleted"):
        raise missing("customer", customer, "customer")
    email = params.text("customer_email")
    if customer and email:
        raise InvalidRequest("Give customer or customer_email, not both.", param="customer_email")
    return customer, email


def _expiry(call: Call) -> int:
    """Return when the session ends: 24 hours from now, or `expires_at` between 30 minutes and 24 hours ahead."""
    at = call.params.integer("expires_at")
    if at is None:
        return call.now + DEFAULT_SECONDS
    # A minute's grace for clocks that differ.
    if not call.now + LEAST_SECONDS - 60 <= at <= call.now + DEFAULT_SECONDS + 60:
        raise InvalidRequest("expires_at must be between 30 minutes and 24 hours ahead.", param="expires_at")
    return at


def _price(call: Call, session: Doc) -> None:
    """Read the line items of a payment and what its payment intent will be given."""
    params = call.params
    items = params.groups("line_items")
    if not items:
        raise params.absent("line_items")
    lines = [_line(call, item) for item in items]
    currencies = {line["currency"] for line in lines}
    if len(currencies) > 1:
        raise InvalidRequest("All line items must have one currency.", param="line_items")
    total = sum(line["amount_total"] for line in lines)
    currency = currencies.pop()
    if not MINIMUM[currency] <= total <= MAXIMUM:
        raise InvalidRequest(
            f"The total must be between {MINIMUM[currency]} and {MAXIMUM}.", code="amount_too_small", param="line_items"
        )
    private(session)["line_items"] = lines
    private(session)["data"] = _intent_data(params.group("payment_intent_data"))
    session.update(
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    )


def _intent_data(data: Params) -> dict[str, Any]:
    """Read what the payment intent of a session will be given."""
    data.only(
        frozenset(
            [
                "capture_method",
                "description",
                "metadata",
                "receipt_email",
                "setup_future_usage",
                "shipping",
                "transfer_group",
            ]
        )
    )
    return {
        "capture_method": data.choice("capture_method", ("automatic", "automatic_async", "manual"), "automatic_async"),
        "description": data.text("description"),
        "metadata": data.metadata(),
        "receipt_email": data.text("receipt_email"),
        "shipping": delivery(data),
        "setup_future_usage": data.choice("setup_future_usage", ("off_session", "on_session")),
        "transfer_group": data.text("transfer_group"),
    }


def _line(call: Call, item: Params) -> Doc:
    if item.text("price"):
        named = call.load("price", item.need_text("price"), item.path("price"))
        currency, unit = str(named["currency"]), int(named["unit_amount"])
        description = call.load("product", named["product"])["name"]
    else:
        named, price = None, item.group("price_data")
        currency = currency_of(price)
        unit = price.need_integer("unit_amount", 0, MAXIMUM)
        description = price.group("product_data").need_text("name")
    quantity = item.integer("quantity", 1, 10_000) or 1
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": unit * quantity,
        "amount_tax": 0,
        "amount_total": unit * quantity,
        "currency": currency,
        "description": description,
        "metadata": {},
        "price": named and public(named),
        "quantity": quantity,
    }


def line_items(session: Doc) -> Doc:
    """Return the list of what is paid for, which is only shown when asked for."""
    return list_of(private(session)["line_items"], f"/v1/checkout/sessions/{session['id']}/line_items")


def close(call: Call, session: Doc, **facts: Any) -> Doc:
    """Complete a session after its intent succeeded (or holds the money)."""
    session.update(status="complete", url=None, **facts)
    call.tx.update(session)
    emit(call, "checkout.session.completed", session)
    return session


def expire(call: Call) -> Doc:
    """End an open session."""
    session = call.subject("checkout.session")
    if session["status"] != "open":
        raise Refused(f"Only open sessions can be expired; this one is {session['status']}.")
    return end(call, session)


def end(call: Call, session: Doc) -> Doc:
    """Let an open session expire; a set-up intent that belongs to it is cancelled."""
    session.update(status="expired", url=None, expires_at=min(session["expires_at"], call.now))
    call.tx.update(session)
    if session["setup_intent"]:
        intent = call.load("setup_intent", session["setup_intent"])
        if intent["status"] in {"requires_payment_method", "requires_confirmation", "requires_action"}:
            setup_intents.cancel_open(call, intent, "abandoned")
    emit(call, "checkout.session.expired", session)
    return session


def update(call: Call) -> Doc:
    """Change the metadata of a session."""
    session = call.subject("checkout.session")
    session["metadata"] = call.params.metadata(session["metadata"])
    return call.tx.update(session)


def list_all(call: Call) -> Doc:
    """List sessions."""
    filters = ("customer", "payment_intent", "setup_intent", "status")
    return listing(call, "checkout.session", "/v1/checkout/sessions", filters)


ROUTES = (
    route("POST", "/v1/checkout/sessions", "checkout.sessions.create", create, _ACCEPTS),
    listing_route(
        "/v1/checkout/sessions", "checkout.sessions.list", list_all, "created customer payment_intent status"
    ),
    route(
        "GET",
        "/v1/checkout/sessions/<id>",
        "checkout.sessions.retrieve",
        lambda call: call.subject("checkout.session"),
    ),
    route("POST", "/v1/checkout/sessions/<id>", "checkout.sessions.update", update, "metadata"),
    route("POST", "/v1/checkout/sessions/<id>/expire", "checkout.sessions.expire", expire),
    listing_route(
        "/v1/checkout/sessions/<id>/line_items",
        "checkout.sessions.line_items.list",
        lambda call: line_items(call.subject("checkout.session")),
        "",
    ),
)
