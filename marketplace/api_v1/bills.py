"""Bills, and payments by hand: receipts and invoices, where to transfer money to, and choosing to pay that way."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api_v1 import paging
from marketplace.api_v1.core_part import core
from marketplace.api_v1.operations import Call
from marketplace.api_v1.payments import READ, TAG, WRITE, PaymentOut, payment_again, payment_for
from marketplace.api_v1.shapes import Amount, Id, Input, LinkText, Meta, NoQuery, Output, Page, PageQuery, Time
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.payments.billing.models import Bill
from marketplace.payments.offline import asking, methods
from marketplace.payments.offline.models import OfflineRequest

Kind = Literal["receipt", "receipt_credit", "fee_invoice", "fee_credit"]
ByHand = Literal["bank_transfer", "cash_desk", "cash_owner"]


class SignedAmount(Output):
    """Money in whole minor units of one currency; below zero on credit notes."""

    minor: Annotated[int, Meta(ge=-(10**13), le=10**13, examples=[-1250])]
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["EUR"])]


class BillLine(Output):
    """One line of a bill; amounts of credit notes are below zero."""

    label: Annotated[str, Meta(examples=["A cargo bike for the street"])]
    net: SignedAmount
    tax: SignedAmount


class BillOut(Output):
    """A bill as it was sent: it never changes. A credit note names the bill it corrects."""

    id: Id
    kind: Kind
    number: Annotated[str, Meta(examples=["R2026-00012"])]
    issued_on: Annotated[str, Meta(examples=["2026-11-21"])]
    subject: str
    total: SignedAmount
    tax: SignedAmount
    tax_name: str
    corrects_id: int | None
    payment_id: int | None
    url: LinkText


class BillDetails(BillOut):
    """A bill with its parties and lines."""

    seller: str
    buyer: str
    lines: list[BillLine]
    notes: str


class Instructions(Output):
    """How a payment by hand is made: account and reference are empty where cash is handed over."""

    kind: ByHand
    state: Literal["open", "paid", "closed"]
    amount: Amount
    received: Amount
    account: Annotated[str, Meta(examples=["NL91ABNA0417164300"])]
    holder: str
    reference: Annotated[str, Meta(description="ISO 11649.", examples=["RF18539007547034"])]
    pay_by: Time
    ends_at: Time


class ByHandChoice(Input):
    """How the payer wants to pay without a provider; only what this site offers is accepted."""

    kind: ByHand


def _signed(minor: int, currency: str) -> SignedAmount:
    return SignedAmount(minor=minor, currency=currency)


def _facts(bill: Bill) -> dict[str, Any]:
    return {
        "id": bill.id, "kind": bill.kind, "number": bill.code, "issued_on": bill.issued_on.isoformat(), "subject": bill.subject,
        "total": _signed(bill.total_minor, bill.currency), "tax": _signed(bill.tax_minor, bill.currency),
        "tax_name": bill.tax_name, "corrects_id": bill.corrects_id, "payment_id": bill.payment_id,
        "url": paging.absolute(url_for("payments.bill", bill_id=bill.id)),
    }  # fmt: skip


@core.operation("GET", "/me/bills", tag=TAG, scopes=READ, query=PageQuery, returns=Page[BillOut])
def list_bills(call: Call[None, PageQuery]) -> Page[BillOut]:
    """List the member's receipts, invoices and credit notes, the newest first."""
    wanted = select(Bill).where(Bill.user_id == call.user.id).order_by(Bill.id.desc()).limit(call.query.limit + 1)
    before = paging.read_id(call.query.cursor)
    if before is not None:
        wanted = wanted.where(Bill.id < before)
    rows = list(db.session.scalars(wanted))
    return paging.page(rows, call.query.limit, lambda bill: BillOut(**_facts(bill)), lambda bill: bill.id)


@core.operation("GET", "/me/bills/{bill_id}", tag=TAG, scopes=READ, returns=BillDetails, errors=(404,))
def get_bill(call: Call[None, NoQuery], bill_id: int) -> BillDetails:
    """Give one of the member's bills with its lines."""
    bill = db.session.get(Bill, bill_id)
    if bill is None or bill.user_id != call.user.id:
        raise NotFound(_("There is no such bill."))
    lines = [
        BillLine(
            label=str(line["label"]), net=_signed(int(line["net_minor"]), bill.currency),
            tax=_signed(int(line["tax_minor"]), bill.currency),
        )
        for line in bill.lines
    ]  # fmt: skip
    return BillDetails(**_facts(bill), seller=bill.seller, buyer=bill.buyer, lines=lines, notes=bill.notes)


@core.operation(
    "PUT", "/payments/{payment_id}/by-hand", tag=TAG, scopes=WRITE, body=ByHandChoice, returns=PaymentOut, errors=(404, 409),
)  # fmt: skip
def choose_by_hand(call: Call[ByHandChoice, NoQuery], payment_id: int) -> PaymentOut:
    """Pay by bank transfer or in cash, when it is time to pay."""
    methods.choose(payment_for(payment_id, call.user, "payment.pay"), call.body.kind)
    return payment_again(payment_id, call.user)


@core.operation("GET", "/payments/{payment_id}/instructions", tag=TAG, scopes=READ, returns=Instructions, errors=(404,))
def get_instructions(call: Call[None, NoQuery], payment_id: int) -> Instructions:
    """Tell the payer where to pay by hand, how much, with which reference and by when."""
    payment = payment_for(payment_id, call.user, "payment.pay")
    request = asking.newest_request(payment.id)
    if request is None:
        raise NotFound(_("Nothing has to be paid by hand for this."))
    return _told(request)


def _told(request: OfflineRequest) -> Instructions:
    return Instructions(
        kind=request.kind,  # type: ignore[arg-type]
        state=request.state,  # type: ignore[arg-type]
        amount=Amount(request.amount_minor, request.currency),
        received=Amount(request.received_minor, request.currency),
        account=request.account,
        holder=request.holder,
        reference=request.reference,
        pay_by=request.pay_by,
        ends_at=request.ends_at,
    )
