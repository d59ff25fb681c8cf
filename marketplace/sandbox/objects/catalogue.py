"""Products and prices: what a checkout session's line items may name instead of saying it themselves."""

from typing import Any

from marketplace.sandbox.amounts import currency_of
from marketplace.sandbox.calls import Call, listing, listing_route, route
from marketplace.sandbox.errors import InvalidRequest
from marketplace.sandbox.events import emit
from marketplace.sandbox.fees import MAXIMUM
from marketplace.sandbox.ids import new_id
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

_WORDS = ("description", "statement_descriptor", "unit_label", "url")


def create_product(call: Call) -> Doc:
    """Make a product."""
    name = call.params.need_text("name")
    product = _new_product(call, name, _product_facts(call.params, {"metadata": {}}))
    emit(call, "product.created", product)
    return product


def _new_product(call: Call, name: str, facts: dict[str, Any]) -> Doc:
    product: Doc = {
        "id": new_id("prod"),
        "object": "product",
        "active": True,
        "created": call.now,
        "default_price": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "name": name,
        "package_dimensions": None,
        "shippable": None,
        "tax_code": None,
        "updated": call.now,
        **dict.fromkeys(_WORDS),
        **facts,
    }
    return call.tx.insert(product, call.account)


def _product_facts(params: Params, present: Doc) -> dict[str, Any]:
    facts: dict[str, Any] = {name: params.text(name) for name in _WORDS if name in params}
    facts["metadata"] = params.metadata(present["metadata"])
    if "active" in params:
        facts["active"] = params.flag("active")
    return facts


def update_product(call: Call) -> Doc:
    """Change a product."""
    product = call.subject("product")
    product.update(_product_facts(call.params, product), updated=call.now)
    if "name" in call.params:
        product["name"] = call.params.need_text("name")
    call.tx.update(product)
    emit(call, "product.updated", product, {})
    return product


def create_price(call: Call) -> Doc:
    """Make a price, once for each sale, of a product that exists or is described by `product_data`."""
    params = call.params
    currency = currency_of(params)
    unit = params.need_integer("unit_amount", 0, MAXIMUM)
    price = new_price(call, _product_of(call, params), currency, unit)
    price["nickname"] = params.text("nickname")
    price["metadata"] = params.metadata()
    call.tx.insert(price, call.account)
    emit(call, "price.created", price)
    return price


def _product_of(call: Call, params: Params) -> str:
    given = params.text("product")
    if given:
        return str(call.load("product", given, params.path("product"))["id"])
    data = params.group("product_data")
    if not data.values:
        raise InvalidRequest("Give product or product_data.", code="parameter_missing", param=params.path("product"))
    return str(_new_product(call, data.need_text("name"), {"metadata": data.metadata()})["id"])


def new_price(call: Call, product: str, currency: str, unit: int, *, active: bool = True) -> Doc:
    """Return a price of `unit` (minor units of `currency`) for one of a product, not yet stored."""
    return {
        "id": new_id("price"),
        "object": "price",
        "active": active,
        "billing_scheme": "per_unit",
        "created": call.now,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": unit,
        "unit_amount_decimal": str(unit),
    }


def update_price(call: Call) -> Doc:
    """Change the words about a price, or withdraw it."""
    price = call.subject("price")
    params = call.params
    price["metadata"] = params.metadata(price["metadata"])
    if "nickname" in params:
        price["nickname"] = params.text("nickname")
    if "active" in params:
        price["active"] = params.flag("active")
    call.tx.update(price)
    emit(call, "price.updated", price, {})
    return price


_PRODUCT = "name active metadata description statement_descriptor unit_label url"

ROUTES = (
    route("POST", "/v1/products", "products.create", create_product, _PRODUCT),
    listing_route("/v1/products", "products.list", lambda call: listing(call, "product", "/v1/products")),
    route("GET", "/v1/products/<id>", "products.retrieve", lambda call: call.subject("product")),
    route("POST", "/v1/products/<id>", "products.update", update_product, _PRODUCT),
    route(
        "POST",
        "/v1/prices",
        "prices.create",
        create_price,
        "currency unit_amount product product_data nickname metadata",
    ),
    listing_route(
        "/v1/prices", "prices.list", lambda call: listing(call, "price", "/v1/prices", ("product",)), "created product"
    ),
    route("GET", "/v1/prices/<id>", "prices.retrieve", lambda call: call.subject("price")),
    route("POST", "/v1/prices/<id>", "prices.update", update_price, "active metadata nickname"),
)
