"""Payment intents: create, confirm, capture, cancel."""

from typing import Any

from marketplace.sandbox import shapes, ways
from marketplace.sandbox.amounts import amount_of, currency_of
from marketplace.sandbox.calls import Call, listing, listing_route, public, route
from marketplace.sandbox.errors import InvalidRequest, Refused, missing
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id, token
from marketplace.sandbox.objects import charging, payment_methods
from marketplace.sandbox.objects.customers import delivery
from marketplace.sandbox.store import Doc

_WORDS = "description receipt_email statement_descriptor statement_descriptor_suffix transfer_group"
_CONFIRM = (
    "payment_method payment_method_data payment_method_options return_url off_session"
    " setup_future_usage error_on_requires_action capture_method mandate_data receipt_email use_stripe_sdk shipping"
    f" {ways.NAMES}"
)
_CREATE = f"amount currency customer metadata confirm confirmation_method automatic_payment_methods {_WORDS} {_CONFIRM}"
_UPDATE = (
    f"amount currency customer metadata payment_method payment_method_data {ways.NAMES} {_WORDS}"
    " payment_method_options setup_future_usage capture_method shipping"
)
_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def new_intent(call: Call, amount: int, currency: str, **facts: Any) -> Doc:
    """Store a payment intent that waits for a payment method, and announce it."""
    identifier = new_id("pi")
    intent = shapes.new(
        "payment_intent",
        id=identifier,
        amount=amount,
        client_secret=f"{identifier}_secret_{token(25)}",
        created=call.now,
        currency=currency,
    )
    intent.update(facts)
    call.tx.insert(intent, call.account)
    emit(call, "payment_intent.created", intent)
    return intent


def create(call: Call) -> Doc:
    """Make a payment intent, and with `confirm` try to pay it at once."""
    params = call.params
    currency = currency_of(params)
    amount = amount_of(params, currency)
    confirm_now = params.flag("confirm")
    if params.flag("off_session") and not confirm_now:
        raise InvalidRequest("off_session is for intents that are confirmed at once.", param="off_session")
    facts = _facts(call, {})
    if "payment_method_types" not in params and "automatic_payment_methods" not in params and call.since("2023-08-16"):
        # Since then the ways to pay are chosen by Stripe unless the caller names them.
        facts["automatic_payment_methods"] = {"allow_redirects": "always", "enabled": True}
    facts["confirmation_method"] = params.choice("confirmation_method", ("automatic", "manual"), "automatic")
    method = _method(call)
    if method:
        facts |= {"payment_method": method["id"], "status": "requires_confirmation"}
    intent = new_intent(call, amount, currency, **facts)
    if method:
        charging.check_owner(intent, method)
    return _confirm(call, intent) if confirm_now else intent


def _facts(call: Call, present: Doc) -> dict[str, Any]:
    """Read what an intent may be given when it is made and until it is paid."""
    params = call.params
    facts: dict[str, Any] = {name: params.text(name) for name in _WORDS.split() if name in params}
    facts["metadata"] = params.metadata(present.get("metadata"))
    if params.text("customer"):
        customer = call.load("customer", params.need_text("customer"), "customer")
        if customer.get("deleted"):
            raise missing("customer", customer["id"], "customer")
        facts["customer"] = customer["id"]
    facts |= _ways(call)
    if "shipping" in params:
        facts["shipping"] = delivery(params)
    return facts


def _ways(call: Call) -> dict[str, Any]:
    """Read how an intent is to be paid."""
    params = call.params
    facts: dict[str, Any] = ways.read(call)
    if "capture_method" in params:
        facts["capture_method"] = params.choice("capture_method", ("automatic", "automatic_async", "manual"))
    if "setup_future_usage" in params:
        facts["setup_future_usage"] = params.choice("setup_future_usage", ("off_session", "on_session"))
    automatic = params.group("automatic_payment_methods")
    if automatic.flag("enabled"):
        redirects = automatic.choice("allow_redirects", ("always", "never"), "always")
        facts["automatic_payment_methods"] = {"allow_redirects": redirects, "enabled": True}
    wish = (
        params.group("payment_method_options")
        .group("card")
        .choice("request_three_d_secure", ("any", "automatic", "challenge"))
    )
    if wish:
        facts["payment_method_options"] = {
            "card": {"installments": None, "mandate_options": None, "network": None, "request_three_d_secure": wish}
        }
    return facts


