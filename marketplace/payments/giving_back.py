"""Who gives back how much of a payment whose earnings several share: each in proportion to what each still has of it.

Nobody but the payee gives more than was received: what goes beyond that, as the platform's fee at a chargeback, is the
payee's, with whom the payer agreed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from marketplace.database import db
from marketplace.money import Money
from marketplace.payments.attempts import locked
from marketplace.payments.burden_models import Burden
from marketplace.payments.models import Payment, Refund
from marketplace.payments.share_models import PaymentShare, RefundShare

THEIRS = ("payable", "reserve", "debt")
"""Sources of a burden that are a member's own."""


def receivers(payment: Payment) -> list[Payment]:
    """Give a locked payment and its shares, which are locked too, in the order of their ids."""
    shares = select(PaymentShare.payment_id).where(PaymentShare.of_id == payment.id).order_by(PaymentShare.payment_id)
    return [payment, *(locked(share_id) for share_id in db.session.scalars(shares).all())]


def divided(payment: Payment, minor: int) -> list[tuple[Payment, int]]:
    """Divide `minor` minor units that go back of a locked payment over those who received something of it.

    The parts above zero add up to `minor`. They come in the order of the members' ids, so that two cases of the same
    members wait for each other in turn.
    """
    everybody = receivers(payment)
    if len(everybody) == 1:
        return [(payment, minor)] if minor else []
    left = [_own_left(payment), *(share.kept.minor for share in everybody[1:])]
    common = min(minor, sum(left))
    parts = [part.minor for part in Money(common, payment.currency).split(left)] if common else [0] * len(left)
    parts[0] += minor - common
    return sorted(
        [(one, part) for one, part in zip(everybody, parts, strict=True) if part], key=lambda pair: pair[0].payee_id
    )


def _own_left(payment: Payment) -> int:
    """Give what the payee of a shared payment has of it: what was received, less what refunds and chargebacks asked for."""
    borne = select(func.coalesce(func.sum(Burden.amount_minor - Burden.returned_minor), 0)).where(
        Burden.payment_id == payment.id, Burden.source.in_(THEIRS)
    )
    asked = (
        select(func.coalesce(func.sum(RefundShare.amount_minor), 0))
        .join(Refund, Refund.id == RefundShare.refund_id)
        .where(RefundShare.payment_id == payment.id, Refund.state != "failed")
    )
    # What was given for a refund that nobody else gave a part of stays taken off: it has no row in `asked`.
    shared_refunds = select(RefundShare.refund_id).where(RefundShare.payment_id == payment.id)
    received = payment.earned_minor + _minor(borne.where(Burden.refund_id.in_(shared_refunds)))
    return max(0, received - _minor(borne.where(Burden.movement_id.is_not(None))) - _minor(asked))


def _minor(statement: Select[Any]) -> int:
    return int(db.session.scalars(statement).one())


def planned(payment: Payment, refund: Refund, minor: int) -> list[tuple[Payment, int]]:
    """Divide a refund of a locked payment as `divided` does, and write down who gives how much where several might."""
    parts = divided(payment, minor)
    if not shared(payment):
        return parts
    for giver, part in parts:
        db.session.add(RefundShare(refund_id=refund.id, payment_id=giver.id, amount_minor=part, missing_minor=part))
        if giver is not payment:
            giver.refunded_minor += part
    db.session.flush()
    return parts


def shared(payment: Payment) -> bool:
    """Tell whether others have a share of a payment."""
    statement = select(PaymentShare.payment_id).where(PaymentShare.of_id == payment.id).limit(1)
    return db.session.scalar(statement) is not None


def missing(giver: Payment, refund: Refund) -> int:
    """Give what one who received something of a payment still has to give for its refund, in minor units."""
    part = _part(giver, refund)
    return refund.missing_minor if part is None else part.missing_minor


def found(giver: Payment, refund: Refund, minor: int) -> None:
    """Note that so much of what somebody gives for a refund was found."""
    part = _part(giver, refund)
    if part is not None:
        part.missing_minor -= minor


def _part(giver: Payment, refund: Refund) -> RefundShare | None:
    return db.session.get(RefundShare, (refund.id, giver.id), populate_existing=True)


def forgotten(payment: Payment, refund: Refund) -> list[tuple[Payment, int]]:
    """Let nobody give anything for a refund of a locked payment that will not be made; gives the shares, each with its part."""
    statement = select(RefundShare.payment_id, RefundShare.amount_minor).where(RefundShare.refund_id == refund.id)
    asked: dict[int, int] = dict(db.session.execute(statement).all())
    parts = [(one, asked[one.id]) for one in receivers(payment)[1:] if one.id in asked]
    for share, part in parts:
        share.refunded_minor -= part
    return parts


def ask_about(payment: Payment, minor: int) -> list[Payment]:
    """Keep so much of what was received from being paid out, because banks ask about it; gives those who may have more now."""
    parts = {one.id: part for one, part in divided(payment, minor)}
    freed = []
    for one in receivers(payment):
        before, one.inquired_minor = one.inquired_minor, parts.get(one.id, 0)
        if one.inquired_minor < before:
            freed.append(one)
    return freed
