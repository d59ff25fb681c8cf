"""What each move of a use does, inside the transition's own transaction: the function of the move's name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask_babel import gettext as _

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    Listing,
    Money,
    Refused,
    Role,
    TransitionContext,
    agreements,
    clock,
    db,
    notifications,
    payments,
    settings,
)
from plugins.sharing.price import price_lists
from plugins.sharing.tariffs import UseInvalid
from plugins.sharing.use import collecting, means, metering, plausible, sessions, standing, use_bills, use_slots
from plugins.sharing.use.use_models import Reading, UseBill, UseSession

PAY_WITHIN = timedelta(days=30)
"""A bill that has not been paid so long after it fell due counts as not paid, whatever became of its payment."""

SOURCES = {Role.MEMBER: "member", Role.OWNER: "owner", Role.OPERATOR: "owner", Role.SYSTEM: "system"}


def start(agreement: Agreement, context: TransitionContext) -> None:
    """Begin: the unit is out, the registers are noted, and the tariff's first state begins."""
    session = sessions.of(agreement.id)
    standing.refuse_blocked(session.member_id, session.holder_id)
    terms = price_lists.stored(session.tariff_id).terms
    means.refuse_without(
        terms, session.holder_id, session.owner_id, session.currency
    )  # other uses may have begun since
    stands = sessions.checked_stands(session, context.data.get("registers", {}), needed=True)
    use_slots.start(session)
    session.started_at = clock.now()
    if terms.reservation:  # nothing moved since then, so the registers stood where they stand now
        _note(session, context, terms.reservation, stands, at=session.reserved_at)
    _note(session, context, metering.state_names(terms)[0], stands)
    context.waits_until = metering.latest_end(agreement, session)


def pause(agreement: Agreement, context: TransitionContext) -> None:
    """Begin the tariff's second state; raises Refused where pausing has no price of its own."""
    session = sessions.of(agreement.id)
    names = metering.state_names(price_lists.stored(session.tariff_id).terms)
    if names[0] == names[1]:
        raise Refused(_("Pausing changes nothing with these prices."), code="no_pause")
    _note_asking(session, context, names[1])
    context.waits_until = metering.latest_end(agreement, session)


def resume(agreement: Agreement, context: TransitionContext) -> None:
    """Begin the first state anew; nobody is kept from going on, whatever limit or credit says."""
    session = sessions.of(agreement.id)
    _note_asking(session, context, metering.state_names(price_lists.stored(session.tariff_id).terms)[0])
    context.waits_until = metering.latest_end(agreement, session)


def _note_asking(session: UseSession, context: TransitionContext, state: str, *, needed: bool = False) -> None:
    """Note what registers are said to stand at; raises Implausible where that is hardly possible and nobody said it is right."""
    stands = sessions.checked_stands(session, context.data.get("registers", {}), needed=needed)
    _note(session, context, state, stands)
    if not context.data.get("sure"):
        plausible.check(session, stands)


def end(agreement: Agreement, context: TransitionContext) -> None:
    """End: the unit is back, and the bill is made once late readings have had their time."""
    _end(agreement, context, needed=True)


def stop(agreement: Agreement, context: TransitionContext) -> None:
    """End it for the member, who is told; registers nobody read are not charged, and the bill says so."""
    _end(agreement, context, needed=False)
    _tell(agreement, "use_stopped", mail=True)


def run_out(agreement: Agreement, context: TransitionContext) -> None:
    """End what has lasted longer than any use may."""
    stop(agreement, context)


def _end(agreement: Agreement, context: TransitionContext, *, needed: bool) -> None:
    session = sessions.of(agreement.id)
    # However late it is noticed, no use lasts longer than its longest time.
    session.ended_at = min(_moment(session, context), metering.latest_end(agreement, session))
    session.standing = False
    _note_asking(session, context, "", needed=needed)
    use_slots.end(session)
    late = int(settings.get("sharing.late_minutes")) if sessions.has_device(session.unit_id) else 0
    context.waits_until = clock.now() + timedelta(minutes=late)


