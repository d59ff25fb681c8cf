"""Whom payments by hand tell what: the payer where to pay, both what came in, and operators what waits for them."""

from __future__ import annotations

from sqlalchemy import select

from marketplace.database import db
from marketplace.money import Money
from marketplace.notifications.service import notify
from marketplace.payments.models import Payment
from marketplace.payments.offline.models import OfflineRequest
from marketplace.payments.offline.reference import NotAnAccount, account_number, in_groups
from marketplace.payments.subjects import title_of
from marketplace.runtime import runtime
from marketplace.settings.service import get
from marketplace.users.models import User


def destination() -> tuple[str, str]:
    """Give the platform's own account number and its holder, as payers are told now."""
    try:
        account = account_number(str(get("offline.account")))
    except NotAnAccount:  # switched off since the payer chose it; operators still answer for what was promised
        account = ""
    return account, str(get("offline.holder")) or runtime().settings.site_name


def asked(payment: Payment, request: OfflineRequest) -> None:
    """Tell the payer how to pay, and a payee who takes the cash that it will come."""
    title = title_of(payment)
    facts = {
        "amount": request.missing, "title": title, "by": request.pay_by, "reference": in_groups(request.reference),
        "account": in_groups(request.account), "holder": request.holder, "desk": str(get("offline.desk")),
        "kind": request.kind,
    }  # fmt: skip
    if request.kind == "bank_transfer":
        notify(payment.payer_id, "payment_by_bank", params=facts, url=f"/pay/{payment.id}")
        return
    notify(payment.payer_id, "payment_in_cash", params=facts, url=f"/pay/{payment.id}")
    if request.kind == "cash_owner":
        from_whom = {"amount": request.missing, "title": title, "payer": payer_name(payment)}
        notify(payment.payee_id, "payment_cash_handed_over", params=from_whom, url=f"/pay/{payment.id}")


def payer_name(payment: Payment) -> str:
    """Give the payer's name."""
    return db.session.scalar(select(User.name).where(User.id == payment.payer_id)) or ""


def remind(payment: Payment, request: OfflineRequest) -> None:
    """Tell the payer once that the money has not come in yet."""
    facts = {
        "amount": request.missing, "title": title_of(payment), "by": request.pay_by,
        "reference": in_groups(request.reference), "account": in_groups(request.account), "holder": request.holder,
        "desk": str(get("offline.desk")), "kind": request.kind,
    }  # fmt: skip
    notify(payment.payer_id, "payment_reminder", params=facts, url=f"/pay/{payment.id}")


def part_received(payment: Payment, request: OfflineRequest, received: Money) -> None:
    """Tell the payer that less came in than was asked for."""
    facts = {"received": received, "missing": request.missing, "title": title_of(payment)}
    notify(payment.payer_id, "payment_part_received", params=facts, url=f"/pay/{payment.id}")


def sent_back(payment: Payment, amount: Money) -> None:
    """Tell the payer that money was sent back by hand."""
    notify(
        payment.payer_id,
        "payment_sent_back",
        params={"amount": amount, "title": title_of(payment)},
        url=f"/pay/{payment.id}",
    )


def account_needed(user_id: int, amount: Money) -> None:
    """Tell a member that money waits for an account number."""
    notify(user_id, "payment_bank_account_needed", params={"amount": amount}, url="/account/payments/details")
