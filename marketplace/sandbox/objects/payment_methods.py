"""Payment methods: cards, made of ready-made test methods or on the hosted page, attached to one customer for good."""

from datetime import UTC, datetime
from typing import Any

from marketplace.sandbox import banks
from marketplace.sandbox.banks import ACCOUNTS
from marketplace.sandbox.calls import Call, listing, listing_route, private, route
from marketplace.sandbox.cards import CARDS, DECLINES, PAYMENT_METHODS, TOKENS, TestCard
from marketplace.sandbox.errors import CardError, InvalidRequest, Refused, missing
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.objects import bank_methods
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

_UPDATE = "card billing_details metadata allow_redisplay"
_CREATE = f"type sepa_debit ideal {_UPDATE}"
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def new_card(call: Call, card: TestCard, *, exp_month: int, exp_year: int, billing: Doc | None = None) -> Doc:
    """Store a payment method for a card, not yet attached to anyone."""
    details = billing or {}
    method: Doc = {
        "id": new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": details.get("address") or dict.fromkeys(_ADDRESS),
            "email": details.get("email"),
            "name": details.get("name"),
            "phone": details.get("phone"),
            "tax_id": None,
        },
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "unchecked"},
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": exp_month,
            "exp_year": exp_year,
            "fingerprint": card.fingerprint(call.account),
            "funding": card.funding,
            "generated_from": None,
            "last4": card.number[-4:],
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": call.now,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_": {"number": card.number, "set_up": card.already_set_up, "used": False},
    }
    return call.tx.insert(method, call.account)


def card_of(method: Doc) -> TestCard:
    """Return how the card behind a payment method behaves."""
    number = method["_"]["number"]
    return CARDS[number] if method["type"] == "card" else ACCOUNTS[number]


def ready_made(call: Call, number: str, billing: Doc | None = None) -> Doc:
    """Store a payment method for a test card with an expiry date that lies ahead."""
    year = datetime.fromtimestamp(call.now, UTC).year
    return new_card(call, CARDS[number], exp_month=12, exp_year=year + 5, billing=billing)


def resolve(call: Call, identifier: str, param: str = "payment_method") -> Doc:
    """Return the payment method of an id, or a new one for a name such as `pm_card_visa`."""
    if identifier in banks.PAYMENT_METHODS:
        return bank_methods.new_debit(call, banks.PAYMENT_METHODS[identifier])
    number = PAYMENT_METHODS.get(identifier)
    return ready_made(call, number) if number else call.load("payment_method", identifier, param)


def billing_of(params: Params) -> Doc:
    """Read billing details."""
    details: Doc = {name: params.text(name) for name in ("email", "name", "phone")}
    given = params.group("address")
    details["address"] = {name: given.text(name) for name in _ADDRESS} if given.values else None
    return details


def from_data(call: Call, params: Params) -> Doc:
    """Store a payment method from `type`, `card[token]` and `billing_details`."""
    kind = params.choice("type", ("card", "sepa_debit", "ideal"))
    if kind is None:
        raise params.absent("type")
    if kind != "card":
        return bank_methods.from_data(call, kind, params, billing_of(params.group("billing_details")))
    card = params.group("card")
    if "number" in card:
        raise InvalidRequest(
            "Card numbers are not sent to the API: use a ready-made payment method, a token or the hosted page.",
            param=card.path("number"),
        )
    name = card.need_text("token")
    if name not in TOKENS:
        raise missing("token", name, card.path("token"))
    return ready_made(call, TOKENS[name], billing_of(params.group("billing_details")))


def create(call: Call) -> Doc:
    """Make a payment method."""
    method = from_data(call, call.params)
    method["metadata"] = call.params.metadata()
    return call.tx.update(method)


def check(method: Doc, card: TestCard, now: int) -> None:
    """Raise CardError when the card's bank refuses it even for a check without money."""
    if card.declines and not card.attaches:
        raise declined(card.declines)
    if expired(method, now):
        raise declined("expired_card")


def expired(method: Doc, now: int) -> bool:
    """Return whether the card's last month lies behind."""
    if method["type"] != "card":
        return False
    today = datetime.fromtimestamp(now, UTC)
    return (method["card"]["exp_year"], method["card"]["exp_month"]) < (today.year, today.month)


def declined(decline_code: str, **extra: Any) -> CardError:
    """Return the 402 of a decline."""
    code, message = DECLINES[decline_code]
    return CardError(message, code=code, param="", decline_code=decline_code, **extra)


def attach_to(call: Call, method: Doc, customer: Doc) -> Doc:
    """Attach a payment method to a customer; attaching it twice to the same one changes nothing."""
    if method["customer"] == customer["id"]:
        return method
    if method["customer"] or private(method).get("detached"):
        raise Refused(
            "This payment method belongs or belonged to a customer already and cannot be attached again.",
            param="payment_method",
        )
    check(method, card_of(method), call.now)
    method["customer"] = customer["id"]
    call.tx.update(method)
    emit(call, "payment_method.attached", method)
    return method


def attach(call: Call) -> Doc:
    """Attach a payment method."""
    method = resolve(call, call.path["id"], "id")
    customer = call.load("customer", call.params.need_text("customer"), "customer")
    if customer.get("deleted"):
        raise missing("customer", customer["id"], "customer")
    return attach_to(call, method, customer)


def detach_from(call: Call, method: Doc) -> Doc:
    """Take a payment method away from its customer; it can never be used again."""
    previous = {"customer": method["customer"]}
    method["customer"] = None
    private(method)["detached"] = True
    call.tx.update(method)
    emit(call, "payment_method.detached", method, previous)
    return method


def detach(call: Call) -> Doc:
    """Detach a payment method."""
    method = call.subject("payment_method")
    if not method["customer"]:
        raise Refused("The payment method is not attached to a customer, so it cannot be detached.")
    return detach_from(call, method)


def update(call: Call) -> Doc:
    """Change the metadata, the billing details or the expiry date of an attached card."""
    method = call.subject("payment_method")
    if not method["customer"]:
        raise Refused("A payment method must be attached to a customer before it can be changed.")
    method["metadata"] = call.params.metadata(method["metadata"])
    if "billing_details" in call.params:
        given = {name: value for name, value in billing_of(call.params.group("billing_details")).items() if value}
        method["billing_details"].update(given)
    card = call.params.group("card")
    for name, low, high in (("exp_month", 1, 12), ("exp_year", 2000, 2099)) if method["type"] == "card" else ():
        method["card"][name] = card.integer(name, low, high) or method["card"][name]
    call.tx.update(method)
    emit(call, "payment_method.updated", method, {})
    return method


def list_all(call: Call) -> Doc:
    """List payment methods of a customer."""
    return listing(call, "payment_method", "/v1/payment_methods", ("customer", "type"))


ROUTES = (
    route("POST", "/v1/payment_methods", "payment_methods.create", create, _CREATE),
    listing_route("/v1/payment_methods", "payment_methods.list", list_all, "customer type"),
    route("GET", "/v1/payment_methods/<id>", "payment_methods.retrieve", lambda call: call.subject("payment_method")),
    route("POST", "/v1/payment_methods/<id>", "payment_methods.update", update, _UPDATE),
    route("POST", "/v1/payment_methods/<id>/attach", "payment_methods.attach", attach, "customer"),
    route("POST", "/v1/payment_methods/<id>/detach", "payment_methods.detach", detach),
)
