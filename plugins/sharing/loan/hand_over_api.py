"""The API of hand-overs: recording, countering and agreeing, with photos; the same use cases as the pages."""

from __future__ import annotations

from flask import Response, url_for
from flask_babel import gettext as _

from marketplace.api import NotFound, User, api_v1, db, private_pictures
from plugins.sharing.loan import evidence, handovers, later_photos, loan_units
from plugins.sharing.loan import hand_over_shapes as shapes
from plugins.sharing.loan.booking_models import Evidence, HandOver
from plugins.sharing.loan.hand_over_shapes import HandOverList, HandOverOut, NewHandOver, PhotoOut
from plugins.sharing.loan.loan_api_part import LOANS, PHOTOS, READ, WRITE, part, party


def _all(loan_id: int) -> list[HandOverOut]:
    """Give a loan's hand-overs with three statements, however many there are."""
    rows = handovers.of(loan_id)
    said = handovers.said_in([row.id for row in rows])
    photos = evidence.of_proposals([one.id for one in said])
    return [shapes.hand_over(row, [one for one in said if one.hand_over_id == row.id], photos) for row in rows]


def _seen(hand_over_id: int, user: User) -> HandOver:
    row = db.session.get(HandOver, hand_over_id)
    if row is None:
        raise NotFound(_("There is no such hand-over."))
    party(row.agreement_id, user)
    return row


def _one(loan_id: int, hand_over_id: int) -> HandOverOut:
    return next(one for one in _all(loan_id) if one.id == hand_over_id)


@part.operation(
    "GET", "/sharing/loans/{loan_id}/hand-overs", tag=LOANS, scopes=READ, returns=HandOverList, errors=(404,)
)
def list_hand_overs(call: api_v1.Call[None, api_v1.Query], loan_id: int) -> HandOverList:
    """Give a loan's things, and how each side saw them go out and come back."""
    party(loan_id, call.user)
    return HandOverList(things=[shapes.thing(row) for row in loan_units.of(loan_id)], data=_all(loan_id))


@part.operation(
    "POST", "/sharing/loans/{loan_id}/hand-overs", tag=LOANS, scopes=WRITE, body=NewHandOver, returns=HandOverOut,
    status=201, errors=(404, 409), idempotency="required",
)  # fmt: skip
def record_hand_over(call: api_v1.Call[NewHandOver, api_v1.Query], loan_id: int) -> api_v1.Reply:
    """Record how it goes out or comes back, or put another word against what the other side recorded.

    What goes out is out at once. What comes back is back when the lender says so, agrees, or says nothing for 48 hours.
    """
    body, (_agreement, _side, actor) = call.body, party(loan_id, call.user)
    said = handovers.record(
        loan_id, actor, body.kind, condition=body.condition, readings=body.readings, things=body.things
    )
    location = url_for("sharing_loan_api.list_hand_overs", loan_id=loan_id)
    return api_v1.Reply(_one(loan_id, said.hand_over_id), location=location)


@part.operation(
    "POST", "/sharing/hand-overs/{hand_over_id}/agree", tag=LOANS, scopes=WRITE, returns=HandOverOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def agree_to_hand_over(call: api_v1.Call[None, api_v1.Query], hand_over_id: int) -> HandOverOut:
    """Agree with what the other side recorded last."""
    row = _seen(hand_over_id, call.user)
    handovers.agree(hand_over_id, party(row.agreement_id, call.user)[2])
    return _one(row.agreement_id, hand_over_id)


@part.operation(
    "POST", "/sharing/hand-overs/{hand_over_id}/photos", tag=LOANS, scopes=WRITE, upload=PHOTOS, returns=PhotoOut,
    status=201, errors=(404, 409), idempotency="optional", outside=True,
)  # fmt: skip
def add_hand_over_photo(call: api_v1.Call[bytes, api_v1.Query], hand_over_id: int) -> PhotoOut:
    """Add a photo to what the caller recorded last, until it is settled: the body is the file itself, at most 10 MB."""
    row = _seen(hand_over_id, call.user)
    return shapes.photo(later_photos.of_hand_over(hand_over_id, party(row.agreement_id, call.user)[2], call.body))


@part.operation("GET", "/sharing/loans/photos/{photo_id}", tag=LOANS, scopes=READ, media="image/webp", errors=(404,))
def get_loan_photo(call: api_v1.Call[None, api_v1.Query], photo_id: int) -> Response:
    """Give a photo of a hand-over or a claim itself, to the two parties and to operators."""
    row = db.session.get(Evidence, photo_id)
    if row is None:
        raise NotFound(_("There is no such photo."))
    party(row.agreement_id, call.user)
    return private_pictures.answer(row.key)
