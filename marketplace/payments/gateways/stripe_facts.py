"""Reads Stripe's objects and gives their facts in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import stripe
from stripe import StripeObject

from marketplace.payments.facts import (
    AccountFacts,
    Advice,
    ChargeFacts,
    Declined,
    Ended,
    Exchanged,
    FeeFacts,
    Held,
    MethodFacts,
    NeedsPayer,
    PageFacts,
    Processing,
    RefundFacts,
    Result,
    SetupFacts,
    Succeeded,
    TransferFacts,
    Unfinished,
)
from marketplace.payments.gateways.declines import AUTHENTICATION, advice_of

T = TypeVar("T", bound=StripeObject)


def whole(value: str | T | None) -> T | None:
    """Give an expanded object, None where there is none or only its id is known."""
    return None if value is None or isinstance(value, str) else value


def id_of(value: Any) -> str:
    """Give the id of a field that may be expanded, "" for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value.id)


def key_of(metadata: Mapping[str, str] | StripeObject | None) -> str:
    """Give our attempt's key from an object's metadata."""
    if metadata is None:
        return ""
    plain = metadata.to_dict() if isinstance(metadata, StripeObject) else metadata
    return str(plain.get("attempt", ""))


def charge_facts(intent: stripe.PaymentIntent) -> ChargeFacts:
    """Read a payment intent; fee and source need `latest_charge.balance_transaction` expanded."""
    result = _charge_result(intent)
    charge = whole(intent.latest_charge)
    entry = whole(charge.balance_transaction) if charge else None
    took = isinstance(result, Succeeded)
    return ChargeFacts(
        ref=intent.id,
        key=key_of(intent.metadata),
        result=result,
        amount_minor=intent.amount_received if took else intent.amount,
        currency=intent.currency.upper(),
        source=id_of(intent.latest_charge) if took else "",
        fee=FeeFacts(entry.fee, entry.currency.upper()) if took and entry else None,
        exchanged=exchanged(entry, intent.currency) if took else None,
    )


def exchanged(entry: stripe.BalanceTransaction | None, currency: str) -> Exchanged | None:
    """Read what our balance got or gave (minus a refund) in its own currency, None where that is the payer's."""
    if entry is None or entry.currency == currency:
        return None
    return Exchanged(abs(entry.amount), entry.currency.upper())


def _charge_result(intent: stripe.PaymentIntent) -> Result:
    match intent.status:
        case "succeeded":
            result: Result = Succeeded()
        case "processing":
            result = Processing()
        case "canceled":
            result = Ended()
        case "requires_capture":
            result = Held(_holds_until(whole(intent.latest_charge)))
        case "requires_action":
            step = intent.next_action
            redirect = step.redirect_to_url if step and step.type == "redirect_to_url" else None
            result = NeedsPayer((redirect.url if redirect else None) or "")
        case "requires_payment_method" if intent.last_payment_error is not None:
            result = refusal(intent.last_payment_error)
        case _:
            result = Unfinished()
    return result


def _holds_until(charge: stripe.Charge | None) -> datetime | None:
    """Read until when an authorisation can be captured; the time differs by card, so no constant serves."""
    card = getattr(charge.payment_method_details, "card", None) if charge else None
    at = getattr(card, "capture_before", None)
    return datetime.fromtimestamp(at, UTC) if at else None


def refusal(error: Any) -> Result:
    """Read why a bank said no."""
    code = str(getattr(error, "decline_code", None) or getattr(error, "code", None) or "unknown")
    if code in AUTHENTICATION or getattr(error, "code", None) in AUTHENTICATION:
        return NeedsPayer()
    advice = advice_of(code, getattr(error, "advice_code", None))
    return Declined(code[:64], advice is Advice.LATER, advice)


def method_facts(method: stripe.PaymentMethod) -> MethodFacts:
    """Read a payment method; only what is printed on a receipt."""
    customer = id_of(method.customer)
    if method.type == "card" and method.card is not None:
        card = method.card
        same = str(getattr(card, "fingerprint", None) or "")
        last4, month, year = card.last4 or "", card.exp_month, card.exp_year
        return MethodFacts(method.id, customer, "card", card.brand, last4, month, year, same)
    debit = getattr(method, "sepa_debit", None)
    last4 = str(getattr(debit, "last4", "") or "")
    same = str(getattr(debit, "fingerprint", None) or "")
    return MethodFacts(method.id, customer, method.type, method.type, last4, fingerprint=same)


