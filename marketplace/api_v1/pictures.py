"""Pictures of listings: shown to all once they are ready, added and ordered by the owner."""

from __future__ import annotations

from typing import Annotated

from flask_babel import gettext as _

from marketplace.api_v1 import listing_shapes
from marketplace.api_v1.core_part import core
from marketplace.api_v1.listing_shapes import PictureOut
from marketplace.api_v1.operations import Call
from marketplace.api_v1.shapes import UNSET, Input, Meta, NoQuery, Output, Query, UnsetType
from marketplace.database import db
from marketplace.errors import InvalidInput
from marketplace.listings import pictures, service
from marketplace.listings.models import Picture

TAG = "Pictures"
TYPES = ("image/jpeg", "image/png", "image/webp")
WRITE = ("listings:write",)
Alt = Annotated[str, Meta(max_length=200, description="Words for who can't see it.", examples=["A drill on a table"])]


class PictureList(Output):
    """A listing's pictures in their order; the first is the cover."""

    data: list[PictureOut]


class UploadQuery(Query):
    """What belongs to an upload beside its bytes."""

    alt: Alt = ""


class PictureChanges(Input):
    """What to change; position 0 makes it the cover."""

    alt: Alt | UnsetType = UNSET
    position: Annotated[int, Meta(ge=0, le=100, examples=[0])] | UnsetType = UNSET


@core.operation("GET", "/listings/{listing_id}/pictures", tag=TAG, public=True, returns=PictureList, errors=(404,))
def list_pictures(call: Call[None, NoQuery], listing_id: int) -> PictureList:
    """List a listing's pictures; its owner also sees those in the making."""
    listing = service.visible(listing_id, call.viewer)
    mine = call.viewer is not None and call.viewer.id == listing.owner_id
    found = [each for each in pictures.of(listing_id) if mine or each.state == "ready"]
    return PictureList(data=[listing_shapes.picture(each) for each in found])


@core.operation(
    "POST", "/listings/{listing_id}/pictures", tag=TAG, scopes=WRITE, query=UploadQuery, upload=TYPES, returns=PictureOut,
    status=201, errors=(404, 409), idempotency="optional",
)  # fmt: skip
def add_picture(call: Call[bytes, UploadQuery], listing_id: int) -> PictureOut:
    """Upload a picture: the body is the file itself, at most 10 MB. A job makes its sizes and drops the camera's data."""
    return listing_shapes.picture(pictures.add(listing_id, actor=call.user, data=call.body, alt=call.query.alt))


@core.operation(
    "PATCH", "/pictures/{picture_id}", tag=TAG, scopes=WRITE, body=PictureChanges, returns=PictureOut, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def change_picture(call: Call[PictureChanges, NoQuery], picture_id: int) -> PictureOut:
    """Describe a picture, or move it."""
    if call.body.alt is UNSET and call.body.position is UNSET:
        raise InvalidInput({"alt": _("Send words for the picture, or its position.")})
    if call.body.alt is not UNSET:
        pictures.describe(picture_id, actor=call.user, alt=call.body.alt)
    if call.body.position is not UNSET:
        pictures.move(picture_id, actor=call.user, to=call.body.position)
    return listing_shapes.picture(db.session.get_one(Picture, picture_id))


@core.operation("DELETE", "/pictures/{picture_id}", tag=TAG, scopes=WRITE, status=204, errors=(404,))
def delete_picture(call: Call[None, NoQuery], picture_id: int) -> None:
    """Remove a picture."""
    pictures.delete(picture_id, actor=call.user)
