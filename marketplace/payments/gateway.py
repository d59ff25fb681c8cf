"""The protocol that every payment gateway speaks, and the gateway of the current app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from marketplace.config import Settings
from marketplace.database import db, in_transaction, refuse_inside_transaction
from marketplace.payments.abilities import Ability
from marketplace.payments.facts import (
    AccountFacts,
    ChargeFacts,
    Facts,
    MethodFacts,
    PageFacts,
    RefundFacts,
    SetupFacts,
    TransferFacts,
    Trouble,
)
from marketplace.payments.orders import (
    AccountOrder,
    CaptureOrder,
    ChargeOrder,
    HoldOrder,
    PageOrder,
    RefundOrder,
    SetupOrder,
    TransferOrder,
)
from marketplace.runtime import runtime


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object at the gateway; `account` is "" for the platform's own."""

    kind: str
    ref: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class EventPage:
    """A page of the gateway's list of events, newest first; `next_after` asks for the page after it, "" for none."""

    bodies: tuple[bytes, ...]
    oldest_at: datetime | None
    next_after: str


class Gateway(Protocol):
    """Everything that is asked of a payment provider.

    Each call leaves the machine, so each refuses to run inside a database transaction. What begins something takes the
    attempt's key: the same key and order mean the same thing, however often they are sent. `find_*` looks for the object
    that carries the key, for when an answer was lost. No call raises for what a provider may answer: trouble is returned.
    """

    name: str

    def abilities(self) -> Mapping[str, Ability]:
        """Give the kinds of method that the gateway knows, by its own names, and what each of them can do; calls nobody."""
        ...

    def open_customer(self, key: str, email: str, name: str) -> str | Trouble:
        """Make a customer and give its reference."""
        ...

    def begin_setup(self, key: str, order: SetupOrder) -> SetupFacts | Trouble:
        """Open a page on which the payer saves a method."""
        ...

    def read_setup(self, ref: str) -> SetupFacts | Trouble:
        """Give the present facts of such a page."""
        ...

    def end_setup(self, ref: str) -> SetupFacts | Trouble:
        """Close such a page."""
        ...

    def read_method(self, ref: str) -> MethodFacts | Trouble:
        """Give the present facts of a saved method."""
        ...

    def remove_method(self, ref: str) -> MethodFacts | Trouble:
        """Make a saved method unusable for good."""
        ...

    def charge(self, key: str, order: ChargeOrder) -> ChargeFacts | Trouble:
        """Charge a saved method while the payer is away."""
        ...

    def read_charge(self, ref: str) -> ChargeFacts | Trouble:
        """Give the present facts of a charge."""
        ...

    def find_charge(self, key: str, order: ChargeOrder) -> ChargeFacts | Trouble | None:
        """Look for the charge that carries the key; None when there is none."""
        ...

    def confirm_charge(self, ref: str, method: str, return_url: str) -> ChargeFacts | Trouble:
        """Try a charge again while the payer is present; the result may lead the payer to the bank's page."""
        ...

    def cancel_charge(self, ref: str) -> ChargeFacts | Trouble:
        """Make sure that a charge can't succeed any more; gives its facts when it has succeeded already."""
        ...

    def open_page(self, key: str, order: PageOrder) -> PageFacts | Trouble:
        """Open a page on which the payer pays at once."""
        ...

    def read_page(self, ref: str) -> PageFacts | Trouble:
        """Give the present facts of such a page."""
        ...

    def end_page(self, ref: str) -> PageFacts | Trouble:
        """Close such a page; gives its facts when it was used already."""
        ...

    def find_page(self, key: str, order: PageOrder) -> PageFacts | Trouble | None:
        """Look for the page that carries the key."""
        ...

    def hold(self, key: str, order: HoldOrder) -> ChargeFacts | Trouble:
        """Set an amount aside on a saved method while the payer is away; found and read like a charge."""
        ...

    def capture(self, key: str, order: CaptureOrder) -> ChargeFacts | Trouble:
        """Take all or a part of what is held; gives the charge's facts when nothing is held any more."""
        ...

    def refund(self, key: str, order: RefundOrder) -> RefundFacts | Trouble:
        """Give money back."""
        ...

    def read_refund(self, ref: str) -> RefundFacts | Trouble:
        """Give the present facts of a refund."""
        ...

    def find_refund(self, key: str, order: RefundOrder) -> RefundFacts | Trouble | None:
        """Look for the refund that carries the key."""
        ...

    def transfer(self, key: str, order: TransferOrder) -> TransferFacts | Trouble:
        """Move money to a member's account."""
        ...

    def read_transfer(self, ref: str) -> TransferFacts | Trouble:
        """Give the present facts of a transfer."""
        ...

    def find_transfer(self, key: str, order: TransferOrder) -> TransferFacts | Trouble | None:
        """Look for the transfer that carries the key."""
        ...

    def open_account(self, key: str, order: AccountOrder) -> AccountFacts | Trouble:
        """Open an account for a member."""
        ...

    def read_account(self, ref: str) -> AccountFacts | Trouble:
        """Give the present facts of a member's account."""
        ...

    def onboarding_page(self, ref: str, return_url: str, refresh_url: str) -> str | Trouble:
        """Give the address of the page on which a member answers what the gateway wants to know."""
        ...

    def read(self, subject: ObjectRef) -> Sequence[Facts] | Trouble:
        """Give the present facts of any object that an event spoke of; none when nothing here depends on its kind."""
        ...

    def list_events(self, since: datetime, after: str = "", account: str = "") -> EventPage | Trouble:
        """Give a page of the events since an instant (UTC), those before the event `after`."""
        ...


class PaymentsOff(RuntimeError):
    """This deployment runs without payments."""


def gateway() -> Gateway:
    """Give the current app's gateway; raises PaymentsOff where payments, or those by a provider, are switched off."""
    here = runtime()
    if not here.settings.takes(gateway_name()):
        raise PaymentsOff("payments by a provider are switched off in this deployment")
    if "gateway" not in here.parts:
        here.parts["gateway"] = _build(here.settings)
    return cast(Gateway, here.parts["gateway"])


def gateway_name() -> str:
    """Give the short name that rows of the current gateway carry."""
    return "stripe"


def _build(settings: Settings) -> Gateway:
    from marketplace.payments.gateways.stripe_gateway import (
        StripeGateway,
    )  # the SDK is heavy, and many pages never need it

    return StripeGateway(settings.stripe_api_key, settings.stripe_api_base)


def leave_database(what: str) -> None:
    """Let go of the database before a call that may take seconds; raises NetworkInsideTransaction inside a use case."""
    refuse_inside_transaction(what)
    session = db.session()
    if session.new or session.dirty or session.deleted:
        raise RuntimeError(f"objects were changed before {what}; change them inside transaction()")
    if session.in_transaction() and not in_transaction():
        session.commit()  # ends the read transaction that a page or job may have open
