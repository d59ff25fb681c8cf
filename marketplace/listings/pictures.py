"""Pictures of a listing: taken in as they come, shown once a job has made them safe, ordered and described by the owner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import access, clock
from marketplace.database import after_commit, db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.jobs.service import enqueue
from marketplace.listings import sizes
from marketplace.listings.models import Listing, Picture
from marketplace.listings.service import locked
from marketplace.listings.sizes import NotAPicture, TooManyPixels
from marketplace.listings.text import cleaned
from marketplace.runtime import announce
from marketplace.settings import service as settings
from marketplace.storage import PUBLIC, RAW, new_key, storage

JOB = "listings.picture"
MOST_BYTES = 10 * 1024 * 1024
ALT_LENGTH = 200


def of(listing_id: int) -> Sequence[Picture]:
    """List a listing's pictures in their order, those still in the making included."""
    statement = select(Picture).where(Picture.listing_id == listing_id).order_by(Picture.position, Picture.id)
    return db.session.scalars(statement).all()


def add(listing_id: int, *, actor: Any, data: bytes, alt: str = "") -> Picture:
    """Take an upload in: kept aside as it came, and a job written that makes the sizes; raises Refused.

    What counts is the content, never a file's name or the type that a browser claims.
    """
    width, height = _checked(data)
    name = new_key(PUBLIC)
    raw = raw_key(name)
    storage().save(raw, data)
    try:
        with transaction() as session:
            listing = _editable(listing_id, actor)
            present = of(listing_id)
            most = settings.get("listings.most_pictures")
            if len(present) >= most:
                raise Refused(_("A listing has at most %(most)s pictures.", most=most), field="pictures", code="quota")
            picture = Picture(
                listing_id=listing.id,
                owner_id=listing.owner_id,
                position=max((each.position for each in present), default=-1) + 1,
                key=name,
                alt=_alt(alt),
                width=width,
                height=height,
                state="uploaded",
                created_at=clock.now(),
            )
            session.add(picture)
            session.flush()
            enqueue(JOB, {"picture_id": picture.id}, key=f"{JOB}:{picture.id}")
    except BaseException:
        storage().delete(raw)
        raise
    return picture


def describe(picture_id: int, *, actor: Any, alt: str) -> Picture:
    """Set the words that stand for the picture where it can't be seen."""
    with transaction():
        picture, listing = _picture(picture_id, actor)
        picture.alt = _alt(alt)
        _cover(listing, actor)
    return picture


def move(picture_id: int, *, actor: Any, to: int) -> None:
    """Put a picture at place `to` (0 is the cover); the others close up."""
    with transaction():
        picture, listing = _picture(picture_id, actor)
        order = [each for each in of(listing.id) if each.id != picture.id]
        order.insert(max(0, min(to, len(order))), picture)
        for position, each in enumerate(order):
            each.position = position
        _cover(listing, actor)


def delete(picture_id: int, *, actor: Any) -> None:
    """Remove a picture; its files go once the removal is committed."""
    with transaction() as session:
        picture, listing = _picture(picture_id, actor)
        name = picture.key
        session.delete(picture)
        session.flush()
        _cover(listing, actor)
        after_commit(lambda: forget(name))


def forget(name: str) -> None:
    """Delete every file of a picture."""
    for key in (raw_key(name), *(name + ending for ending in sizes.endings())):
        storage().delete(key)


def raw_key(name: str) -> str:
    """Give the key under which the upload itself waits for the job."""
    return RAW + name.removeprefix(PUBLIC)


def process(payload: dict[str, Any]) -> None:
    """Job `listings.picture`: make the sizes and show the picture; may run twice, and drops what is no picture."""
    picture = db.session.get(Picture, payload["picture_id"])
    if picture is None or picture.state != "uploaded":
        return
    name = picture.key
    try:
        with storage().open(raw_key(name)) as file:
            made = sizes.make(file.read())
    except (NotAPicture, TooManyPixels):
        made = None
    for ending, data in (made.files if made else {}).items():
        storage().save(name + ending, data)
    if not _shown(payload["picture_id"], made):
        forget(name)  # the owner deleted it while we were busy
    storage().delete(raw_key(name))


def _shown(picture_id: int, made: sizes.Made | None) -> bool:
    with transaction() as session:
        picture = session.get(Picture, picture_id, populate_existing=True)
        if picture is None:
            return False
        listing = locked(picture.listing_id)
        picture.state = "ready" if made else "refused"
        if made:
            picture.width, picture.height = made.width, made.height
        session.flush()
        _cover(listing, None)
    return True


def _checked(data: bytes) -> tuple[int, int]:
    if len(data) > MOST_BYTES:
        raise Refused(_("This picture is too large; the limit is 10 MB."), field="pictures", code="too_large")
    try:
        return sizes.measured(data)
    except TooManyPixels:
        raise Refused(_("This picture has too many pixels; the limit is 40 million."), field="pictures") from None
    except NotAPicture:
        message = _("This is no picture that we can show. Choose a JPEG, PNG or WebP file.")
        raise Refused(message, field="pictures", code="not_a_picture") from None


def _alt(text: str) -> str:
    return cleaned(text)[:ALT_LENGTH]


def _editable(listing_id: int, actor: Any) -> Listing:
    listing = locked(listing_id)
    if actor is not None:
        access.require(actor, "listing.see", listing)
        access.require(actor, "listing.edit", listing)
    return listing


def _picture(picture_id: int, actor: Any) -> tuple[Picture, Listing]:
    picture = db.session.get(Picture, picture_id)
    if picture is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    return picture, _editable(picture.listing_id, actor)


def _cover(listing: Listing, actor: Any) -> None:
    """Keep the listing's cover equal to its first picture that is ready."""
    first = next((each for each in of(listing.id) if each.state == "ready"), None)
    cover = (first.key, first.alt) if first else (None, "")
    if cover != (listing.cover_key, listing.cover_alt):
        listing.cover_key, listing.cover_alt = cover
        listing.updated_at = clock.now()
        announce("listing_changed", listing=listing, change="updated", actor=actor)
