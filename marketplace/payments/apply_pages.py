"""Applies what is known of a page on which a payer pays at once: its charge, or that it ended unused."""

from __future__ import annotations

from sqlalchemy import select

from marketplace.database import db
from marketplace.payments.apply_charges import apply_charge
from marketplace.payments.attempts import FINAL, find_attempt, locked, mark
from marketplace.payments.facts import Ended, PageFacts, Processing, Succeeded
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import PaymentAttempt
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome


def apply_page(facts: PageFacts) -> Outcome:
    """Bring the attempt behind a page to what the gateway says; in the caller's transaction."""
    attempt = find_attempt("charge", facts.key, "") or _by_page(facts.ref)
    if attempt is None or attempt.payment_id is None:
        return STRANGE
    locked(attempt.payment_id)
    db.session.refresh(attempt)
    if attempt.page_ref is None:
        attempt.page_ref = facts.ref
        db.session.flush()
    if facts.charge is not None and isinstance(facts.charge.result, Succeeded | Processing):
        return apply_charge(facts.charge)
    if isinstance(facts.result, Ended):
        if attempt.state in FINAL:
            return OLD
        mark(attempt, "closed", "expired")
        return APPLIED
    if attempt.state in ("open", "unknown"):
        mark(attempt, "needs_payer")  # the page is open; it waits for nobody but the payer
        return APPLIED
    return OLD if facts.charge is None else apply_charge(facts.charge)


def _by_page(ref: str) -> PaymentAttempt | None:
    statement = select(PaymentAttempt).where(PaymentAttempt.page_ref == ref, PaymentAttempt.gateway == gateway_name())
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
