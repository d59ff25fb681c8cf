"""The API of claims: making one, agreeing, another amount, taking it back; the same use cases as the pages."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from marketplace.api import Actor, NotFound, Role, User, api_v1, db
from plugins.sharing.loan import claim_shapes as shapes
from plugins.sharing.loan import claims, evidence, hand_over_shapes, later_photos
from plugins.sharing.loan.booking_models import Claim
from plugins.sharing.loan.claim_shapes import ClaimList, ClaimOut, NewClaim, NewOffer
from plugins.sharing.loan.hand_over_shapes import PhotoOut
from plugins.sharing.loan.loan_api_part import CLAIMS, PHOTOS, READ, WRITE, part, party


def _seen(claim_id: int, user: User) -> tuple[Claim, Actor]:
    row = db.session.get(Claim, claim_id, populate_existing=True)
    if row is None:
        raise NotFound(_("There is no such claim."))
    return row, party(row.agreement_id, user)[2]


def _shown(row: Claim) -> ClaimOut:
    return shapes.claim(row, claims.steps_of(row.id), evidence.of_claims([row.id]).get(row.id, ()))


@part.operation("GET", "/sharing/loans/{loan_id}/claims", tag=CLAIMS, scopes=READ, returns=ClaimList, errors=(404,))
def list_claims(call: api_v1.Call[None, api_v1.Query], loan_id: int) -> ClaimList:
    """Give the claims about a loan to its two sides; there are ten at most."""
    party(loan_id, call.user)
    return ClaimList(data=[_shown(row) for row in claims.of(loan_id)])


@part.operation("GET", "/sharing/claims/{claim_id}", tag=CLAIMS, scopes=READ, returns=ClaimOut, errors=(404,))
def get_claim(call: api_v1.Call[None, api_v1.Query], claim_id: int) -> ClaimOut:
    """Give one claim with all that was said."""
    return _shown(_seen(claim_id, call.user)[0])


@part.operation(
    "POST", "/sharing/loans/{loan_id}/claims", tag=CLAIMS, scopes=WRITE, body=NewClaim, returns=ClaimOut, status=201,
    errors=(404, 409), idempotency="required",
)  # fmt: skip
def make_claim(call: api_v1.Call[NewClaim, api_v1.Query], loan_id: int) -> api_v1.Reply:
    """Claim something as the lender; the borrower has three days to answer, then the amount stands."""
    body, (_agreement, side, actor) = call.body, party(loan_id, call.user)
    made = claims.make(loan_id, actor, body.kind, body.amount.money("amount.currency", side.currency).minor, body.note)
    return api_v1.Reply(_shown(made), location=url_for("sharing_loan_api.get_claim", claim_id=made.id))


@part.operation(
    "POST", "/sharing/claims/{claim_id}/photos", tag=CLAIMS, scopes=WRITE, upload=PHOTOS, returns=PhotoOut, status=201,
    errors=(404, 409), idempotency="optional", outside=True,
)  # fmt: skip
def add_claim_photo(call: api_v1.Call[bytes, api_v1.Query], claim_id: int) -> PhotoOut:
    """Add a photo to one's own claim until it is decided: the body is the file itself, at most 10 MB."""
    return hand_over_shapes.photo(later_photos.of_claim(claim_id, _seen(claim_id, call.user)[1], call.body))


@part.operation(
    "POST", "/sharing/claims/{claim_id}/agree", tag=CLAIMS, scopes=WRITE, returns=ClaimOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def agree_to_claim(call: api_v1.Call[None, api_v1.Query], claim_id: int) -> ClaimOut:
    """Accept what the other side said last."""
    return _shown(claims.agree(claim_id, _seen(claim_id, call.user)[1]))


@part.operation(
    "POST", "/sharing/claims/{claim_id}/offers", tag=CLAIMS, scopes=WRITE, body=NewOffer, returns=ClaimOut,
    errors=(403, 404, 409), idempotency="required",
)  # fmt: skip
def offer_for_claim(call: api_v1.Call[NewOffer, api_v1.Query], claim_id: int) -> ClaimOut:
    """Name another amount: the borrower less than is asked, the lender less than before. An operator's is the last word."""
    row, actor = _seen(claim_id, call.user)
    minor = call.body.amount.money("amount.currency", row.currency).minor
    if actor.role == Role.OPERATOR:
        return _shown(claims.rule(claim_id, call.user, minor, call.body.note))
    return _shown(claims.offer(claim_id, actor, minor, call.body.note))


@part.operation(
    "POST", "/sharing/claims/{claim_id}/withdraw", tag=CLAIMS, scopes=WRITE, returns=ClaimOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def withdraw_claim(call: api_v1.Call[None, api_v1.Query], claim_id: int) -> ClaimOut:
    """Take one's claim back as the lender."""
    return _shown(claims.withdraw(claim_id, _seen(claim_id, call.user)[1]))
