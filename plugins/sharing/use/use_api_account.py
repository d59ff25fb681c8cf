"""The API of one's account for uses: plans, credit, what is unpaid, and who uses things on whose account."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from marketplace.api import Agreement, InvalidInput, NotFound, User, access, api_v1, db, payments
from plugins.sharing.use import buying, collecting, credits, monthly_shapes, plans, standing
from plugins.sharing.use import use_account_shapes as shapes
from plugins.sharing.use.use_account_shapes import (
    Account,
    CoUserList,
    CreditOf,
    CreditOut,
    GivenBack,
    NewCoUser,
    NewCredit,
    NewPlan,
    PayNow,
    PayOut,
    PlanOut,
)
from plugins.sharing.use.use_api_part import ACCOUNT, USES, part
from plugins.sharing.use.use_models import PlanMember

READ, WRITE = ("uses:read",), ("uses:write",)
PEOPLE_A_MINUTE = 10
"""Whoever asks people in learns by the answer who is a member here, so not many."""


def _plan(plan_id: int, user: User) -> PlanOut:
    agreement, side = db.session.get(Agreement, plan_id), db.session.get(PlanMember, plan_id)
    if agreement is None or side is None:
        raise NotFound(_("There is no such plan."))
    access.require(user, "agreement.see", agreement)
    return PlanOut(plan=side.plan, **monthly_shapes.facts(agreement, side))


@part.operation(
    "POST", "/sharing/items/{listing_id}/plans", tag=USES, scopes=WRITE, body=NewPlan, returns=PlanOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def join_plan(call: api_v1.Call[NewPlan, api_v1.Query], listing_id: int) -> api_v1.Reply:
    """Join a plan of an item's prices by use; a free one runs at once, another once its first month is paid."""
    made = plans.join(call.user, listing_id, call.body.plan)
    return api_v1.Reply(_plan(made.id, call.user), location=url_for("sharing_use_api.get_plan", plan_id=made.id))


@part.operation("GET", "/sharing/plans/{plan_id}", tag=USES, scopes=READ, returns=PlanOut, errors=(404,))
def get_plan(call: api_v1.Call[None, api_v1.Query], plan_id: int) -> PlanOut:
    """Give a plan to its member and to the owner."""
    return _plan(plan_id, call.user)


@part.operation("GET", "/sharing/uses/account", tag=ACCOUNT, scopes=READ, returns=Account)
def get_use_account(call: api_v1.Call[None, api_v1.Query]) -> Account:
    """Give the caller's credit with each owner, and what was not paid."""
    returnable = buying.returnable(call.user.id)
    return Account(
        credit=[
            CreditOut(
                owner_id=row.owner_id, owner=row.name, left=api_v1.Amount(row.balance_minor, row.currency),
                returnable=api_v1.Amount(returnable.get((row.owner_id, row.currency), 0), row.currency),
            )
            for row in credits.accounts_of(call.user.id)
        ],
        unpaid=[api_v1.Amount(minor, currency) for currency, minor in standing.unpaid(call.user.id).items()],
    )  # fmt: skip


@part.operation(
    "POST", "/sharing/items/{listing_id}/credit", tag=ACCOUNT, scopes=WRITE, body=NewCredit, returns=PayOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def buy_credit(call: api_v1.Call[NewCredit, api_v1.Query], listing_id: int) -> PayOut:
    """Buy prepaid credit with an item's owner; it is there once it is paid."""
    agreement = buying.buy(call.user, listing_id, call.body.amount.money("amount").minor)
    payment = payments.payments_of(agreement)[0]
    path = url_for("payments.pay", payment_id=payment.id)
    return PayOut(payment_id=payment.id, agreement_id=agreement.id, pay_url=api_v1.absolute(path))


@part.operation(
    "POST", "/sharing/uses/account/credit-back", tag=ACCOUNT, scopes=WRITE, body=CreditOf, returns=GivenBack,
    errors=(409,), idempotency="required",
)  # fmt: skip
def give_credit_back(call: api_v1.Call[CreditOf, api_v1.Query]) -> GivenBack:
    """Give all bought credit back that is left with an owner; it goes the way it was paid."""
    given = buying.give_back(call.user, call.body.owner_id, call.body.currency)
    return GivenBack(amount=api_v1.Amount(given.minor, given.currency))


@part.operation(
    "POST", "/sharing/uses/account/pay", tag=ACCOUNT, scopes=WRITE, returns=PayNow, errors=(409,),
    idempotency="optional",
)  # fmt: skip
def pay_unpaid_uses(call: api_v1.Call[None, api_v1.Query]) -> PayNow:
    """Ask anew for what was not paid, one payment for each owner, and give the way to the first."""
    payment_id = collecting.pay_again(call.user.id)
    if payment_id is None:
        return PayNow(payment_id=None, pay_url=None)
    return PayNow(payment_id=payment_id, pay_url=api_v1.absolute(url_for("payments.pay", payment_id=payment_id)))


def _people(user: User) -> CoUserList:
    return CoUserList(data=[shapes.co_user(row, user.id) for row in standing.co_users(user.id)])


@part.operation("GET", "/sharing/uses/people", tag=ACCOUNT, scopes=READ, returns=CoUserList)
def list_co_users(call: api_v1.Call[None, api_v1.Query]) -> CoUserList:
    """Give who uses things on the caller's account, and on whose account the caller does."""
    return _people(call.user)


@part.operation(
    "POST", "/sharing/uses/people", tag=ACCOUNT, scopes=WRITE, body=NewCoUser, returns=CoUserList, status=201,
    idempotency="required",
)  # fmt: skip
def ask_co_user(call: api_v1.Call[NewCoUser, api_v1.Query]) -> CoUserList:
    """Ask a member to use things on the caller's account, who then pays for it."""
    api_v1.often(f"co-users {call.user.id}", PEOPLE_A_MINUTE)
    try:
        standing.ask_in(call.user, call.body.email)
    except NotFound as error:
        raise InvalidInput({"email": error.message}) from None
    return _people(call.user)


@part.operation(
    "POST", "/sharing/uses/people/{co_user_id}/accept", tag=ACCOUNT, scopes=WRITE, returns=CoUserList, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def accept_co_user(call: api_v1.Call[None, api_v1.Query], co_user_id: int) -> CoUserList:
    """Accept using things on somebody's account."""
    standing.accept(call.user, co_user_id)
    return _people(call.user)


@part.operation(
    "DELETE", "/sharing/uses/people/{co_user_id}", tag=ACCOUNT, scopes=WRITE, returns=CoUserList, errors=(404,)
)
def end_co_user(call: api_v1.Call[None, api_v1.Query], co_user_id: int) -> CoUserList:
    """End it, as either of the two; what was used is still paid by the holder."""
    standing.leave(call.user, co_user_id)
    return _people(call.user)
