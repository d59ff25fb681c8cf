"""What we ask of a gateway: parameters that are frozen in the attempt, so that a repetition asks for exactly the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SetupOrder:
    """Save a method of `customer` on the gateway's own page; addresses are absolute."""

    customer: str
    currency: str
    return_url: str
    cancel_url: str
    locale: str


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """Take `amount_minor` (minor units of `currency`) by a saved method while the payer is away."""

    amount_minor: int
    currency: str
    customer: str
    method: str
    description: str
    group: str


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Give back a part of a charge."""

    charge_ref: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """Move a part of a charge (`source`) to a member's account."""

    amount_minor: int
    currency: str
    account: str
    source: str
    group: str
    description: str


@dataclass(frozen=True, slots=True)
class AccountOrder:
    """Open an account for a member who is to be paid."""

    email: str


Order = SetupOrder | ChargeOrder | RefundOrder | TransferOrder | AccountOrder
ORDERS: Mapping[str, type[Any]] = {
    "setup": SetupOrder,
    "charge": ChargeOrder,
    "refund": RefundOrder,
    "transfer": TransferOrder,
    "onboard": AccountOrder,
}


def freeze(order: Order) -> dict[str, Any]:
    """Turn an order into what an attempt keeps."""
    return asdict(order)


def thaw(kind: str, params: Mapping[str, Any]) -> Any:
    """Give back the order that an attempt of this kind keeps."""
    return ORDERS[kind](**params)
