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
    kind: str = ""
    """The kind of method, "" for whatever the gateway offers."""


@dataclass(frozen=True, slots=True)
class PageOrder:
    """Let the payer pay `amount_minor` (minor units) at once, by one kind of method, on the gateway's own page."""

    amount_minor: int
    currency: str
    customer: str
    kind: str
    title: str
    description: str
    group: str
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
class HoldOrder(ChargeOrder):
    """Set `amount_minor` aside on a saved method while the payer is away, to be taken later."""


@dataclass(frozen=True, slots=True)
class CaptureOrder:
    """Take `amount_minor` of what is held, and let go of the rest."""

    amount_minor: int
    currency: str
    hold_ref: str


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
class ReversalOrder:
    """Take a part of a transfer back."""

    transfer_ref: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class AnswerOrder:
    """Answer a dispute: with texts and references of files by the gateway's names, or, with neither, give it up."""

    dispute_ref: str
    texts: dict[str, str]
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class AccountOrder:
    """Open an account for a member who is to be paid."""

    email: str


Order = (
    SetupOrder
    | PageOrder
    | ChargeOrder
    | HoldOrder
    | CaptureOrder
    | RefundOrder
    | TransferOrder
    | AccountOrder
    | ReversalOrder
    | AnswerOrder
)
ORDERS: Mapping[str, type[Any]] = {
    "setup": SetupOrder,
    "charge": ChargeOrder,
    "page": PageOrder,
    "hold": HoldOrder,
    "capture": CaptureOrder,
    "refund": RefundOrder,
    "transfer": TransferOrder,
    "onboard": AccountOrder,
    "reversal": ReversalOrder,
    "evidence": AnswerOrder,
    "concede": AnswerOrder,
}


FORMS: Mapping[type[Any], str] = {PageOrder: "page", CaptureOrder: "capture"}
"""A debt is paid by one live charge, in whichever of these forms; the form is frozen with the order."""


def freeze(order: Order) -> dict[str, Any]:
    """Turn an order into what an attempt keeps."""
    form = FORMS.get(type(order))
    return {**asdict(order), **({"form": form} if form else {})}


def form_of(kind: str, params: Mapping[str, Any]) -> str:
    """Give the form of an attempt's order: for a charge "charge", "page" or "capture", else its kind."""
    return str(params.get("form", kind))


def thaw(kind: str, params: Mapping[str, Any]) -> Any:
    """Give back the order that an attempt of this kind keeps."""
    facts = {name: value for name, value in params.items() if name != "form"}
    return ORDERS[form_of(kind, params)](**facts)
