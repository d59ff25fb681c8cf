"""What a gateway can tell: the results of a try, and the present facts of its objects, free of any gateway's own words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """Why an outcome is unknown; it decides what may be done next."""

    LOST = "lost"
    """No answer came: the same request under the same key may be sent again."""
    BUSY = "busy"
    """The gateway asked us to wait, or is still at work under this key: the same request may be sent again."""
    FAULT = "fault"
    """The gateway answered with an error of its own, and would repeat it under this key: look the object up first."""


class Advice(StrEnum):
    """What a decline asks for; it decides the dunning."""

    LATER = "later"
    """The same method may work in some days."""
    NEW_CARD = "new_card"
    """Only another method helps."""
    NEVER = "never"
    """The method is reported lost or stolen, or taken for a fraud: it must not be tried again."""
    AUTHENTICATE = "authenticate"
    """The bank wants to hear from the payer."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows yet whether it happened; never to be taken for a failure.

    `retry_after` is how many seconds the gateway asked us to wait with everything, None when it asked for nothing.
    """

    reason: Reason
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway did not accept our request, so nothing happened; the payer is not to blame."""

    code: str
    detail: str = ""


Trouble = Unknown | Refused


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The money moved, or the method is saved."""


@dataclass(frozen=True, slots=True)
class Processing:
    """The bank takes its time; another fact will follow."""


@dataclass(frozen=True, slots=True)
class NeedsPayer:
    """The payer's bank wants to hear from the payer; `url` leads there, "" when that page must be asked for first."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """The payer's bank said no; `retryable` tells whether trying the same method later makes sense."""

    code: str
    retryable: bool
    advice: Advice = Advice.NEW_CARD


@dataclass(frozen=True, slots=True)
class Held:
    """The amount is set aside on the payer's card, and can be taken until `until` (UTC; None when nobody told)."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """Cancelled or expired: it can't succeed any more."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Begun, and left before anything happened; it may be cancelled."""


Result = Succeeded | Processing | NeedsPayer | Declined | Held | Ended | Unfinished


@dataclass(frozen=True, slots=True)
class FeeFacts:
    """What the provider took for a charge; minor units of its own currency."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What the provider's balance got or gave instead, where it keeps another currency than the payer's."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class MethodFacts:
    """A saved method of payment; `customer` is "" once it was taken away from its customer.

    `fingerprint` is the same for the same card or account; "" where the gateway tells none.
    """

    ref: str
    customer: str
    kind: str
    brand: str = ""
    last4: str = ""
    exp_month: int | None = None
    exp_year: int | None = None
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class SetupFacts:
    """A page on which a payer saves a method; `key` is our attempt's."""

    ref: str
    key: str
    result: Result
    url: str = ""
    method: MethodFacts | None = None
    mandate: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeFacts:
    """A charge; `amount_minor` is what was received once it succeeded, and what is asked for until then."""

    ref: str
    key: str
    result: Result
    amount_minor: int
    currency: str
    source: str = ""
    """The object that transfers are made from."""
    fee: FeeFacts | None = None
    exchanged: Exchanged | None = None


@dataclass(frozen=True, slots=True)
class PageFacts:
    """A page on which a payer pays at once; `key` is our attempt's, `charge` what came of it so far."""

    ref: str
    key: str
    result: Result
    url: str = ""
    charge: ChargeFacts | None = None


@dataclass(frozen=True, slots=True)
class RefundFacts:
    """A refund; `charge_ref` is the `ref` of the charge it belongs to, `moved` tells whether our balance paid it already."""

    ref: str
    key: str
    result: Result
    amount_minor: int
    currency: str
    charge_ref: str
    moved: bool
    exchanged: Exchanged | None = None


@dataclass(frozen=True, slots=True)
class TransferFacts:
    """Money moved to a member's account; `reversed_minor` of it came back."""

    ref: str
    key: str
    result: Result
    amount_minor: int
    currency: str
    account: str
    reversed_minor: int = 0


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """A member's own account: what it may do, and what the gateway still wants to know.

    `past_due`: answers are late already; `due_by` (UTC) is when they will be. `gone`: the account is not ours to use any
    more.
    """

    ref: str
    key: str
    transfers_enabled: bool
    charges_enabled: bool
    payouts_enabled: bool
    requirements: tuple[str, ...] = ()
    past_due: bool = False
    disabled_reason: str = ""
    due_by: datetime | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class BankPayoutFacts:
    """A pay-out from a member's account (`account`) to the member's bank; `state` in the gateway's words."""

    ref: str
    account: str
    amount_minor: int
    currency: str
    state: str
    failure_code: str = ""
    arrives_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReversalFacts:
    """Money that was taken back from a member's account, out of one transfer."""

    ref: str
    key: str
    transfer_ref: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class MovementFacts:
    """An entry of our balance in a dispute: below zero it was taken, above zero it came back; `fee` was taken.

    `amount_minor` is in the dispute's own currency, `exchanged` what the balance moved instead, without a sign.
    """

    ref: str
    amount_minor: int
    fee: FeeFacts
    exchanged: Exchanged | None = None


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """A chargeback: the payer asked the bank for the money back. `state` is one of `dispute_models.DISPUTE_STATES`.

    `key` is that of the evidence that was given last. `appeal`: a decided case was opened again.
    """

    ref: str
    key: str
    charge_ref: str
    amount_minor: int
    currency: str
    state: str
    reason: str = ""
    opened_at: datetime | None = None
    due_by: datetime | None = None
    submissions: int = 0
    appeal: bool = False
    movements: tuple[MovementFacts, ...] = ()


Facts = (
    MethodFacts
    | SetupFacts
    | PageFacts
    | ChargeFacts
    | RefundFacts
    | TransferFacts
    | AccountFacts
    | DisputeFacts
    | ReversalFacts
    | BankPayoutFacts
)
