"""Signed links in mails: for one purpose, for a while, and only until what they change has changed."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from enum import StrEnum
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeSerializer

from marketplace import clock
from marketplace.database import db
from marketplace.errors import Refused
from marketplace.runtime import runtime
from marketplace.users.models import User


class Purpose(StrEnum):
    """What a link is good for; a link for one thing never works for another."""

    CONFIRM = "confirm"
    NEW_EMAIL = "new_email"
    RESET = "reset"


LIVES = {
    Purpose.CONFIRM: timedelta(days=3),
    Purpose.NEW_EMAIL: timedelta(days=1),
    Purpose.RESET: timedelta(hours=2),
}


class LinkRefused(Refused):
    """The link is forged, too old or used; the text says which and what to do."""

    status = 410
    code = "link_refused"


def _signer(purpose: Purpose) -> URLSafeSerializer:
    return URLSafeSerializer(runtime().settings.secret_key, salt=f"marketplace.users.{purpose}")


def fingerprint(user: User) -> str:
    """Sum up what a link may change: once it has changed, all links made before are used up."""
    facts = f"{user.id}|{user.email}|{user.email_confirmed_at}|{user.password_hash}|{user.state}"
    return hashlib.sha256(facts.encode()).hexdigest()[:24]


def token(purpose: Purpose, user: User, **facts: str) -> str:
    """Make the signed part of a link for this person as the account is now."""
    ends = int((clock.now() + LIVES[purpose]).timestamp())
    return str(_signer(purpose).dumps({"u": user.id, "e": ends, "f": fingerprint(user), **facts}))


def address(purpose: Purpose, user: User, endpoint: str, **facts: str) -> str:
    """Make the whole address for a mail, under the site's public address."""
    path = url_for(endpoint, token=token(purpose, user, **facts), _external=False)
    return runtime().settings.base_url.rstrip("/") + path


def opened(purpose: Purpose, text: str) -> tuple[User, dict[str, Any]]:
    """Give the person and the facts of a link that is still good; raises LinkRefused."""
    try:
        facts = _signer(purpose).loads(text)
        user_id, ends, mark = int(facts["u"]), int(facts["e"]), str(facts["f"])
    except (BadData, KeyError, TypeError, ValueError):
        raise LinkRefused(_("This link is not complete. Open it from the mail again.")) from None
    if ends < clock.now().timestamp():
        raise LinkRefused(_("This link is too old. Ask for a new one."))
    user = db.session.get(User, user_id, populate_existing=True)
    if user is None or fingerprint(user) != mark:
        raise LinkRefused(
            _("This link was used before, or your account has changed since. Ask for a new one if you need it.")
        )
    return user, facts
