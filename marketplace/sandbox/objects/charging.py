"""Takes the money of a payment intent: 3-D Secure, decline, authorisation, capture."""

from typing import Any

from marketplace.sandbox.banks import TestAccount
from marketplace.sandbox.calls import Call, private, public
from marketplace.sandbox.cards import TestCard
from marketplace.sandbox.errors import CardError, Refused
from marketplace.sandbox.events import emit
from marketplace.sandbox.ids import token
from marketplace.sandbox.objects import bank_methods, charges, slow
from marketplace.sandbox.objects.payment_methods import attach_to, card_of, declined, expired
from marketplace.sandbox.store import Doc


def must_ask(card: TestCard, method: Doc, *, off_session: bool, asked_for: bool = False) -> bool:
    """Return whether the card's bank wants 3-D Secure for this payment."""
    if card.asks == "always" or (asked_for and not off_session):
        return True
    if card.asks == "unless_set_up":
        return not (off_session and private(method)["set_up"])
    return False


def check_owner(intent: Doc, method: Doc) -> None:
    """Raise Refused when the payment method belongs to another customer, or was used up without one."""
    if method["customer"] and method["customer"] != intent["customer"]:
        raise Refused(
            "The payment method belongs to a customer; name that customer in the intent.", param="payment_method"
        )
    if not method["customer"] and (private(method)["used"] or private(method).get("detached")):
        raise Refused(
            "The payment method was used without being attached to a customer, or was detached; it cannot be used again.",
            param="payment_method",
        )


def pay(
    call: Call,
    intent: Doc,
    method: Doc,
    *,
    off_session: bool = False,
    return_url: str | None = None,
    error_on_action: bool = False,
) -> Doc:
    """Try to pay an intent with a method, up to the point where the payer must act.

    Raises CardError (402) when the bank says no; the failed charge and the intent's new state stay on record.
    """
    check_owner(intent, method)
    card = card_of(method)
    intent["payment_method"] = method["id"]
    intent["next_action"] = None
    if method["type"] != "card":
        _fits(intent, method, off_session=off_session)
    if method["type"] == "ideal":
        return ask(call, intent, return_url, "bank")
    bank_methods.give_mandate(call, method)
    wish = ((intent["payment_method_options"] or {}).get("card") or {}).get("request_three_d_secure")
    if must_ask(card, method, off_session=off_session, asked_for=wish in {"any", "challenge"}):
        if off_session or error_on_action:
            raise _declined(call, intent, method, "authentication_required", off_session)
        return ask(call, intent, return_url)
    return _take(call, intent, method, authenticated=False, off_session=off_session)


def _fits(intent: Doc, method: Doc, *, off_session: bool) -> None:
    """Raise Refused for what can't be asked of a bank account: to hold an amount, another currency, an absent payer."""
    kind = method["type"]
    if intent["capture_method"] == "manual":
        raise Refused(f"Payments by {kind} can't be captured later.", param="capture_method")
    if intent["currency"] != "eur":
        raise Refused(f"Payments by {kind} are in eur only.", param="currency")
    if kind == "ideal" and off_session:
        raise Refused("iDEAL payments need the payer to be present.", param="payment_method")


