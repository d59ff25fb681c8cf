"""What a payer may choose on the page of a payment, and where the choice leads."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _

from marketplace.errors import Refused
from marketplace.payments import checkouts, methods
from marketplace.payments.facts import Trouble
from marketplace.payments.forms import NEW, value_of
from marketplace.payments.gateway import gateway_name
from marketplace.payments.methods import Returns
from marketplace.payments.models import Payment, SavedMethod
from marketplace.payments.strategies import Choice, ability, choices, for_saved
from marketplace.runtime import runtime
from marketplace.users.models import User


def ways(payment: Payment) -> Sequence[Choice]:
    """Give what the provider offers for a payment; nothing where there is no provider."""
    return choices(payment) if runtime().settings.takes(gateway_name()) else ()


def saved(payment: Payment) -> list[SavedMethod]:
    """Give the payer's saved methods by which this payment can be paid, the newest first."""
    if not runtime().settings.takes(gateway_name()):
        return []
    return [method for method in methods.methods_of(payment.payer_id) if _fits(payment, method)]


def _fits(payment: Payment, method: SavedMethod) -> bool:
    if method.gateway != gateway_name():
        return False
    try:
        for_saved(payment, method)
    except Refused:
        return False
    return True


def name_of(kind: str | None) -> str:
    """Give the name of a kind of method as a payer reads it, "" for none, or one that is not the provider's."""
    known = ability(kind) if kind and runtime().settings.takes(gateway_name()) else None
    return str(known.name) if known else ""


def lead_to_provider(user: User, payment: Payment, value: str, returns: Returns) -> str | Trouble:
    """Open the provider's page for what was chosen, to save a method or to pay at once; gives its address.

    Must not be called inside a transaction. Raises Refused for what is not offered.
    """
    way = next((one for one in ways(payment) if value_of(one) == value), None)
    if way is None:
        raise Refused(_("This can't be paid that way. Choose another way to pay."), field="method", code="method_unfit")
    if value == NEW or value.startswith("save:"):
        return methods.begin_setup(user, payment, returns, way.kind)
    return checkouts.begin_page(user, payment, way.kind, returns)
