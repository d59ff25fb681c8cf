"""Plans of an owner's tariffs: joined for a monthly fee, renewed by themselves, and applied to every use while they are paid."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import (
    Actor,
    Agreement,
    Money,
    NotFound,
    Refused,
    Role,
    TermLine,
    TransitionContext,
    User,
    agreements,
    clock,
    db,
    display,
    jobs,
    listings,
    payments,
    transaction,
)
from plugins.sharing.moving import move
from plugins.sharing.price import price_lists
from plugins.sharing.price.tariff_words import word
from plugins.sharing.tariffs.model import Plan, Terms
from plugins.sharing.use import monthly, standing
from plugins.sharing.use.use_fees import fees
from plugins.sharing.use.use_models import PlanMember

STANDING = PlanMember.standing.is_(True)


def of(member_id: int, owner_id: int, terms: Terms) -> str:
    """Give the key of the member's paid plan with this owner that this tariff knows, or "" for none."""
    if not terms.plans:
        return ""
    key = db.session.scalar(
        select(PlanMember.plan).where(
            PlanMember.member_id == member_id, PlanMember.owner_id == owner_id, STANDING, PlanMember.paid_until > clock.now()
        )
    )  # fmt: skip
    return key if key in {plan.key for plan in terms.plans} else ""


def join(member: User, listing_id: int, key: str) -> Agreement:
    """Join a plan of a listing's prices by use; a free one runs at once, another once its first month is paid.

    Raises NotFound for no such plan, Refused (own listing, another plan with this owner, blocked, payments switched off).
    """
    with transaction() as session:
        listing = listings.locked(listing_id)
        stored = price_lists.current(listing_id, "use")
        plan = _plan(stored, key)
        if listing.state != "published":
            raise Refused(_("This is not offered at the moment."), code="not_offered")
        standing.refuse_blocked(member.id, member.id)
        known = session.scalars(
            select(PlanMember).where(
                PlanMember.member_id == member.id, PlanMember.owner_id == listing.owner_id, STANDING
            )
        ).one_or_none()
        if known is not None and known.plan == key:
            return session.get_one(Agreement, known.agreement_id)
        if known is not None:
            raise Refused(_("You have another plan here. End that one first."), code="another_plan")
        agreement = agreements.create(
            "plan", listing=listing, member_id=member.id, amount=Money(plan.monthly, listing.currency),
            actor=Actor(member.id, Role.MEMBER), terms={"plan": key, "monthly_minor": plan.monthly, "currency": listing.currency},
            waits_until=clock.now() + monthly.JOIN_WITHIN,
        )  # fmt: skip
        side = PlanMember(
            agreement_id=agreement.id, member_id=member.id, owner_id=listing.owner_id, plan=key, monthly_minor=plan.monthly,
            currency=listing.currency, since=clock.now(), paid_until=clock.now(),
        )  # fmt: skip
        session.add(side)
        session.flush()
        if plan.monthly:
            monthly.ask(agreement, side, "plan")
        else:
            agreements.transition(agreement.id, "begin", Actor.system())
    return agreement


def _plan(stored: price_lists.StoredTariff | None, key: str) -> Plan:
    found = next((plan for plan in stored.terms.plans if plan.key == key), None) if stored else None
    if found is None:
        raise NotFound(_("There is no such plan."))
    return found


def _side(agreement: Agreement) -> PlanMember:
    return db.session.get_one(PlanMember, agreement.id, populate_existing=True)


def begin(agreement: Agreement, context: TransitionContext) -> None:
    """Let the first month begin now."""
    side = _side(agreement)
    side.since = clock.now()
    monthly.next_month(side, context)


def renew(agreement: Agreement, context: TransitionContext) -> None:
    """Charge the next month; a free one is simply renewed, by the job that looks at deadlines."""
    side = _side(agreement)
    context.waits_until = None
    if side.monthly_minor and payments.payments_enabled():
        monthly.ask(agreement, side, "plan")
        return
    jobs.enqueue("sharing.plan_renewed", {"plan": agreement.id}, key=f"sharing.plan_renewed:{agreement.id}")


def renewed(agreement: Agreement, context: TransitionContext) -> None:
    """Let another month begin."""
    monthly.next_month(_side(agreement), context)


def leave(agreement: Agreement, context: TransitionContext) -> None:
    """Charge no more; it ends with the month that is paid."""
    context.waits_until = _side(agreement).paid_until


def stay(agreement: Agreement, context: TransitionContext) -> None:
    """Go on as before."""
    context.waits_until = _side(agreement).paid_until - monthly.AHEAD


def end(agreement: Agreement, context: TransitionContext) -> None:
    """Let another plan be joined; what is still asked for is let go."""
    monthly.finish(agreement, _side(agreement), context)


def renew_free(payload: dict[str, Any]) -> None:
    """Renew a plan that costs nothing; a second run finds it renewed."""
    move(int(payload["plan"]), "renewed")


def on_payment(payment: Any, change: str) -> None:
    """Move a plan as its months are paid, inside the payment's own transaction."""
    agreement = db.session.get_one(Agreement, payment.agreement_id)
    if change == "method_saved" and payment.due_at is None and payment.state == "ready":
        payments.charge(payment)
    elif change == "succeeded":
        if agreement.state not in ("joining", "renewing"):  # it ended meanwhile: the month never begins
            payments.refund(payment, payment.kept, reason="plan_ended")
            return
        payments.settle(payment, fee=fees(payment.kept))
        move(agreement.id, "begin" if agreement.state == "joining" else "renewed")
    elif change in ("given_up", "overdue"):
        move(agreement.id, "lapse")
        move(agreement.id, "fail")


def foresee(agreement: Agreement, transition: str, _role: str) -> str:
    """Say until when a plan stays that is ended now."""
    return monthly.stays(_side(agreement)) if transition == "leave" else ""


def term_lines(agreement: Agreement) -> list[TermLine]:
    """Put a plan's terms into words."""
    a_month = Money(agreement.terms["monthly_minor"], agreement.terms["currency"])
    lines = [
        TermLine(_("Plan"), word(agreement.terms["plan"])),
        TermLine(_("A month"), display.money(a_month.minor, a_month.currency, exact=True)),
    ]
    side = _side(agreement)
    return [*lines, TermLine(_("Paid until"), display.date(side.paid_until))] if side.months else lines


def standing_with(member_id: int, owner_id: int) -> PlanMember | None:
    """Give a member's plan with an owner, paid or being joined."""
    return db.session.scalars(
        select(PlanMember).where(PlanMember.member_id == member_id, PlanMember.owner_id == owner_id, STANDING)
    ).one_or_none()
