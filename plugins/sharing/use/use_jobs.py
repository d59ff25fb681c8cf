"""Background work of uses: corrections, and telling members that a limit or their credit is reached."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select

from marketplace.api import Actor, Agreement, Listing, Money, agreements, clock, db, notifications, transaction
from plugins.sharing.use import reaching, sessions, use_bills
from plugins.sharing.use.use_models import STANDING, UseSession

BATCH = 200


def rerun(payload: dict[str, Any]) -> None:
    """Bill a session anew when its readings have changed; a second run finds the bill right and does nothing."""
    session_id = int(payload["session"])
    with transaction():
        agreement = agreements.locked(session_id)
        session = sessions.of(session_id)
        made = use_bills.rerun(session)
        if made is None:
            return
        amount = Money(made.total_minor, made.currency)
        if agreement.state != "paid":  # what has ended keeps its terms; lists and pages show the bill that counts
            agreements.amend(session_id, Actor.system(), amount=amount, terms=agreement.terms, note=made.code)
        title = db.session.scalar(select(Listing.title).where(Listing.id == session.listing_id)) or ""
        params = {"title": title, "amount": amount, "number": made.code}
        notifications.notify(
            session.holder_id, "sharing.use_corrected", params=params, url=f"/uses/{session_id}/bill", mail=True
        )


def watch(_payload: dict[str, Any]) -> None:
    """Tell each member once whose use has reached the limit they set, and once the end of the credit; the use goes on."""
    untold = or_(
        and_(UseSession.limit_minor.is_not(None), UseSession.warned_at.is_(None)), UseSession.credit_warned_at.is_(None)
    )
    last = 0
    while True:
        ids = db.session.scalars(
            select(UseSession.agreement_id)
            .join(Agreement, Agreement.id == UseSession.agreement_id)
            .where(
                STANDING, UseSession.started_at.is_not(None), untold, UseSession.agreement_id > last,
                Agreement.state.in_(("running", "paused")),
            )
            .order_by(UseSession.agreement_id)
            .limit(BATCH)
        ).all()  # fmt: skip
        for agreement_id in ids:
            with transaction():
                _watch(agreement_id)
        if len(ids) < BATCH:
            return
        last = ids[-1]


def _watch(agreement_id: int) -> None:
    agreement = agreements.locked(agreement_id)
    session = sessions.of(agreement_id)
    of_limit = session.limit_minor is not None and session.warned_at is None
    of_credit = session.credit_warned_at is None and reaching.credit_of(session) is not None
    if agreement.state not in ("running", "paused") or not (of_limit or of_credit):
        return
    now = sessions.running_total(session)
    reach = reaching.of(session, now)
    if now is None:
        return
    amount = Money(now.total, session.currency)
    if of_limit and reach.limit:
        session.warned_at = clock.now()
        _tell(session, "sharing.use_limit", amount)
    if of_credit and reach.credit_used:
        session.credit_warned_at = clock.now()
        _tell(session, "sharing.use_credit_used", amount)


def _tell(session: UseSession, kind: str, amount: Money) -> None:
    title = db.session.scalar(select(Listing.title).where(Listing.id == session.listing_id)) or ""
    params = {"title": title, "amount": amount}
    notifications.notify(session.member_id, kind, params=params, url=f"/uses/{session.agreement_id}", mail=True)
