"""Signatures after Standard Webhooks (https://www.standardwebhooks.com): who sent a message, and when."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Make a secret: `whsec_` and 32 random bytes in base64."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_uid() -> str:
    """Make a message's id, by which its reader tells a repetition from news."""
    return f"msg_{secrets.token_hex(16)}"


def headers(uid: str, stamp: int, body: bytes, keys: Iterable[str]) -> dict[str, str]:
    """Sign a message with each secret in use; `stamp` is in seconds since 1970."""
    signed = f"{uid}.{stamp}.".encode() + body
    marks = []
    for key in keys:
        raw = base64.b64decode(key.removeprefix(PREFIX))
        marks.append("v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode())
    return {"webhook-id": uid, "webhook-timestamp": str(stamp), "webhook-signature": " ".join(marks)}
