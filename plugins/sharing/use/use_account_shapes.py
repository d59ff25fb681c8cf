"""Plans, credit, unpaid uses and co-users as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from marketplace.api import api_v1
from plugins.sharing.use.monthly_shapes import MonthlyOut

Amount = api_v1.Amount
Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
Email = Annotated[str, Meta(min_length=3, max_length=254, examples=["ben@example.org"])]


class PlanOut(MonthlyOut):
    """A plan of an owner's prices."""

    plan: Annotated[str, Meta(description="Its key in the tariff.", examples=["often"])]


class NewPlan(api_v1.Input):
    """Which plan of the item's prices by use."""

    plan: Annotated[str, Meta(min_length=1, max_length=40, examples=["often"])]


class CreditOut(api_v1.Output):
    """What a member has left with an owner; `returnable` is what was bought and can be given back."""

    owner_id: Id
    owner: Annotated[str, Meta(examples=["Lena"])]
    left: Amount
    returnable: Amount


class Account(api_v1.Output):
    """What a member has to do with paying by use: credit, and what was not paid, which keeps new uses back."""

    credit: list[CreditOut]
    unpaid: list[Amount]


class NewCredit(api_v1.Input):
    """How much credit to buy."""

    amount: Amount


class PayOut(api_v1.Output):
    """Something to be paid; `pay_url` is opened in a browser."""

    payment_id: Id
    agreement_id: Id
    pay_url: api_v1.LinkText


class PayNow(api_v1.Output):
    """Where the first thing is paid that was not; null when everything is."""

    payment_id: Annotated[Id | None, Meta(examples=[12])]
    pay_url: Annotated[str | None, Meta(examples=["https://example.org/pay/12"])]


class GivenBack(api_v1.Output):
    """What goes back the way it was paid."""

    amount: Amount


class CreditOf(api_v1.Input):
    """Credit with which owner, in which currency."""

    owner_id: Id
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", examples=["EUR"])]


class CoUserOut(api_v1.Output):
    """Somebody who uses things on somebody's account, or is asked to."""

    id: Id
    holder_id: Id
    holder: Annotated[str, Meta(examples=["Lena"])]
    user_id: Id
    user: Annotated[str, Meta(examples=["Ben"])]
    role: Annotated[Literal["holder", "user"], Meta(description="The caller's own.", examples=["holder"])]
    accepted_at: Time | None


class CoUserList(api_v1.Output):
    """Who is on the caller's account, and on whose the caller is."""

    data: list[CoUserOut]


class NewCoUser(api_v1.Input):
    """Who is asked in, by the address that they log in with."""

    email: Email


def co_user(row: Any, user_id: int) -> CoUserOut:
    """Give one of `standing.co_users`."""
    return CoUserOut(
        id=row.id, holder_id=row.holder_id, holder=row.holder, user_id=row.user_id, user=row.user,
        role="holder" if row.holder_id == user_id else "user", accepted_at=row.accepted_at,
    )  # fmt: skip