def session_facts(session: stripe.checkout.Session) -> SetupFacts:
    """Read a checkout session in set-up mode with `setup_intent.payment_method` expanded."""
    intent = whole(session.setup_intent)
    if session.status == "expired":
        result: Result = Ended()
    elif intent is None or session.status == "open":
        result = Unfinished()
    else:
        result = _setup_result(intent)
    method = whole(intent.payment_method) if intent and isinstance(result, Succeeded) else None
    return SetupFacts(
        ref=session.id,
        key=key_of(session.metadata),
        result=result,
        url=session.url or "",
        method=method_facts(method) if method else None,
        mandate=(id_of(intent.mandate) or None) if intent else None,
    )


def page_facts(session: stripe.checkout.Session) -> PageFacts:
    """Read a checkout session in payment mode; `payment_intent.latest_charge.balance_transaction` should be expanded."""
    intent = whole(session.payment_intent)
    charge = charge_facts(intent) if intent else None
    if session.status == "expired":
        result: Result = Ended()
    elif charge is None or session.status == "open":
        result = Unfinished()
    else:
        result = charge.result
    return PageFacts(ref=session.id, key=key_of(session.metadata), result=result, url=session.url or "", charge=charge)


def setup_facts(intent: stripe.SetupIntent) -> SetupFacts:
    """Read a set-up intent with `payment_method` expanded; the page that it belongs to is not known from here."""
    result = _setup_result(intent)
    method = whole(intent.payment_method) if isinstance(result, Succeeded) else None
    return SetupFacts(
        ref="",
        key=key_of(intent.metadata),
        result=result,
        method=method_facts(method) if method else None,
        mandate=id_of(intent.mandate) or None,
    )


def _setup_result(intent: stripe.SetupIntent) -> Result:
    if intent.status == "succeeded":
        return Succeeded()
    if intent.status == "processing":
        return Processing()
    # The page stays open after a decline, so nothing has ended while the intent waits for another card.
    return Ended() if intent.status == "canceled" else Unfinished()


def refund_facts(refund: stripe.Refund) -> RefundFacts:
    """Read a refund; its balance transaction tells whether our balance paid it."""
    status = refund.status
    if status == "succeeded":
        result: Result = Succeeded()
    elif status in ("failed", "canceled"):
        result = Declined((refund.failure_reason or status)[:64], retryable=False)
    else:
        result = Processing()
    return RefundFacts(
        ref=refund.id,
        key=key_of(refund.metadata),
        result=result,
        amount_minor=refund.amount,
        currency=refund.currency.upper(),
        charge_ref=id_of(refund.payment_intent),
        moved=refund.balance_transaction is not None,
        exchanged=exchanged(whole(refund.balance_transaction), refund.currency),
    )


def transfer_facts(transfer: stripe.Transfer) -> TransferFacts:
    """Read a transfer; it has happened as soon as it exists."""
    return TransferFacts(
        ref=transfer.id,
        key=key_of(transfer.metadata),
        result=Succeeded(),
        amount_minor=transfer.amount,
        currency=transfer.currency.upper(),
        account=id_of(transfer.destination),
        reversed_minor=transfer.amount_reversed,
    )


def account_facts(account: stripe.Account) -> AccountFacts:
    """Read a connected account; it can be paid once its capability for transfers is active."""
    able, wanted = account.capabilities, account.requirements
    late = (wanted.past_due or ()) if wanted else ()
    ends = wanted.current_deadline if wanted else None
    return AccountFacts(
        ref=account.id,
        key=key_of(account.metadata),
        transfers_enabled=getattr(able, "transfers", None) == "active",
        charges_enabled=bool(account.charges_enabled),
        payouts_enabled=bool(account.payouts_enabled),
        requirements=tuple(dict.fromkeys((*late, *(wanted.currently_due or ())))) if wanted else (),
        past_due=bool(late),
        disabled_reason=((wanted.disabled_reason if wanted else "") or "")[:64],
        due_by=datetime.fromtimestamp(ends, UTC) if ends else None,
    )
