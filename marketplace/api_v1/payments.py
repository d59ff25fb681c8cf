"""Payments: what the member pays and is paid, saved cards, and the way to the provider's page."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import or_, select

from marketplace import access
from marketplace.agreements.models import Agreement
from marketplace.api_v1 import paging
from marketplace.api_v1.core_part import core
from marketplace.api_v1.operations import Call
from marketplace.api_v1.problems import ApiProblem
from marketplace.api_v1.shapes import (
    Amount,
    Id,
    Input,
    LinkText,
    Meta,
    NoQuery,
    Output,
    Page,
    PageQuery,
    Time,
)
from marketplace.database import db
from marketplace.errors import NotFound, Refused
from marketplace.listings.models import Listing
from marketplace.payments import methods, payees, payout_accounts, shares
from marketplace.payments.models import Payment, SavedMethod
from marketplace.payments.requests import use_saved_method
from marketplace.runtime import runtime
from marketplace.users.models import User

TAG = "Payments"
READ, WRITE = ("payments:read",), ("payments:write",)
CHOOSING = ("method_needed", "ready", "declined", "action_required", "awaiting")
State = Literal[
    "method_needed", "ready", "charging", "processing", "action_required", "awaiting", "held", "succeeded", "declined",
    "cancelled",
]  # fmt: skip


class PaymentOut(Output):
    """A payment; `role` is the caller's. `retryable` tells whether trying the same card again makes sense."""

    id: Id
    role: Literal["payer", "payee", "operator"]
    state: State
    purpose: Annotated[str, Meta(examples=["pledge"])]
    amount: Amount
    refunded: Amount
    earned: Amount
    decline_code: str | None
    retryable: bool
    agreement_id: Id
    title: Annotated[str, Meta(examples=["A cargo bike for the street"])]
    method_id: Annotated[int | None, Meta(description="Only for the payer.")]
    created_at: Time
    charged_at: Time | None
    pay_url: Annotated[LinkText | None, Meta(description="Where the payer gives a card, as long as one is wanted.")]


class SavedMethodOut(Output):
    """A saved card or bank account, as printed on a receipt."""

    id: Id
    kind: Annotated[str, Meta(examples=["card"])]
    label: Annotated[str, Meta(examples=["Visa ending in 4242"])]
    brand: Annotated[str, Meta(examples=["visa"])]
    last4: Annotated[str, Meta(examples=["4242"])]
    exp_month: int | None
    exp_year: int | None


class MethodList(Output):
    """The member's saved methods that can be used, the newest first."""

    data: list[SavedMethodOut]


class MethodChoice(Input):
    """Which saved method pays."""

    method_id: Id


class ProviderPage(Output):
    """A page of the payment provider, to be opened in a browser."""

    url: LinkText


class PayoutAccountOut(Output):
    """Where earnings go; `requirements` lists what the provider still wants to know."""

    opened: bool
    payouts_enabled: bool
    requirements: list[str]


class PaymentQuery(PageQuery):
    """In which role the caller takes part."""

    role: Literal["payer", "payee", ""] = ""


COLUMNS = (
    Payment.id, Payment.payer_id, Payment.payee_id, Payment.state, Payment.purpose, Payment.amount_minor,
    Payment.refunded_minor, Payment.earned_minor, Payment.currency, Payment.decline_code, Payment.retryable,
    Payment.agreement_id, Payment.method_id, Payment.created_at, Payment.charged_at, Listing.title,
)  # fmt: skip


def _selected() -> Any:
    return (
        select(*COLUMNS)
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
    )


def _shown(row: Any, user: User) -> PaymentOut:
    payer = row.payer_id == user.id
    role = "payer" if payer else "payee" if row.payee_id == user.id else "operator"
    return PaymentOut(
        id=row.id,
        role=role,  # type: ignore[arg-type]
        state=row.state,
        purpose=row.purpose,
        amount=Amount(row.amount_minor, row.currency),
        refunded=Amount(row.refunded_minor, row.currency),
        earned=Amount(max(0, row.earned_minor), row.currency),
        decline_code=row.decline_code if payer else None,
        retryable=row.retryable,
        agreement_id=row.agreement_id,
        title=row.title,
        method_id=row.method_id if payer else None,
        created_at=row.created_at,
        charged_at=row.charged_at,
        pay_url=_page("payments.pay", payment_id=row.id) if payer and row.state in CHOOSING else None,
    )


def _page(endpoint: str, **values: Any) -> str:
    return paging.absolute(url_for(endpoint, **values))


@core.operation("GET", "/payments", tag=TAG, scopes=READ, query=PaymentQuery, returns=Page[PaymentOut])
def list_payments(call: Call[None, PaymentQuery]) -> Page[PaymentOut]:
    """List what the member pays and was paid, the newest first."""
    me = call.user.id
    roles = {"payer": (Payment.payer_id == me) & shares.asked_for(), "payee": Payment.payee_id == me}
    mine = roles.get(call.query.role, or_(*roles.values()))
    statement = _selected().where(mine).order_by(Payment.id.desc()).limit(call.query.limit + 1)
    before = paging.read_id(call.query.cursor)
    if before is not None:
        statement = statement.where(Payment.id < before)
    rows = db.session.execute(statement).all()
    return paging.page(rows, call.query.limit, lambda row: _shown(row, call.user), lambda row: row.id)


