"""The payer's bank answers after days (here: seconds or minutes): the money comes, or the payment fails after all."""

from marketplace.sandbox.banks import TestAccount
from marketplace.sandbox.calls import Call, public
from marketplace.sandbox.errors import CardError
from marketplace.sandbox.events import emit
from marketplace.sandbox.objects import charges, charging
from marketplace.sandbox.objects.payment_methods import card_of
from marketplace.sandbox.store import Doc

MESSAGES = {"insufficient_funds": "The bank account has insufficient funds."}


def answers(call: Call, charge: Doc) -> None:
    """Finish a charge that was pending, its intent, and the session that the payer paid in."""
    intent = call.load("payment_intent", charge["payment_intent"])
    if charge["status"] != "pending" or intent["status"] != "processing":
        return
    method = call.load("payment_method", charge["payment_method"])
    account = card_of(method)
    fails = account.fails if isinstance(account, TestAccount) else ""
    if fails:
        _fails(call, intent, charge, method, fails)
    else:
        charge.update(status="succeeded", paid=True)
        charge["outcome"]["seller_message"] = "Payment complete."
        charging.complete(call, intent, charge, method)
    found = call.tx.find("checkout.session", {"payment_intent": intent["id"]}, limit=1)
    for session in found:
        if session["status"] == "complete":
            session["payment_status"] = "unpaid" if fails else "paid"
            call.tx.update(session)
            emit(call, f"checkout.session.async_payment_{'failed' if fails else 'succeeded'}", session)


def _fails(call: Call, intent: Doc, charge: Doc, method: Doc, code: str) -> None:
    message = MESSAGES.get(code, "The payer's bank refused the payment.")
    charges.fail(charge, code, code, message)
    call.tx.update(charge)
    error = CardError(message, code=code, param="", charge=charge["id"], payment_method=public(method))
    intent["last_payment_error"] = error.body()["error"]
    intent.update(status="requires_payment_method", payment_method=None, latest_charge=charge["id"])
    call.tx.update(intent)
    emit(call, "charge.failed", charge)
    emit(call, "payment_intent.payment_failed", intent)
