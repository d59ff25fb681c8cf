"""What money by hand means in the books; with `payments.bookings` the only place where payments name ledger accounts.

Bank account and desk are assets of ours. Cash that one member took straight from another was never ours: it passes through
an account of its own that is zero again once the payment is settled, with the platform's fee as a debt of the receiver.
"""

from __future__ import annotations

from marketplace.ledger import accounts
from marketplace.ledger.accounts import AccountSpec
from marketplace.ledger.service import TransferSpec, post, reverse
from marketplace.money import Money
from marketplace.payments.models import Payment, Payout, Refund
from marketplace.payments.offline.models import OfflineReceipt


def purse(way: str, currency: str) -> AccountSpec:
    """Give the account where money of this way lies."""
    match way:
        case "bank":
            return accounts.platform_bank(currency)
        case "desk":
            return accounts.platform_cash(currency)
        case _:
            return accounts.cash_with_members(currency)


def _key(receipt: OfflineReceipt) -> str:
    return f"offline_{receipt.request_id}:received:{receipt.id}"


def received(payment: Payment, receipt: OfflineReceipt) -> None:
    """Money came in and is held for the agreement, also when it is only a part, or too much."""
    held = accounts.agreement_held(payment.agreement_id, receipt.currency)
    line = TransferSpec(purse(receipt.way, receipt.currency), held, receipt.amount)
    post(
        _key(receipt), [line], description="Received by hand", agreement_id=payment.agreement_id, payment_id=payment.id
    )


def receipt_reversed(receipt: OfflineReceipt) -> None:
    """It had not come in after all."""
    reverse(_key(receipt), f"{_key(receipt)}:reversed", description="A receipt that was wrong")


def unsettled(ref: str) -> None:
    """A settlement is undone, because the money that it divided had not come in."""
    reverse(f"{ref}:settled", f"{ref}:unsettled", description="Settlement undone")


def sent_back(payment: Payment, refund: Refund, way: str) -> None:
    """Held money went back to the payer."""
    held = accounts.agreement_held(payment.agreement_id, refund.currency)
    line = TransferSpec(held, purse(way, refund.currency), refund.amount)
    post(f"refund-{refund.id}:sent", [line], description="Refund by hand", agreement_id=payment.agreement_id,
         payment_id=payment.id)  # fmt: skip


def paid_out(payout: Payout, way: str) -> None:
    """A member's earnings went to the member's own bank account, or over our desk."""
    payable = accounts.member_payable(payout.user_id, payout.currency)
    line = TransferSpec(payable, purse(way, payout.currency), payout.amount)
    post(f"payout-{payout.id}:sent", [line], description="Pay-out by hand")


def kept_by_payee(payment: Payment, ref: str, earned: Money, owed: Money) -> None:
    """The payee has had the money all along: the earnings count as paid out, and the fees in it are owed to us."""
    with_members = accounts.cash_with_members(payment.currency)
    lines = []
    if earned:
        lines.append(TransferSpec(accounts.member_payable(payment.payee_id, payment.currency), with_members, earned))
    if owed:
        lines.append(TransferSpec(accounts.member_receivable(payment.payee_id, payment.currency), with_members, owed))
    if lines:
        post(f"{ref}:kept_by_payee", lines, description="Paid straight to the payee",
             agreement_id=payment.agreement_id, payment_id=payment.id)  # fmt: skip


def not_kept(ref: str) -> None:
    """The payee had not got the money after all: neither the earnings nor the fees in it are his to answer for."""
    reverse(f"{ref}:kept_by_payee", f"{ref}:not_kept", description="Not paid to the payee after all")
