"""Applies what is known of a page on which a payer pays at once: its charge, or that it ended unused."""

from __future__ import annotations

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.payments.apply_charges import apply_charge
from marketplace.payments.attempts import FINAL, find_attempt, locked, mark
from marketplace.payments.facts import Ended, PageFacts, Processing, Succeeded
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import PaymentAttempt
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome

NEW = ("open", "unknown")


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
    return _unused(attempt, facts)


def _unused(attempt: PaymentAttempt, facts: PageFacts) -> Outcome:
    """Nothing came of the page so far: it is open, or it has ended."""
    if isinstance(facts.result, Ended) and attempt.state not in FINAL:
        mark(attempt, "closed", "expired")
        return APPLIED
    if attempt.state in NEW:
        mark(attempt, "needs_payer")  # the page is open; it waits for nobody but the payer
        return APPLIED
    if facts.charge is not None:
        return apply_charge(facts.charge)
    if attempt.state == "needs_payer":
        attempt.updated_at = clock.now()  # somebody has looked, which is enough for some hours
        db.session.flush()
    return OLD


def _by_page(ref: str) -> PaymentAttempt | None:
    statement = select(PaymentAttempt).where(PaymentAttempt.page_ref == ref, PaymentAttempt.gateway == gateway_name())
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
