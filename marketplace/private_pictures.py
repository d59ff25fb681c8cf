"""Photos that only some people may see: cleaned of the camera's data as they come in, never under an address of their own.

Whoever keeps a key decides who gets to see the picture, and serves it with `answer`.
"""

from __future__ import annotations

from flask import Response, abort, send_file
from flask_babel import gettext as _

from marketplace.errors import Refused
from marketplace.storage import PRIVATE, new_key, storage

MOST_BYTES = 10 * 1024 * 1024
SUFFIX = ".webp"


def keep(data: bytes, field: str = "photos") -> str:
    """Keep a photo as one WebP without metadata and give its key, which nobody can guess.

    Call it outside the transaction: it takes a fraction of a second. Raises Refused (for the form's `field`) for what is no
    picture, or too large.
    """
    from marketplace.listings import sizes  # decoding is rare, and heavy

    if len(data) > MOST_BYTES:
        raise Refused(_("This picture is too large; the limit is 10 MB."), field=field, code="too_large")
    try:
        made = sizes.plain(data)
    except sizes.TooManyPixels:
        raise Refused(_("This picture has too many pixels; the limit is 40 million."), field=field) from None
    except sizes.NotAPicture:
        message = _("This is no picture that we can show. Choose a JPEG, PNG or WebP file.")
        raise Refused(message, field=field, code="not_a_picture") from None
    key = new_key(PRIVATE) + SUFFIX
    storage().save(key, made)
    return key


def answer(key: str) -> Response:
    """Serve a kept picture to somebody who was found to be allowed to see it; no cache on the way keeps it."""
    if not key.startswith(f"{PRIVATE}/"):
        abort(404)
    try:
        response = send_file(storage().path(key), mimetype="image/webp", etag=False, conditional=False)
    except FileNotFoundError:
        abort(404)
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Content-Disposition"] = "inline"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def forget(key: str) -> None:
    """Delete a kept picture."""
    if key.startswith(f"{PRIVATE}/"):
        storage().delete(key)
