"""Fees at a settlement: divided into what the platform earns and the tax, and kept for the invoice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from marketplace import clock
from marketplace.database import db
from marketplace.ledger import accounts
from marketplace.money import Money
from marketplace.payments.billing.models import FeeLine
from marketplace.payments.bookings import Fee
from marketplace.payments.burden_models import Burden
from marketplace.payments.fee_settings import tax_rule
from marketplace.payments.fees import TaxRule
from marketplace.payments.models import Payment, Refund

KEPT = "kept:"
"""Begins the cause of a line that takes back what a refund gave before any bill told of it: neither is ever billed."""


@dataclass(frozen=True, slots=True)
class TaxedFee:
    """A fee with its tax; the payee bears both."""

    fee: Fee
    net: Money
    tax: Money
    rule: TaxRule

    @property
    def total(self) -> Money:
        """Give what the payee bears."""
        return self.net + self.tax


def taxed(fees: Sequence[Fee], available: Money) -> list[TaxedFee]:
    """Divide fees into income and tax. Where a tax on top would take more than is `available`, it is inside what is left.

    Of the provider's fee no more is passed on than is left. Raises ValueError for other fees below zero, or that exceed what is
    available by themselves.
    """
    found = []
    for fee in fees:
        wanted = min(fee.amount, available, key=_minor) if fee.kind == "provider" else fee.amount
        if wanted.minor < 0 or available < wanted:
            raise ValueError(f"fees exceed the {available} that is left")
        if not wanted:
            continue
        rule = tax_rule(fee.tax_included)
        net, tax = rule.divide(wanted)
        if available < net + tax:
            net, tax = TaxRule(rule.rate, rule.name).divide(available)
        available = available - net - tax
        found.append(TaxedFee(fee, net, tax, rule))
    return found


def _minor(amount: Money) -> int:
    return amount.minor


def write(payment: Payment, ref: str, fees: Sequence[TaxedFee]) -> None:
    """Keep what was taken of a payment for the payee's next invoice; in the settlement's transaction."""
    for place, one in enumerate(fees, 1):
        db.session.add(
            FeeLine(
                payment_id=payment.id, payee_id=payment.payee_id, kind=one.fee.kind, cause=f"{ref}:{place}"[:64],
                label=one.fee.label[:120], net_minor=one.net.minor, tax_minor=one.tax.minor, currency=one.net.currency,
                tax_name=one.rule.name[:60] if one.tax else "", tax_rate=str(one.rule.rate) if one.tax else "", at=clock.now(),
            )
        )  # fmt: skip
    db.session.flush()


def undo(payment: Payment) -> None:
    """Take back all fees of a payment whose settlement is undone."""
    for line, (net_given, tax_given) in _lines(payment.id):
        _give_back(line, line.net_minor + net_given, line.tax_minor + tax_given, f"undone:{line.id}")
    db.session.flush()


def give_back(refund: Refund) -> list[FeeLine]:
    """Take back, as far as the books say that the platform gave its fees back for a refund; once per refund."""
    causes = select(FeeLine).where(FeeLine.cause.like(f"refund:{refund.id}:%"))
    if known := list(db.session.scalars(causes)):
        return known
    fees, tax = accounts.platform_fees(refund.currency).code, accounts.tax_payable(refund.currency).code
    left = {fees: 0, tax: 0}
    borne = select(Burden.account, Burden.amount_minor - Burden.returned_minor)
    for code, minor in db.session.execute(borne.where(Burden.refund_id == refund.id, Burden.source == "fees")):
        left[code] = left.get(code, 0) + int(minor)
    found = []
    # The provider's fee comes last: its tax is not given back, but was once, and the books say what was.
    for line, (net_given, tax_given) in sorted(_lines(refund.payment_id), key=lambda pair: pair[0].kind == "provider"):
        net = min(left[fees], line.net_minor + net_given) if line.kind == "platform" else 0
        part = min(left[tax], line.tax_minor + tax_given)
        if net or part:
            left[fees], left[tax] = left[fees] - net, left[tax] - part
            found.append(_give_back(line, net, part, f"refund:{refund.id}:{line.id}"))
    db.session.flush()
    return found


def tax_that_stays(payment: Payment) -> int:
    """Give the tax on the provider's fee that the payee of a payment bears, in minor units: no refund gives it back."""
    tax = select(func.coalesce(func.sum(FeeLine.tax_minor), 0)).where(
        FeeLine.payment_id == payment.id, FeeLine.kind == "provider"
    )
    return int(db.session.scalars(tax).one())


def charge_again(refund: Refund) -> None:
    """Charge what was given back for a refund that failed; in the transaction that gives it up, under the payment's lock.

    What no credit note tells of yet never gets on one; the rest is charged by the payee's next invoice.
    """
    back = select(FeeLine).where(FeeLine.cause.like(f"refund:{refund.id}:%")).order_by(FeeLine.id).with_for_update()
    for line in db.session.scalars(back.execution_options(populate_existing=True)).all():
        untold = line.bill_id is None and not line.void
        cause = f"{KEPT if untold else 'refund_failed:'}{refund.id}:{line.id}"
        again = FeeLine(
            payment_id=line.payment_id, payee_id=line.payee_id, kind=line.kind, cause=cause, label=line.label,
            net_minor=-line.net_minor, tax_minor=-line.tax_minor, currency=line.currency, tax_name=line.tax_name,
            tax_rate=line.tax_rate, at=clock.now(), void=untold,
        )  # fmt: skip
        db.session.add(again)
        line.void = line.void or untold
    db.session.flush()


def _lines(payment_id: int) -> list[tuple[FeeLine, tuple[int, int]]]:
    """Give a payment's fees that were not undone, each with what was given back of it (minor units, below zero)."""
    rows = db.session.scalars(select(FeeLine).where(FeeLine.payment_id == payment_id).order_by(FeeLine.id)).all()
    kept = {int(row.cause.rpartition(":")[2]) for row in rows if row.cause.startswith(KEPT)}
    back: dict[int, tuple[int, int]] = {}
    undone = set()
    for row in rows:
        if row.given_back_id is None or row.id in kept:
            continue
        original = row.given_back_id
        net, tax = back.get(original, (0, 0))
        back[original] = (net + row.net_minor, tax + row.tax_minor)
        if row.cause.startswith("undone:"):
            undone.add(original)
    lines = (row for row in rows if row.given_back_id is None and not row.cause.startswith(KEPT))
    return [(line, back.get(line.id, (0, 0))) for line in lines if line.id not in undone]


def _give_back(line: FeeLine, net: int, tax: int, cause: str) -> FeeLine:
    back = FeeLine(
        payment_id=line.payment_id, payee_id=line.payee_id, given_back_id=line.id, kind=line.kind, cause=cause,
        label=line.label, net_minor=-net, tax_minor=-tax, currency=line.currency, tax_name=line.tax_name,
        tax_rate=line.tax_rate, at=clock.now(),
    )  # fmt: skip
    db.session.add(back)
    return back
