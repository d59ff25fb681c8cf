"""Applies what is known of a page on which a payer saves a method, and of saved methods."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.payments import same_card
from marketplace.payments.attempts import find_attempt, locked, mark
from marketplace.payments.facts import Ended, MethodFacts, SetupFacts, Succeeded
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import PaymentAttempt, SavedMethod
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome
from marketplace.payments.requests import take_method


def apply_setup(facts: SetupFacts) -> Outcome:
    """Save the method that a payer gave and choose it for the payment it was asked for; in the caller's transaction."""
    attempt = find_attempt("setup", facts.key, facts.ref)
    if attempt is None:
        return STRANGE
    payment = locked(attempt.payment_id) if attempt.payment_id is not None else None
    db.session.refresh(attempt, with_for_update=payment is None)
    if facts.ref and attempt.ref is None:
        attempt.ref = facts.ref
    if attempt.state == "succeeded":
        return OLD
    if isinstance(facts.result, Ended):
        mark(attempt, "closed", "expired")
        return APPLIED
    if not isinstance(facts.result, Succeeded) or facts.method is None:
        db.session.flush()
        return OLD
    method = _saved(attempt, facts.method, facts.mandate)
    mark(attempt, "succeeded")
    usable = method.barred_at is None  # as for one that can't serve here, the payer is asked for another card
    if usable and payment is not None and payment.state in ("method_needed", "ready", "declined", "action_required"):
        with suppress(Refused):  # saved all the same: the payer sees it, and why it does not serve here
            take_method(payment, method)
    return APPLIED


def _saved(attempt: PaymentAttempt, facts: MethodFacts, mandate: str | None) -> SavedMethod:
    method = _known(facts.ref)
    if method is None:
        method = SavedMethod(
            user_id=attempt.user_id, gateway=attempt.gateway, ref=facts.ref, kind=facts.kind, fingerprint="",
            created_at=clock.now(),
        )  # fmt: skip
        db.session.add(method)
    method.mandate = mandate
    _describe(method, facts)
    return method


def _known(ref: str) -> SavedMethod | None:
    statement = select(SavedMethod).where(SavedMethod.gateway == gateway_name(), SavedMethod.ref == ref)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def _describe(method: SavedMethod, facts: MethodFacts) -> None:
    """Write down what is known of a method; what its bank has barred stays barred, however often it is saved."""
    method.brand = facts.brand[:32]
    method.last4 = facts.last4[:4]
    method.exp_month, method.exp_year = facts.exp_month, facts.exp_year
    method.fingerprint = facts.fingerprint[:64] or method.fingerprint
    db.session.flush()
    method.barred_at = same_card.barred_since(method)  # typed again it is the same card
    db.session.flush()


def apply_method(facts: MethodFacts) -> Outcome:
    """Keep a saved method's description, or forget the method when it was taken away; in the caller's transaction."""
    method = _known(facts.ref)
    if method is None:
        return OLD  # a method that nobody saved here yet; its set-up will tell
    if not facts.customer and method.removed_at is None:
        method.removed_at = clock.now()
    _describe(method, facts)
    return APPLIED
