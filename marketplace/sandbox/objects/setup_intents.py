"""Set-up intents: save a payment method now, with strong authentication, to charge it later off-session."""

from typing import Any

from marketplace.sandbox import ways
from marketplace.sandbox.calls import Call, listing, listing_route, private, public, route
from marketplace.sandbox.errors import CardError
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id, token
from marketplace.sandbox.objects import bank_methods, charging, payment_methods
from marketplace.sandbox.objects.payment_intents import unexpected
from marketplace.sandbox.store import Doc

_CONFIRM = "payment_method payment_method_data payment_method_options return_url mandate_data use_stripe_sdk"
_CREATE = f"customer description metadata usage confirm automatic_payment_methods {ways.NAMES} {_CONFIRM}"
_UPDATE = f"customer description metadata payment_method payment_method_data payment_method_options {ways.NAMES}"
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def new_intent(call: Call, **facts: Any) -> Doc:
    """Store a set-up intent that waits for a payment method, and announce it."""
    identifier = new_id("seti")
    intent: Doc = {
        "id": identifier,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{identifier}_secret_{token(25)}",
        "created": call.now,
        "customer": None,
        "description": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {
            "card": {"mandate_options": None, "network": None, "request_three_d_secure": "automatic"}
        },
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
        **facts,
    }
    call.tx.insert(intent, call.account)
    emit(call, "setup_intent.created", intent)
    return intent


def create(call: Call) -> Doc:
    """Make a set-up intent, and with `confirm` try it at once."""
    params = call.params
    facts = _facts(call, {})
    method = _method(call)
    if method:
        facts |= {"payment_method": method["id"], "status": "requires_confirmation"}
    intent = new_intent(call, **facts)
    return _confirm(call, intent) if params.flag("confirm") else intent


def _facts(call: Call, present: Doc) -> dict[str, Any]:
    params = call.params
    facts: dict[str, Any] = {"metadata": params.metadata(present.get("metadata"))}
    if "description" in params:
        facts["description"] = params.text("description")
    if params.text("customer"):
        facts["customer"] = call.load("customer", params.need_text("customer"), "customer")["id"]
    if "usage" in params:
        facts["usage"] = params.choice("usage", ("off_session", "on_session"), "off_session")
    facts |= ways.read(call)
    automatic = params.group("automatic_payment_methods")
    if automatic.flag("enabled"):
        redirects = automatic.choice("allow_redirects", ("always", "never"), "always")
        facts["automatic_payment_methods"] = {"allow_redirects": redirects, "enabled": True}
    return facts


def _method(call: Call) -> Doc | None:
    if "payment_method_data" in call.params:
        return payment_methods.from_data(call, call.params.group("payment_method_data"))
    name = call.params.text("payment_method")
    return payment_methods.resolve(call, name) if name else None


def _confirm(call: Call, intent: Doc) -> Doc:
    if not intent["payment_method"]:
        raise unexpected(intent, "confirmed without a payment method")
    method = call.load("payment_method", intent["payment_method"])
    return set_up(call, intent, method, call.params.text("return_url"))


def set_up(call: Call, intent: Doc, method: Doc, return_url: str | None) -> Doc:
    """Check a method with its bank and save it; a card that wants 3-D Secure sends the payer there first.

    Raises CardError (402) when the bank refuses the card.
    """
    charging.check_owner(intent, method)
    intent["payment_method"] = method["id"]
    intent["next_action"] = None
    card = payment_methods.card_of(method)
    try:
        payment_methods.check(method, card, call.now)
    except CardError as error:
        raise _refuse(call, intent, method, error) from error
    if card.asks == "always" or (card.asks == "unless_set_up" and not private(method)["set_up"]):
        return charging.ask(call, intent, return_url)
    return _succeed(call, intent, method)


def authenticated(call: Call, intent: Doc, succeeded: bool) -> Doc:
    """Go on after the payer's answer on the bank's page. Raises CardError when the payer or the bank says no."""
    method = call.load("payment_method", intent["payment_method"])
    private(intent).pop("challenge", None)
    intent["next_action"] = None
    if not succeeded:
        error = CardError(
            "The card was not authenticated; choose another way to pay.", code="setup_intent_authentication_failure"
        )
        raise _refuse(call, intent, method, error)
    return _succeed(call, intent, method)


