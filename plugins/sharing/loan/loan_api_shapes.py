"""Loans as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import url_for

from marketplace.api import Agreement, api_v1
from plugins.sharing.loan.booking_models import Loan

Meta = api_v1.Meta


class NewLoan(api_v1.Input):
    """From when until when somebody would like to have an item, and how many of it."""

    starts_at: api_v1.Time
    ends_at: api_v1.Time
    arrangement: Literal["borrow", "rent"] = "borrow"
    count: Annotated[int, Meta(ge=1, le=20, examples=[1])] = 1
    note: Annotated[str, Meta(max_length=1000, examples=["For the shelves in the hall."])] = ""


class MoreTime(api_v1.Input):
    """Until when the borrower would like to keep it."""

    ends_at: api_v1.Time


class TimeAnswer(api_v1.Input):
    """Whether the lender grants the time that was asked for."""

    grant: Annotated[bool, Meta(examples=[True])]


class LoanLine(api_v1.Output):
    """A loan in a list."""

    id: api_v1.Id
    listing_id: api_v1.Id
    state: Annotated[str, Meta(examples=["agreed"])]
    arrangement: Literal["borrow", "rent"]
    starts_at: api_v1.Time
    ends_at: api_v1.Time
    amount: api_v1.Amount | None


class LoanOut(LoanLine):
    """A loan; moving it is a move of the agreement of the same number."""

    deposit: Annotated[api_v1.Amount | None, Meta(description="None where none is asked for.", examples=[None])]
    deposit_state: Annotated[str, Meta(examples=["none"])]
    waits_until: api_v1.Time | None
    wanted_end: Annotated[
        api_v1.Time | None, Meta(description="Until when the borrower asks to keep it.", examples=[None])
    ]
    pay_url: Annotated[str | None, Meta(description="Where the borrower pays or gives a card now.", examples=[None])]
    url: api_v1.LinkText


def line(row: Any) -> LoanLine:
    """Give a loan as a list shows it."""
    return LoanLine(**_facts(row, row))


def loan(agreement: Agreement, side: Loan, pay_path: str | None) -> LoanOut:
    """Give a loan as the API shows it to the two who agree on it."""
    return LoanOut(
        **_facts(agreement, side),
        deposit=api_v1.amount(side.deposit_minor, side.currency) if side.deposit_minor else None,
        deposit_state=side.deposit_state,
        waits_until=agreement.waits_until,
        wanted_end=side.wanted_end,
        pay_url=api_v1.absolute(pay_path) if pay_path else None,
        url=api_v1.absolute(url_for("agreements.show", agreement_id=agreement.id)),
    )


def _facts(agreement: Any, side: Any) -> dict[str, Any]:
    return {
        "id": agreement.id, "listing_id": agreement.listing_id, "state": agreement.state, "arrangement": side.arrangement,
        "starts_at": side.starts_at, "ends_at": side.ends_at,
        "amount": api_v1.amount(agreement.amount_minor, side.currency),
    }  # fmt: skip
