"""The API of more time for a loan: asking, granting, refusing; the same use cases as the pages."""

from __future__ import annotations

from marketplace.api import api_v1
from plugins.sharing.loan import extending
from plugins.sharing.loan.loan_api_book import shown
from plugins.sharing.loan.loan_api_part import LOANS, WRITE, part, party
from plugins.sharing.loan.loan_api_shapes import LoanOut, MoreTime, TimeAnswer


@part.operation(
    "POST", "/sharing/loans/{loan_id}/more-time", tag=LOANS, scopes=WRITE, body=MoreTime, returns=LoanOut,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def ask_more_time(call: api_v1.Call[MoreTime, api_v1.Query], loan_id: int) -> api_v1.Reply:
    """Ask to keep it longer, as the borrower; where the item is booked at once, it is granted at once.

    When somebody comes next the refusal's `alternatives` name the latest possible end.
    """
    extending.ask(loan_id, party(loan_id, call.user)[2], call.body.ends_at)
    return shown(loan_id, call.user)


@part.operation(
    "POST", "/sharing/loans/{loan_id}/more-time/answer", tag=LOANS, scopes=WRITE, body=TimeAnswer, returns=LoanOut,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def answer_more_time(call: api_v1.Call[TimeAnswer, api_v1.Query], loan_id: int) -> api_v1.Reply:
    """Grant or refuse the time that the borrower asks for, as the lender."""
    actor = party(loan_id, call.user)[2]
    (extending.grant if call.body.grant else extending.refuse)(loan_id, actor)
    return shown(loan_id, call.user)
