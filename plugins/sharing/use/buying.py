"""Prepaid credit that is bought: paid as anything else, given back as far as it is left, and never more than was paid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, or_, select

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    Money,
    Refused,
    Role,
    TermLine,
    TransitionContext,
    User,
    agreements,
    clock,
    db,
    display,
    listings,
    payments,
    transaction,
)
from plugins.sharing.moving import move
from plugins.sharing.price import price_lists
from plugins.sharing.use import credits
from plugins.sharing.use.use_fees import fees
from plugins.sharing.use.use_models import Credit

PURPOSE = "credit"
PAY_WITHIN = timedelta(hours=1)
MOST = 100_000
"""The most that can be bought at once, in minor units."""

WAYS = (payments.Strategy.SAVE_AND_CHARGE, payments.Strategy.CHARGE_AND_REFUND)
CHANGES = ("refunded", "refund_failed", "disputed", "dispute_won", "dispute_lost")


def sells(listing_id: int) -> bool:
    """Tell whether an item's prices by use take prepaid credit, so that it can be bought here."""
    stored = price_lists.current(listing_id, "use")
    return bool(payments.payments_enabled() and stored is not None and stored.terms.credits)


def buy(member: User, listing_id: int, amount_minor: int) -> Agreement:
    """Buy credit with the owner of a listing, in minor units of its currency; it is there once it is paid.

    Raises InvalidInput, Refused (own listing, prices that take none, payments switched off), NotFound.
    """
    with transaction():
        listing = listings.locked(listing_id)
        if listing.state != "published" or not sells(listing_id):
            raise Refused(_("Credit can't be bought here."), code="no_credit")
        least = payments.least(listing.currency)
        if not least.minor <= amount_minor <= MOST:
            shown = [display.money(minor, listing.currency) for minor in (least.minor, MOST)]
            raise InvalidInput({"amount": _("Choose between %(least)s and %(most)s.", least=shown[0], most=shown[1])})
        amount = Money(amount_minor, listing.currency)
        agreement = agreements.create(
            "credit", listing=listing, member_id=member.id, amount=amount, actor=Actor(member.id, Role.MEMBER),
            terms={"amount_minor": amount_minor, "currency": listing.currency}, waits_until=clock.now() + PAY_WITHIN,
        )  # fmt: skip
        payments.request_payment(agreement, PURPOSE, amount, strategies=WAYS)
    return agreement


def let_go(agreement: Agreement, context: TransitionContext) -> None:
    """Ask for the payment no more."""
    context.waits_until = None
    for payment in payments.payments_of(agreement):
        if payment.state not in ("succeeded", "cancelled"):
            payments.cancel_payment(payment)


def on_payment(payment: Any, change: str) -> None:
    """Follow a purchase: credit comes with the money, and goes with it, inside the payment's own transaction."""
    if payment.purpose != PURPOSE:
        return
    agreement = db.session.get_one(Agreement, payment.agreement_id)
    if change == "method_saved" and payment.due_at is None and payment.state == "ready":
        payments.charge(payment)
    elif change == "succeeded" and agreement.state != "waiting":  # it was let go meanwhile
        payments.refund(payment, payment.kept, reason="credit_not_wanted")
    elif change == "succeeded":
        payments.settle(payment, fees(payment.kept))
        align(payment, agreement)
        agreements.transition(agreement.id, "pay", Actor.system())
    elif change in CHANGES and agreement.state == "bought":
        align(payment, agreement)
    elif change in ("given_up", "overdue"):
        move(agreement.id, "lapse")


def align(payment: Any, agreement: Agreement) -> int:
    """Bring the credit of a purchase in step with what is kept of its payment; gives the change, in minor units.

    What was used already can't be taken back; a second run changes nothing.
    """
    credits.lock(agreement.member_id)
    mark = f"payment {payment.id}"
    ours = or_(Credit.payment_id == payment.id, (Credit.kind == "bought") & (Credit.note == mark))
    account = Credit.member_id == agreement.member_id, Credit.owner_id == payment.payee_id
    there = db.session.scalar(select(func.coalesce(func.sum(Credit.amount_minor), 0)).where(ours, *account)) or 0
    left = credits.balance(agreement.member_id, payment.payee_id, payment.currency)
    change = max(int(payment.kept.minor) - int(there), -left)
    if change:
        first = db.session.scalar(select(Credit.id).where(Credit.payment_id == payment.id)) is None
        more = {"payment_id": payment.id} if first else {}
        credits.move(
            agreement.member_id, payment.payee_id, payment.currency, "bought", change, note=mark, **more
        )  # fmt: skip
    return change


def returnable(member_id: int) -> dict[tuple[int, str], int]:
    """Give by owner and currency how much bought credit can be given back: what is left, and no more than was paid."""
    left = {(row.owner_id, row.currency): row.balance_minor for row in credits.accounts_of(member_id)}
    return _bounded(((one.payee_id, one) for one in _purchases(payments.Payment.payer_id == member_id)), left)


def returnable_by(owner_id: int) -> dict[tuple[int, str], int]:
    """Give by member and currency how much credit bought with an owner can be given back, by the same rule."""
    left = {(row.member_id, row.currency): row.balance_minor for row in credits.left_with(owner_id)}
    return _bounded(((one.payer_id, one) for one in _purchases(payments.Payment.payee_id == owner_id)), left)


def _bounded(bought: Iterable[tuple[int, Any]], left: dict[tuple[int, str], int]) -> dict[tuple[int, str], int]:
    paid: dict[tuple[int, str], int] = {}
    for other, one in bought:
        paid[other, one.currency] = paid.get((other, one.currency), 0) + one.kept.minor
    return {key: minor for key, most in paid.items() if (minor := min(most, left.get(key, 0)))}


def _purchases(*which: Any) -> Sequence[Any]:
    """Give the payments of these purchases, the newest first."""
    payment = payments.Payment
    return db.session.scalars(
        select(payment)
        .where(payment.purpose == PURPOSE, payment.state == "succeeded", *which)
        .order_by(payment.id.desc())
    ).all()


def give_back(member: User, owner_id: int, currency: str) -> Money:
    """Give back all bought credit that is left with an owner, from the newest purchase on; gives how much.

    Raises Refused where nothing can be given back. The platform's fee comes back in proportion.
    """
    payment = payments.Payment
    with transaction():
        credits.lock(member.id)
        left = credits.balance(member.id, owner_id, currency)
        total = 0
        which = payment.payer_id == member.id, payment.payee_id == owner_id, payment.currency == currency
        for one in _purchases(*which):
            part = min(left - total, one.kept.minor)
            if part:
                payments.refund(one, Money(part, currency), reason="credit_given_back")
                align(payments.get(one.id), db.session.get_one(Agreement, one.agreement_id))
                total += part
        if not total:
            raise Refused(_("There is no bought credit left to give back."), code="no_credit")
    return Money(total, currency)


def term_lines(agreement: Agreement) -> list[TermLine]:
    """Put a purchase's terms into words."""
    terms = agreement.terms
    name = db.session.scalar(select(User.name).where(User.id == agreement.owner_id)) or ""
    return [
        TermLine(_("Credit"), display.money(terms["amount_minor"], terms["currency"], exact=True)),
        TermLine(_("For things of"), name),
        TermLine(_("Giving it back"), _("What you have not used can be given back at any time, under My uses.")),
    ]