def _method(call: Call) -> Doc | None:
    """Return the payment method that the parameters name or describe."""
    if "payment_method_data" in call.params:
        return payment_methods.from_data(call, call.params.group("payment_method_data"))
    name = call.params.text("payment_method")
    return payment_methods.resolve(call, name) if name else None


def unexpected(intent: Doc, what: str) -> Refused:
    """Return the 400 for an intent that is in no state for `what`."""
    error = Refused(
        f"This {intent['object'].replace('_', ' ')} cannot be {what}: its status is {intent['status']}.",
        code=f"{intent['object']}_unexpected_state",
    )
    error.extra[intent["object"]] = public(intent)
    return error


def _confirm(call: Call, intent: Doc) -> Doc:
    params = call.params
    if intent["status"] not in _OPEN:
        raise unexpected(intent, "confirmed")
    identifier = intent["payment_method"]
    method = call.load("payment_method", identifier) if identifier else None
    if method is None:
        raise unexpected(intent, "confirmed without a payment method")
    off_session = params.text("off_session") not in {None, "false"}
    return_url = params.text("return_url")
    automatic = intent["automatic_payment_methods"]
    leads_away = automatic and automatic["allow_redirects"] == "always" and intent[ways.ALLOWED] != ["card"]
    if leads_away and not (return_url or off_session):
        raise InvalidRequest(
            "The intent may be paid in ways that send the payer elsewhere: give return_url, or set"
            " automatic_payment_methods[allow_redirects] to never.",
            param="return_url",
        )
    return charging.pay(
        call,
        intent,
        method,
        off_session=off_session,
        return_url=return_url,
        error_on_action=params.flag("error_on_requires_action"),
    )


def confirm(call: Call) -> Doc:
    """Try to pay an intent."""
    intent = call.subject("payment_intent")
    if intent["status"] not in _OPEN:
        raise unexpected(intent, "confirmed")
    intent.update(_ways(call))
    method = _method(call)
    if method:
        intent["payment_method"] = method["id"]
    return _confirm(call, intent)


def update(call: Call) -> Doc:
    """Change an intent; its amount, customer and method only until it is paid."""
    intent = call.subject("payment_intent")
    params = call.params
    frozen = intent["status"] not in _OPEN
    if frozen and set(params.values) - {"metadata", "description", "receipt_email", "transfer_group", "expand"}:
        raise unexpected(intent, "changed in this way")
    facts = _facts(call, intent)
    if "currency" in params:
        facts["currency"] = currency_of(params)
    if "amount" in params:
        facts["amount"] = amount_of(params, str(facts.get("currency") or intent["currency"]))
    method = _method(call)
    if method:
        facts |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}
    intent.update(facts)
    if method:
        charging.check_owner(intent, method)
    return call.tx.update(intent)


def capture(call: Call) -> Doc:
    """Take what is held, or a part of it."""
    intent = call.subject("payment_intent")
    if intent["status"] != "requires_capture":
        raise unexpected(intent, "captured")
    amount = call.params.integer("amount_to_capture", 1) or intent["amount_capturable"]
    if amount > intent["amount_capturable"]:
        raise InvalidRequest(
            f"amount_to_capture may be at most what is held, {intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
        )
    intent["metadata"] = call.params.metadata(intent["metadata"])
    return charging.capture(call, intent, amount)


def cancel(call: Call) -> Doc:
    """Cancel an intent."""
    intent = call.subject("payment_intent")
    reason = call.params.choice("cancellation_reason", _REASONS)
    if intent["status"] not in {*_OPEN, "requires_capture"}:
        raise unexpected(intent, "cancelled")
    return charging.cancel(call, intent, reason)


def list_all(call: Call) -> Doc:
    """List payment intents."""
    return listing(call, "payment_intent", "/v1/payment_intents", ("customer",))


ROUTES = (
    route("POST", "/v1/payment_intents", "payment_intents.create", create, _CREATE),
    listing_route("/v1/payment_intents", "payment_intents.list", list_all, "created customer"),
    route(
        "GET",
        "/v1/payment_intents/<id>",
        "payment_intents.retrieve",
        lambda call: call.subject("payment_intent"),
        "client_secret",
    ),
    route("POST", "/v1/payment_intents/<id>", "payment_intents.update", update, _UPDATE),
    route("POST", "/v1/payment_intents/<id>/confirm", "payment_intents.confirm", confirm, _CONFIRM),
    route("POST", "/v1/payment_intents/<id>/capture", "payment_intents.capture", capture, "amount_to_capture metadata"),
    route("POST", "/v1/payment_intents/<id>/cancel", "payment_intents.cancel", cancel, "cancellation_reason"),
)
