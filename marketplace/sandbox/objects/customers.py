"""Customers."""

from typing import Any

from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import new_id, token
from marketplace.sandbox.objects import payment_methods
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

_TEXTS = ("description", "email", "name", "phone")
_UPDATE = "description email name phone metadata address shipping preferred_locales invoice_settings"
_CREATE = f"payment_method {_UPDATE}"
_ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")


def address(params: Params) -> dict[str, str | None] | None:
    """Read an address, None when none is given."""
    return {name: params.text(name) for name in _ADDRESS} if params.values else None


def delivery(params: Params) -> Doc | None:
    """Read `shipping`: name and address of a delivery, None when none is given."""
    given = params.group("shipping")
    return {"address": address(given.group("address")) or {}, "name": given.need_text("name")} if given.values else None


def new_customer(call: Call, facts: dict[str, Any]) -> Doc:
    """Make a customer of `facts` and announce it."""
    customer: Doc = {
        "id": new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "email": None,
        "invoice_prefix": token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        **facts,
    }
    call.tx.insert(customer, call.account)
    emit(call, "customer.created", customer)
    return customer


def create(call: Call) -> Doc:
    """Make a customer; with `payment_method` that method is attached."""
    customer = new_customer(call, _given(call, {"metadata": {}}))
    method = call.params.text("payment_method")
    if method:
        payment_methods.attach_to(call, payment_methods.resolve(call, method), customer)
    return customer


def _given(call: Call, present: Doc) -> dict[str, Any]:
    params = call.params
    facts: dict[str, Any] = {name: params.text(name) for name in _TEXTS if name in params}
    facts["metadata"] = params.metadata(present["metadata"])
    if "address" in params:
        facts["address"] = address(params.group("address"))
    if "shipping" in params:
        shipping = params.group("shipping")
        facts["shipping"] = {
            "address": address(shipping.group("address")) or {},
            "name": shipping.need_text("name"),
            "phone": shipping.text("phone"),
        }
    if "preferred_locales" in params:
        facts["preferred_locales"] = params.texts("preferred_locales")
    return facts


def update(call: Call) -> Doc:
    """Change a customer."""
    customer = call.subject("customer")
    if customer.get("deleted"):
        return customer
    given = _given(call, customer)
    default = call.params.group("invoice_settings").text("default_payment_method")
    if default:
        call.load("payment_method", default, "invoice_settings[default_payment_method]")
        given["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": default}
    previous = {name: customer[name] for name, value in given.items() if customer[name] != value}
    customer.update(given)
    call.tx.update(customer)
    emit(call, "customer.updated", customer, previous)
    return customer


def retrieve(call: Call) -> Doc:
    """Return a customer; a deleted one as the stub that says so."""
    customer = call.subject("customer")
    return deleted(customer) if customer.get("deleted") else customer


def delete(call: Call) -> Doc:
    """Delete a customer: its payment methods are detached, its payments stay."""
    customer = call.subject("customer")
    if not customer.get("deleted"):
        for method in call.tx.find("payment_method", {"customer": customer["id"]}, account=call.account):
            payment_methods.detach_from(call, method)
        emit(call, "customer.deleted", customer)
        customer["deleted"] = True
        call.tx.update(customer)
    return deleted(customer)


def deleted(customer: Doc) -> Doc:
    """Return what remains visible of a deleted customer."""
    return {"id": customer["id"], "object": "customer", "deleted": True}


def list_all(call: Call) -> Doc:
    """List customers; deleted ones are not shown."""
    email = call.params.text("email")
    also: list[tuple[str, Any]] = [("json_extract(body, '$.deleted') IS ?", None)]
    if email is not None:
        also.append(("json_extract(body, '$.email') = ?", email))
    return listing(call, "customer", "/v1/customers", also=also)


def list_methods(call: Call) -> Doc:
    """List the payment methods of a customer."""
    customer = call.subject("customer")
    url = f"/v1/customers/{customer['id']}/payment_methods"
    return listing(call, "payment_method", url, ("type",), customer=customer["id"])


ROUTES = (
    route("POST", "/v1/customers", "customers.create", create, _CREATE),
    listing_route("/v1/customers", "customers.list", list_all, "created email"),
    route("GET", "/v1/customers/<id>", "customers.retrieve", retrieve),
    route("POST", "/v1/customers/<id>", "customers.update", update, _UPDATE),
    route("DELETE", "/v1/customers/<id>", "customers.delete", delete),
    listing_route("/v1/customers/<id>/payment_methods", "customers.payment_methods.list", list_methods, "type"),
)
