"""Claims as the API shows them and takes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from flask import url_for

from marketplace.api import api_v1
from plugins.sharing.loan.booking_models import Claim, ClaimStep
from plugins.sharing.loan.hand_over_shapes import PhotoOut, photo

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
Amount = api_v1.Amount
Why = Annotated[str, Meta(min_length=1, max_length=2000, examples=["A rung is broken."])]


class NewClaim(api_v1.Input):
    """What a lender asks for, in the loan's currency. Lateness is asked for by the rule alone. Photos are added afterwards."""

    kind: Annotated[Literal["damage", "cleaning", "lost"], Meta(examples=["damage"])]
    amount: Amount
    note: Why


class NewOffer(api_v1.Input):
    """Another amount, in the claim's currency; 0 is a no."""

    amount: Amount
    note: Why


class ClaimWordOut(api_v1.Output):
    """One word in a claim."""

    number: Annotated[int, Meta(ge=1, examples=[1])]
    act: Annotated[str, Meta(description="asked, offered, agreed or withdrawn.", examples=["asked"])]
    role: Annotated[str, Meta(description="member, owner, operator or system.", examples=["owner"])]
    amount: Amount | None
    note: str
    at: Time


class ClaimOut(api_v1.Output):
    """A claim; `turn` is whose answer is awaited until `deadline`, when the other's amount stands."""

    id: Id
    loan_id: Id
    kind: Annotated[Literal["damage", "lost", "late", "cleaning"], Meta(examples=["damage"])]
    state: Annotated[Literal["open", "agreed", "withdrawn"], Meta(examples=["open"])]
    turn: Annotated[Literal["member", "owner", "nobody"], Meta(examples=["member"])]
    asked: Amount
    offered: Annotated[Amount | None, Meta(examples=[None])]
    agreed: Annotated[Amount | None, Meta(examples=[None])]
    deadline: Time
    decided_at: Annotated[Time | None, Meta(examples=[None])]
    words: list[ClaimWordOut]
    photos: list[PhotoOut]
    url: api_v1.LinkText


class ClaimList(api_v1.Output):
    """The claims about a loan, the oldest first."""

    data: list[ClaimOut]


def claim(row: Claim, steps: Sequence[ClaimStep], photos: Sequence[int]) -> ClaimOut:
    """Give a claim with what was said."""
    return ClaimOut(
        id=row.id, loan_id=row.agreement_id, kind=row.kind, state=row.state, turn=row.turn,  # type: ignore[arg-type]
        asked=Amount(row.asked_minor, row.currency), offered=api_v1.amount(row.offered_minor, row.currency),
        agreed=api_v1.amount(row.agreed_minor, row.currency), deadline=row.deadline, decided_at=row.decided_at,
        words=[_word(one, row.currency) for one in steps], photos=[photo(number) for number in photos],
        url=api_v1.absolute(url_for("sharing_loans.claim", claim_id=row.id)),
    )  # fmt: skip


def _word(one: ClaimStep, currency: str) -> ClaimWordOut:
    return ClaimWordOut(
        number=one.number, act=one.act, role=one.role, amount=api_v1.amount(one.amount_minor, currency), note=one.note,
        at=one.at,
    )  # fmt: skip