def payment_for(payment_id: int, user: User, action: str) -> Payment:
    """Give a payment with which the caller may do this; raises NotFound, as if it did not exist, or Forbidden."""
    payment = db.session.get(Payment, payment_id)
    if payment is None or not access.may(user, "payment.see", payment):
        raise NotFound(_("There is no such payment."))
    access.require(user, action, payment)
    return payment


def payment_again(payment_id: int, user: User) -> PaymentOut:
    """Show a payment as it is now."""
    return _shown(db.session.execute(_selected().where(Payment.id == payment_id)).one(), user)


@core.operation("GET", "/payments/{payment_id}", tag=TAG, scopes=READ, returns=PaymentOut, errors=(404,))
def get_payment(call: Call[None, NoQuery], payment_id: int) -> PaymentOut:
    """Give one payment; for strangers it does not exist."""
    payment_for(payment_id, call.user, "payment.see")
    return payment_again(payment_id, call.user)


@core.operation(
    "PUT", "/payments/{payment_id}/method", tag=TAG, scopes=WRITE, body=MethodChoice, returns=PaymentOut,
    errors=(404, 409),
)  # fmt: skip
def choose_method(call: Call[MethodChoice, NoQuery], payment_id: int) -> PaymentOut:
    """Pay with a saved method."""
    payment = payment_for(payment_id, call.user, "payment.pay")
    use_saved_method(payment, call.body.method_id)
    return payment_again(payment_id, call.user)


def _wanted() -> None:
    if not runtime().settings.takes("stripe"):
        raise Refused(_("This site takes no payments through a provider."), code="payments_off")


def _page_of(answer: Any) -> ProviderPage:
    if not isinstance(answer, str) or not answer:
        text = _("The payment provider can't be reached at the moment. Try again in a minute.")
        raise ApiProblem(503, "provider_unreachable", text, headers={"Retry-After": "60"})
    return ProviderPage(url=answer)


@core.operation(
    "POST", "/payments/{payment_id}/checkout", tag=TAG, scopes=WRITE, returns=ProviderPage, status=201,
    errors=(404, 409, 503), idempotency="optional", outside=True,
)  # fmt: skip
def start_checkout(call: Call[None, NoQuery], payment_id: int) -> ProviderPage:
    """Open the provider's page on which the payer gives a card for this payment."""
    _wanted()
    payment = payment_for(payment_id, call.user, "payment.pay")
    if payment.state not in CHOOSING:
        raise Refused(_("This payment can't be changed any more."), code="payment_state")
    back = _page("payments.pay", payment_id=payment.id)
    returns = methods.Returns(_page("payments.pay_return", payment_id=payment.id), back)
    return _page_of(methods.begin_setup(call.user, payment, returns))


def _method(found: SavedMethod) -> SavedMethodOut:
    return SavedMethodOut(
        id=found.id,
        kind=found.kind,
        label=methods.describe_method(found),
        brand=found.brand,
        last4=found.last4,
        exp_month=found.exp_month,
        exp_year=found.exp_year,
    )


@core.operation("GET", "/me/methods", tag=TAG, scopes=READ, returns=MethodList)
def list_methods(call: Call[None, NoQuery]) -> MethodList:
    """List the member's saved cards."""
    return MethodList(data=[_method(each) for each in methods.methods_of(call.user.id)])


@core.operation(
    "POST", "/me/methods", tag=TAG, scopes=WRITE, returns=ProviderPage, status=201, errors=(409, 503),
    idempotency="optional", outside=True,
)  # fmt: skip
def add_method(call: Call[None, NoQuery]) -> ProviderPage:
    """Open the provider's page on which the member saves a card for later."""
    _wanted()
    returns = methods.Returns(_page("payments.card_saved"), _page("payments.account"))
    return _page_of(methods.begin_setup(call.user, None, returns))


@core.operation("DELETE", "/me/methods/{method_id}", tag=TAG, scopes=WRITE, status=204, errors=(404, 503), outside=True)
def remove_method(call: Call[None, NoQuery], method_id: int) -> None:
    """Remove a saved card, here and at the provider."""
    if not methods.remove_method(call.user.id, method_id):
        _page_of(None)


@core.operation("GET", "/me/payout-account", tag=TAG, scopes=READ, returns=PayoutAccountOut)
def get_payout_account(call: Call[None, NoQuery]) -> PayoutAccountOut:
    """Tell whether the member's earnings can be paid out."""
    account = payout_accounts.account_of(call.user.id)
    if account is None:
        return PayoutAccountOut(opened=False, payouts_enabled=False, requirements=[])
    return PayoutAccountOut(
        opened=True, payouts_enabled=account.payouts_enabled, requirements=list(account.requirements)
    )


@core.operation(
    "POST", "/me/payout-account", tag=TAG, scopes=WRITE, returns=ProviderPage, status=201, errors=(409, 503),
    idempotency="optional", outside=True,
)  # fmt: skip
def open_payout_account(call: Call[None, NoQuery]) -> ProviderPage:
    """Open the provider's page on which the member says where earnings go."""
    _wanted()
    return _page_of(payees.onboard(call.user, _page("payments.onboarded"), _page("payments.onboard_again")))
