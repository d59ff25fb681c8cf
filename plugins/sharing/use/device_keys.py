"""How devices sign what they send, after Standard Webhooks (https://www.standardwebhooks.com), as the site signs its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Any

from flask_babel import gettext as _

from marketplace.api import DomainError, clock

PREFIX = "whsec_"
SECRET_BYTES = 32
TOLERANCE_SECONDS = 300
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


class BadSignature(DomainError):
    """Who sent this is not the device that it says, or the message is not of these minutes."""

    status = 401
    code = "bad_signature"


def new_secret() -> str:
    """Make a secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check(body: bytes, headers: Any, secret: str) -> None:
    """Raise BadSignature unless the secret signed this body within five minutes of now; `headers` are the request's."""
    uid, stamp, given = (headers.get(name, "") for name in HEADERS)
    if not (uid and given and stamp.isascii() and stamp.isdigit() and len(stamp) < 13):
        raise BadSignature(_("Sign the request: webhook-id, webhook-timestamp and webhook-signature."))
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = uid.encode("utf-8", "replace") + b"." + stamp.encode() + b"." + body
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    marks = [mark.removeprefix("v1,").encode("utf-8", "replace") for mark in given.split() if mark.startswith("v1,")]
    if not any(hmac.compare_digest(right, mark) for mark in marks):
        raise BadSignature(_("The signature is wrong."))
    if abs(clock.now().timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature(_("The timestamp is more than five minutes away from now."))
