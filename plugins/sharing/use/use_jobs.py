"""Background work of uses: corrections, and telling members that a limit or their credit is reached."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from marketplace.api import Actor, Agreement, Listing, Money, agreements, clock, db, notifications, transaction
from plugins.sharing.price import price_lists
from plugins.sharing.use import credits, sessions, use_bills
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
    """Tell each member once whose use has reached the limit they set, or the end of their credit; the use goes on."""
    last = 0
    while True:
        ids = db.session.scalars(
            select(UseSession.agreement_id)
            .join(Agreement, Agreement.id == UseSession.agreement_id)
            .where(
                STANDING, UseSession.started_at.is_not(None), UseSession.warned_at.is_(None), UseSession.agreement_id > last,
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
    most = bound(session)
    if agreement.state not in ("running", "paused") or session.warned_at is not None or most is None:
        return
    now = sessions.running_total(session)
    if now is None or now.total < most:
        return
    session.warned_at = clock.now()
    title = db.session.scalar(select(Listing.title).where(Listing.id == session.listing_id)) or ""
    params = {"title": title, "amount": Money(now.total, session.currency)}
    kind = "sharing.use_limit" if most == session.limit_minor else "sharing.use_credit_used"
    notifications.notify(session.member_id, kind, params=params, url=f"/uses/{agreement_id}", mail=True)


def bound(session: UseSession) -> int | None:
    """Give the amount at which a member wants to hear, or a device may stop: the limit, or the credit of who has only that."""
    found = [session.limit_minor] if session.limit_minor is not None else []
    if price_lists.stored(session.tariff_id).terms.credits:
        left = credits.balance(session.holder_id, session.owner_id, session.currency)
        if left:
            found.append(left)
    return min(found) if found else None