def _succeed(call: Call, intent: Doc, method: Doc) -> Doc:
    if intent["usage"] == "off_session":
        private(method)["set_up"] = True
    private(method)["used"] = True
    call.tx.update(method)
    if intent["customer"]:
        payment_methods.attach_to(call, method, call.load("customer", intent["customer"]))
    _note_attempt(call, intent, method, "succeeded")
    intent.update(status="succeeded", last_setup_error=None, mandate=bank_methods.give_mandate(call, method))
    call.tx.update(intent)
    emit(call, "setup_intent.succeeded", intent)
    return intent


def _refuse(call: Call, intent: Doc, method: Doc, error: CardError) -> CardError:
    _note_attempt(call, intent, method, "failed")
    error.extra["payment_method"] = public(method)
    intent["last_setup_error"] = error.body()["error"]
    intent["payment_method"] = None
    intent["status"] = "requires_payment_method"
    call.tx.update(intent)
    emit(call, "setup_intent.setup_failed", intent)
    error.extra["setup_intent"] = public(intent)
    return error


def _note_attempt(call: Call, intent: Doc, method: Doc, status: str) -> None:
    attempt: Doc = {
        "id": new_id("setatt"),
        "object": "setup_attempt",
        "application": None,
        "created": call.now,
        "customer": intent["customer"],
        "flow_directions": None,
        "livemode": False,
        "on_behalf_of": None,
        "payment_method": method["id"],
        "payment_method_details": (
            {"type": "card", "card": {"three_d_secure": None}}
            if method["type"] == "card"
            else {"type": method["type"], method["type"]: {}}
        ),
        "setup_error": None,
        "setup_intent": intent["id"],
        "status": status,
        "usage": intent["usage"],
    }
    call.tx.insert(attempt, call.account)
    intent["latest_attempt"] = attempt["id"]


def confirm(call: Call) -> Doc:
    """Try a set-up intent."""
    intent = call.subject("setup_intent")
    if intent["status"] not in _OPEN:
        raise unexpected(intent, "confirmed")
    method = _method(call)
    if method:
        intent["payment_method"] = method["id"]
    return _confirm(call, intent)


def update(call: Call) -> Doc:
    """Change a set-up intent."""
    intent = call.subject("setup_intent")
    if intent["status"] not in _OPEN and set(call.params.values) - {"metadata", "description", "expand"}:
        raise unexpected(intent, "changed in this way")
    intent.update(_facts(call, intent))
    method = _method(call)
    if method:
        intent.update(payment_method=method["id"], status="requires_confirmation", next_action=None)
    return call.tx.update(intent)


def cancel(call: Call) -> Doc:
    """Cancel a set-up intent."""
    intent = call.subject("setup_intent")
    reason = call.params.choice("cancellation_reason", ("abandoned", "duplicate", "requested_by_customer"))
    if intent["status"] not in _OPEN:
        raise unexpected(intent, "cancelled")
    return cancel_open(call, intent, reason)


def cancel_open(call: Call, intent: Doc, reason: str | None) -> Doc:
    """Cancel a set-up intent that is still open."""
    intent.update(status="canceled", cancellation_reason=reason, next_action=None)
    call.tx.update(intent)
    emit(call, "setup_intent.canceled", intent)
    return intent


def list_all(call: Call) -> Doc:
    """List set-up intents."""
    return listing(call, "setup_intent", "/v1/setup_intents", ("customer", "payment_method"))


def list_attempts(call: Call) -> Doc:
    """List the attempts of a set-up intent."""
    call.load("setup_intent", call.params.need_text("setup_intent"), "setup_intent")
    return listing(call, "setup_attempt", "/v1/setup_attempts", ("setup_intent",))


ROUTES = (
    route("POST", "/v1/setup_intents", "setup_intents.create", create, _CREATE),
    listing_route("/v1/setup_intents", "setup_intents.list", list_all, "created customer payment_method"),
    route(
        "GET",
        "/v1/setup_intents/<id>",
        "setup_intents.retrieve",
        lambda call: call.subject("setup_intent"),
        "client_secret",
    ),
    route("POST", "/v1/setup_intents/<id>", "setup_intents.update", update, _UPDATE),
    route("POST", "/v1/setup_intents/<id>/confirm", "setup_intents.confirm", confirm, _CONFIRM),
    route("POST", "/v1/setup_intents/<id>/cancel", "setup_intents.cancel", cancel, "cancellation_reason"),
    listing_route("/v1/setup_attempts", "setup_attempts.list", list_attempts, "created setup_intent"),
)
