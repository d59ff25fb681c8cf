"""What a lender asks for damage, loss, lateness or cleaning: asked, answered, countered; a silent side settles it too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    Money,
    NotFound,
    Refused,
    Role,
    access,
    agreements,
    clock,
    db,
    display,
    payments,
    transaction,
)
from plugins.sharing.loan import evidence, loan_news, loan_units
from plugins.sharing.loan.booking_models import Claim, ClaimStep, Loan

ANSWER_WITHIN = timedelta(hours=72)
"""Whoever's turn it is answers within this; then the other's amount stands."""

KINDS = {"damage": _l("Damage"), "lost": _l("Lost"), "late": _l("Brought back late"), "cleaning": _l("Cleaning")}
OPEN_IN = ("active", "returned", "lost", "claimed")
MOST = 10
"""The largest number of claims about one loan."""


def make(
    agreement_id: int, actor: Actor, kind: str, amount_minor: int, note: str, photos: Sequence[bytes] = ()
) -> Claim:
    """Claim an amount (minor units of the loan's currency) as the lender, with what happened and photos.

    Raises InvalidInput for the amount, Refused when it is too late or not the lender who asks.
    """
    keys = [evidence.keep(data) for data in photos]
    with transaction():
        agreement, loan = _locked(agreement_id)
        if actor.role != Role.OWNER:
            raise Refused(_("Only the lender can make a claim."), code="not_lender")
        if agreement.state not in OPEN_IN:
            raise Refused(_("It is too late, or too early, to claim anything."), code="not_now")
        if kind not in KINDS or kind == "late":
            raise InvalidInput({"kind": _("Choose what it is about.")})
        if not note.strip():
            raise InvalidInput({"note": _("Say what happened.")})
        _check_amount(agreement, loan, amount_minor)
        claim = _open(agreement, kind, amount_minor, actor, note.strip())
        evidence.attach(agreement.id, keys, actor.user_id, claim_id=claim.id)
        loan_news.tell_member(agreement, "claim", amount=Money(amount_minor, loan.currency), until=claim.deadline)
        _wait(agreement)
    return claim


def most(agreement: Agreement, loan: Loan) -> int | None:
    """Give the largest amount of a claim in minor units: the value named in the terms, or the deposit if that is more.

    None where neither was agreed: then nothing can be taken, and the borrower pays by hand or not at all.
    """
    return max(loan_units.value(agreement), loan.deposit_minor) or None


def _check_amount(agreement: Agreement, loan: Loan, amount_minor: int) -> None:
    least, bound = payments.least(loan.currency), most(agreement, loan)
    if amount_minor < least.minor:
        raise InvalidInput(
            {"amount": _("Ask for at least %(amount)s.", amount=display.money(least.minor, loan.currency, exact=True))}
        )
    if bound is not None and amount_minor > bound:
        amount = display.money(bound, loan.currency, exact=True)
        raise InvalidInput({"amount": _("By the terms a claim is at most %(amount)s.", amount=amount)})
    count = db.session.scalar(select(func.count()).select_from(Claim).where(Claim.agreement_id == agreement.id)) or 0
    if count >= MOST:
        raise Refused(_("There are too many claims about this loan already."), code="too_many")


def late(agreement: Agreement, fee: Money) -> None:
    """Ask for the late fee that follows from the terms; the borrower may answer it like any claim."""
    claim = _open(agreement, "late", fee.minor, Actor.system(), "")
    loan_news.tell_member(agreement, "claim", amount=fee, until=claim.deadline)
    _wait(agreement)


def _open(agreement: Agreement, kind: str, amount_minor: int, actor: Actor, note: str) -> Claim:
    at = clock.now()
    claim = Claim(
        agreement_id=agreement.id,
        kind=kind,
        currency=agreement.terms["currency"],
        asked_minor=amount_minor,
        deadline=at + ANSWER_WITHIN,
        created_at=at,
    )
    db.session.add(claim)
    db.session.flush()
    _step(claim, "asked", actor, amount_minor, note)
    return claim


def agree(claim_id: int, actor: Actor, note: str = "") -> Claim:
    """Accept what the other side said last; raises Refused when it is not one's turn."""
    with transaction():
        agreement, claim = _mine(claim_id, actor)
        _decide(agreement, claim, standing(claim), "agreed", actor, note)
    return claim


def offer(claim_id: int, actor: Actor, amount_minor: int, note: str) -> Claim:
    """Name another amount: the borrower offers less (0 is a no), the lender asks for less than before; raises InvalidInput."""
    with transaction():
        agreement, claim = _mine(claim_id, actor)
        if not note.strip():
            raise InvalidInput({"note": _("Say why.")})
        if actor.role == Role.MEMBER:
            _bounds(amount_minor, 0, claim.asked_minor - 1)
            claim.offered_minor, claim.turn = amount_minor, "owner"
        else:
            _bounds(amount_minor, (claim.offered_minor or 0) + 1, claim.asked_minor)
            claim.asked_minor, claim.turn = amount_minor, "member"
        claim.deadline = clock.now() + ANSWER_WITHIN
        db.session.flush()
        _step(claim, "offered" if actor.role == Role.MEMBER else "asked", actor, amount_minor, note.strip())
        kind, tell = (
            ("claim_offer", loan_news.tell_lender) if actor.role == Role.MEMBER else ("claim", loan_news.tell_member)
        )
        tell(agreement, kind, amount=Money(amount_minor, claim.currency), until=claim.deadline)
        _wait(agreement)
    return claim


def _bounds(amount_minor: int, least: int, largest: int) -> None:
    if not least <= amount_minor <= largest:
        raise InvalidInput({"amount": _("Choose an amount between what is offered and what is asked.")})


def withdraw(claim_id: int, actor: Actor, note: str = "") -> Claim:
    """Take a claim back as the lender, whoever's turn it is."""
    with transaction():
        agreement, claim = _locked_claim(claim_id)
        if actor.role != Role.OWNER or claim.state != "open":
            raise Refused(_("This can't be withdrawn."), code="not_now")
        claim.state, claim.turn, claim.decided_at, claim.decided_by = "withdrawn", "nobody", clock.now(), "owner"
        db.session.flush()
        _step(claim, "withdrawn", actor, None, note)
        loan_news.tell_member(agreement, "claim_withdrawn")
        go_on(agreement)
    return claim


def rule(claim_id: int, operator: Any, amount_minor: int, note: str) -> Claim:
    """Decide a claim as an operator, at no more than was asked; the reason is read by both. Raises Forbidden, InvalidInput."""
    access.require(operator, "operator.act")
    with transaction():
        agreement, claim = _locked_claim(claim_id)
        if claim.state != "open":
            raise Refused(_("This claim has been decided already."), code="decided")
        if not note.strip():
            raise InvalidInput({"note": _("Say why.")})
        _bounds(amount_minor, 0, claim.asked_minor)
        _decide(agreement, claim, amount_minor, "operator", Actor(operator.id, Role.OPERATOR), note.strip())
    return claim


def expire(claim_id: int) -> None:
    """Let the amount of the side that spoke last stand, if the other's time is over."""
    with transaction():
        agreement, claim = _locked_claim(claim_id)
        if claim.state == "open" and claim.deadline <= clock.now():
            _decide(agreement, claim, standing(claim), "deadline", Actor.system(), "")


def standing(claim: Claim) -> int:
    """Give the amount that stands if nobody says more: what was asked, or what was offered last."""
    return claim.asked_minor if claim.turn == "member" else claim.offered_minor or 0


def _decide(agreement: Agreement, claim: Claim, amount_minor: int, by: str, actor: Actor, note: str) -> None:
    claim.state, claim.turn, claim.agreed_minor = "agreed", "nobody", amount_minor
    claim.decided_at, claim.decided_by = clock.now(), by
    db.session.flush()
    _step(claim, "agreed", actor, amount_minor, note)
    loan_news.tell_both(agreement, "claim_agreed", amount=Money(amount_minor, claim.currency))
    go_on(agreement)


def go_on(agreement: Agreement) -> None:
    """Finish a loan whose last claim is decided, or show the next deadline."""
    if agreement.state != "claimed":
        return
    if undecided(agreement.id):
        _show_deadline(agreement)
    else:
        agreements.transition(agreement.id, "settle", Actor.system())


def _wait(agreement: Agreement) -> None:
    if agreement.state in ("returned", "lost"):
        agreements.transition(agreement.id, "claim", Actor.system())
    elif agreement.state == "claimed":
        _show_deadline(agreement)


def _show_deadline(agreement: Agreement) -> None:
    """Show on the agreement by when somebody has to answer."""
    agreement.waits_until = next_deadline(agreement.id)
    db.session.flush()


def next_deadline(agreement_id: int) -> datetime | None:
    """Give the first deadline of a loan's open claims (UTC)."""
    return db.session.scalar(
        select(func.min(Claim.deadline)).where(Claim.agreement_id == agreement_id, Claim.state == "open")
    )


def undecided(agreement_id: int) -> bool:
    """Tell whether a claim waits for an answer."""
    return next_deadline(agreement_id) is not None


def total_agreed(agreement_id: int) -> int:
    """Give the sum of what claims came to, in minor units."""
    statement = select(func.sum(Claim.agreed_minor)).where(Claim.agreement_id == agreement_id)
    return int(db.session.scalar(statement) or 0)


def ask_rest(agreement: Agreement, loan: Loan, total_minor: int) -> None:
    """Ask the borrower for what the deposit does not cover; nothing beyond it is taken without the borrower's hand."""
    taken = loan.deposit_minor if loan.deposit_kind in ("card", "held") and loan.deposit_payment_id else 0
    rest = Money(max(total_minor - taken, 0), loan.currency)
    if rest < payments.least(loan.currency) or not payments.payments_enabled():
        return
    last = db.session.scalars(
        select(Claim)
        .where(Claim.agreement_id == agreement.id, Claim.state == "agreed")
        .order_by(Claim.id.desc())
        .limit(1)
    ).one()
    ways = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
    last.payment_id = payments.request_payment(agreement, "claim", rest, strategies=ways).id
    db.session.flush()
    loan_news.tell_member(agreement, "claim_pay", amount=rest)


def of(agreement_id: int) -> Sequence[Claim]:
    """Give a loan's claims, the oldest first."""
    return db.session.scalars(select(Claim).where(Claim.agreement_id == agreement_id).order_by(Claim.id)).all()


def steps_of(claim_id: int) -> Sequence[ClaimStep]:
    """Give what was said in a claim, the oldest first."""
    return db.session.scalars(select(ClaimStep).where(ClaimStep.claim_id == claim_id).order_by(ClaimStep.number)).all()


def _step(claim: Claim, act: str, actor: Actor, amount_minor: int | None, note: str) -> None:
    count = db.session.scalar(select(func.count()).select_from(ClaimStep).where(ClaimStep.claim_id == claim.id)) or 0
    row = ClaimStep(
        claim_id=claim.id, number=count + 1, act=act, role=str(actor.role), by_id=actor.user_id, amount_minor=amount_minor,
        note=note[:2000], at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()


def _locked(agreement_id: int) -> tuple[Agreement, Loan]:
    agreement = agreements.locked(agreement_id)
    loan = db.session.get(Loan, agreement_id, populate_existing=True)
    if loan is None:
        raise NotFound(_("There is no such loan."))
    return agreement, loan


def _locked_claim(claim_id: int) -> tuple[Agreement, Claim]:
    agreement_id = db.session.scalar(select(Claim.agreement_id).where(Claim.id == claim_id))
    if agreement_id is None:
        raise NotFound(_("There is no such claim."))
    agreement = agreements.locked(agreement_id)
    return agreement, db.session.get_one(Claim, claim_id, populate_existing=True)


def _mine(claim_id: int, actor: Actor) -> tuple[Agreement, Claim]:
    """Give a claim on which it is this side's turn; raises Refused."""
    agreement, claim = _locked_claim(claim_id)
    if claim.state != "open":
        raise Refused(_("This claim has been decided already."), code="decided")
    if claim.turn != str(actor.role):
        raise Refused(_("It is the other side's turn to answer."), code="not_your_turn")
    return agreement, claim