def ask(call: Call, intent: Doc, return_url: str | None, page: str = "3ds") -> Doc:
    """Send the payer to the bank's page; `return_url` is where the page sends them afterwards."""
    secret = token(32)
    private(intent).update(challenge=secret, return_url=return_url)
    url = f"{call.base_url}/{page}/{intent['id']}/{secret}"
    if return_url:
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    else:
        intent["next_action"] = {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    intent["status"] = "requires_action"
    call.tx.update(intent)
    emit(call, f"{intent['object']}.requires_action", intent)
    return intent


def authenticated(call: Call, intent: Doc, succeeded: bool) -> Doc:
    """Go on after the payer's answer on the bank's page. Raises CardError when the payer or the bank says no."""
    method = call.load("payment_method", intent["payment_method"])
    private(intent).pop("challenge", None)
    intent["next_action"] = None
    if not succeeded:
        error = CardError(
            "The payment was not authenticated; choose another way to pay.",
            code="payment_intent_authentication_failure",
        )
        raise _refuse(call, intent, method, error, charge=None)
    return _take(call, intent, method, authenticated=True, off_session=False)


def _take(call: Call, intent: Doc, method: Doc, *, authenticated: bool, off_session: bool) -> Doc:
    card = card_of(method)
    if card.declines or expired(method, call.now):
        raise _declined(call, intent, method, card.declines or "expired_card", off_session)
    charge = charges.new_charge(call, intent, method, authenticated=authenticated, off_session=off_session)
    call.tx.insert(charge, call.account)
    intent.update(latest_charge=charge["id"], last_payment_error=None)
    _keep_method(call, intent, method, authenticated)
    if intent["capture_method"] == "manual":
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        call.tx.update(intent)
        emit(call, "charge.succeeded", charge)
        emit(call, "payment_intent.amount_capturable_updated", intent)
        before = charge["payment_method_details"]["card"]["capture_before"]
        call.tx.schedule(before, "hold_ends", charge["id"])
        return intent
    if isinstance(card, TestAccount) and card.answers_after:
        return slow.begin(call, intent, charge, card)
    return complete(call, intent, charge, method)


def complete(call: Call, intent: Doc, charge: Doc, method: Doc) -> Doc:
    """Let the money of a charge come in."""
    charges.book(call, charge, method, intent["amount"])
    call.tx.update(charge)
    intent.update(status="succeeded", amount_received=intent["amount"])
    call.tx.update(intent)
    emit(call, "charge.succeeded", charge)
    emit(call, "payment_intent.succeeded", intent)
    return intent


def _keep_method(call: Call, intent: Doc, method: Doc, authenticated: bool) -> None:
    usage = intent["setup_future_usage"]
    if usage == "off_session" and (authenticated or card_of(method).asks == "never"):
        private(method)["set_up"] = True
    private(method)["used"] = True
    call.tx.update(method)
    if usage and intent["customer"]:
        attach_to(call, method, call.load("customer", intent["customer"]))


def _declined(call: Call, intent: Doc, method: Doc, decline_code: str, off_session: bool) -> CardError:
    error = declined(decline_code)
    charge = charges.new_charge(call, intent, method, authenticated=False, off_session=off_session)
    charges.fail(charge, error.code or "card_declined", decline_code, error.message)
    call.tx.insert(charge, call.account)
    emit(call, "charge.failed", charge)
    return _refuse(call, intent, method, error, charge)


def _refuse(call: Call, intent: Doc, method: Doc, error: CardError, charge: Doc | None) -> CardError:
    """Put a failed try on record and return the error that tells of it."""
    shown: dict[str, Any] = {"payment_method": public(method)}
    if charge:
        intent["latest_charge"] = shown["charge"] = charge["id"]
    error.extra.update(shown)
    intent["last_payment_error"] = error.body()["error"]
    intent["payment_method"] = None
    intent["status"] = "requires_payment_method"
    call.tx.update(intent)
    emit(call, "payment_intent.payment_failed", intent)
    error.extra["payment_intent"] = public(intent)
    return error


def capture(call: Call, intent: Doc, amount: int) -> Doc:
    """Take `amount` (minor units) of what is held; the rest is let go."""
    charge = call.load("charge", intent["latest_charge"])
    method = call.load("payment_method", charge["payment_method"])
    charges.book(call, charge, method, amount)
    call.tx.update(charge)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    call.tx.update(intent)
    emit(call, "charge.captured", charge)
    emit(call, "payment_intent.succeeded", intent)
    return intent


def cancel(call: Call, intent: Doc, reason: str | None, event: str = "charge.refunded") -> Doc:
    """Cancel an intent that has not taken money; what is held is let go."""
    if intent["status"] == "requires_capture":
        charges.release(call, call.load("charge", intent["latest_charge"]), event)
    intent.update(
        status="canceled",
        canceled_at=call.now,
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    call.tx.update(intent)
    emit(call, "payment_intent.canceled", intent)
    return intent


def hold_ends(call: Call, charge: Doc) -> None:
    """Let go of an authorisation whose time is over."""
    intent = call.load("payment_intent", charge["payment_intent"])
    if intent["status"] == "requires_capture" and intent["latest_charge"] == charge["id"]:
        cancel(call, intent, "automatic", "charge.expired")