def cancel(agreement: Agreement, context: TransitionContext) -> None:
    """Let go of the reservation; it costs nothing."""
    session = sessions.of(agreement.id)
    session.standing = False
    use_slots.free(session)
    context.waits_until = None


def lapse(agreement: Agreement, context: TransitionContext) -> None:
    """Let go of a reservation that nobody started; it costs nothing."""
    cancel(agreement, context)
    _tell(agreement, "use_lapsed", mail=False)


def bill(agreement: Agreement, context: TransitionContext) -> None:
    """Seal the bill; its payment is asked for by a job."""
    session = sessions.of(agreement.id)
    sealed = use_bills.first(session)
    amount = Money(sealed.total_minor, sealed.currency)
    agreements.amend(agreement.id, Actor.system(), amount=amount, terms=agreement.terms, note=sealed.code)
    charges = collecting.due_of(agreement.id)
    context.waits_until = max((charge.due_at for charge in charges), default=clock.now()) + PAY_WITHIN
    _tell_bill(agreement, session.holder_id, sealed)


def _tell_bill(agreement: Agreement, holder_id: int, sealed: UseBill) -> None:
    """Tell payer and, where money passes by hand, owner of a bill, and what prepaid credit leaves of it to be paid."""
    by_credit = sealed.credits_minor
    amounts = {"amount": sealed.total_minor, "credit": by_credit, "rest": sealed.total_minor - by_credit}
    params: dict[str, Any] = {"title": _title(agreement), "number": sealed.code}
    params |= {name: Money(minor, sealed.currency) for name, minor in amounts.items()}
    mine, theirs = "sharing.use_billed", "sharing.use_billed_owner"
    if by_credit:
        mine = "sharing.use_billed_credit"
        theirs = "sharing.use_billed_owner_credit" if amounts["rest"] else "sharing.use_billed_owner_paid"
    notifications.notify(holder_id, mine, params=params, url=f"/uses/{agreement.id}/bill", mail=False)
    if not payments.payments_enabled():
        notifications.notify(agreement.owner_id, theirs, params=params, url=f"/agreements/{agreement.id}")


def fall_due(agreement: Agreement, context: TransitionContext) -> None:
    """Nobody paid: the payer can't start another use until it is paid, if operators want it so."""
    collecting.fail_open(agreement.id)
    context.waits_until = None


def mark_paid(agreement: Agreement, context: TransitionContext) -> None:
    """Let go of what is still asked for."""
    collecting.waive(agreement.id)
    context.waits_until = None


def _note(session: UseSession, context: TransitionContext, state: str, stands: dict[str, str], at: Any = None) -> None:
    """Write the reading that a move is; raises InvalidInput when it contradicts what was read before."""
    row = Reading(
        session_id=session.agreement_id, source=SOURCES[context.actor.role], taken_at=at or _moment(session, context),
        state=state, registers=stands, author_id=context.actor.user_id, received_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    first, last = metering.span_of(session, clock.now())
    try:
        metering.use_of(metering.readings_of(session.agreement_id), first, last, metering.about_of(session))
    except UseInvalid:
        names = stands or {"": ""}
        raise InvalidInput({name: _("This is less than what was read before.") for name in names}) from None


def _moment(session: UseSession, context: TransitionContext) -> Any:
    """Give the present, or the first free microsecond after it: two moves never share an instant."""
    if session.ended_at is not None:
        return session.ended_at
    now = clock.now()
    taken = {
        row.taken_at for row in metering.readings_of(session.agreement_id) if row.source == SOURCES[context.actor.role]
    }
    while now in taken:
        now += timedelta(microseconds=1)
    return now


def _tell(agreement: Agreement, kind: str, *, mail: bool) -> None:
    notifications.notify(
        agreement.member_id,
        f"sharing.{kind}",
        params={"title": _title(agreement)},
        url=f"/uses/{agreement.id}",
        mail=mail,
    )


def _title(agreement: Agreement) -> str:
    return db.session.get_one(Listing, agreement.listing_id).title
