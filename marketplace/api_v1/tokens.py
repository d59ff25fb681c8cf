"""Making, finding and ending tokens; a token is shown once and kept as a hash."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import bindparam, func, or_, select, update

from marketplace import clock
from marketplace.api_v1.models import ApiToken
from marketplace.api_v1.scopes import OPERATOR
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.kept import apart
from marketplace.prepared import Prepared
from marketplace.users.models import User

PREFIX = "mkt_"
TOKEN = re.compile(r"mkt_[A-Za-z0-9_-]{43}")
MOST_TOKENS = 50
NOTED_EVERY = timedelta(minutes=10)

USER_COLUMNS = (
    User.id, User.email, User.email_confirmed_at, User.name, User.about, User.place, User.lat, User.lon, User.locale,
    User.role, User.state, User.mail_choices, User.created_at,
)  # fmt: skip
USER_NAMES = tuple(column.key for column in USER_COLUMNS)

_BY_SECRET = Prepared(
    select(ApiToken.id.label("token_id"), ApiToken.scopes, ApiToken.last_used_at, *USER_COLUMNS)
    .join(User, User.id == ApiToken.user_id)
    .where(
        ApiToken.token_hash == bindparam("hash"),
        ApiToken.revoked_at.is_(None),
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now")),
        User.state == "active",
    )
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, through which token, and what that token may do; `due` tells that the use is to be noted."""

    user: User
    token_id: int
    scopes: frozenset[str]
    due: bool


def token_hash(token: str) -> str:
    """Hash a token; it is random and long, so a plain SHA-256 can't be reversed."""
    return hashlib.sha256(token.encode()).hexdigest()


def create(user_id: int, *, name: str, scopes: Collection[str], expires_at: datetime | None) -> tuple[ApiToken, str]:
    """Make a token and give it with its secret text, which nobody will see again; raises InvalidInput, Refused."""
    name = " ".join(name.replace("\0", "").split())[:80]
    if not name:
        raise InvalidInput({"name": _("Give it a name that tells you later what it is for.")})
    if not scopes:
        raise InvalidInput({"scopes": _("Choose at least one thing that it may do.")})
    secret = PREFIX + secrets.token_urlsafe(32)
    now = clock.now()
    with transaction() as session:
        session.execute(select(User.id).where(User.id == user_id).with_for_update())
        count = session.scalar(select(func.count()).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)))
        if (count or 0) >= MOST_TOKENS:
            raise Refused(_("You have %(count)s tokens. Revoke one first.", count=MOST_TOKENS), code="quota")
        token = ApiToken(
            user_id=user_id,
            name=name,
            token_hash=token_hash(secret),
            scopes=" ".join(sorted(scopes)),
            created_at=now,
            expires_at=expires_at,
        )
        session.add(token)
    return token, secret


def of(user_id: int) -> Sequence[ApiToken]:
    """List a member's tokens that are not revoked, the newest first."""
    mine = (ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return db.session.scalars(select(ApiToken).where(*mine).order_by(ApiToken.id.desc())).all()


def revoke(user_id: int, token_id: int) -> None:
    """End one of a member's tokens at once; raises NotFound for anybody else's."""
    mine = (ApiToken.id == token_id, ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    with transaction() as session:
        ended = session.execute(update(ApiToken).where(*mine).values(revoked_at=clock.now()).returning(ApiToken.id))
        if not ended.all():
            raise NotFound(_("There is no such token."))


def find(secret: str) -> Caller | None:
    """Give who a token speaks for, by one statement; None for what is no token, or one that ended.

    The member comes as a plain copy, not as a row of the session: without the operator's scope it is an ordinary member's.
    """
    if not TOKEN.fullmatch(secret):
        return None
    now = clock.now()
    row = _BY_SECRET.one(hash=token_hash(secret), now=now)
    if row is None:
        return None
    token_id, text, used, *columns = row
    scopes = frozenset(text.split())
    facts = dict(zip(USER_NAMES, columns, strict=True))
    user = apart(User, facts if OPERATOR in scopes else {**facts, "role": "member"})
    return Caller(user, token_id, scopes, used is None or used <= now - NOTED_EVERY)


def note_use(caller: Caller) -> None:
    """Note that a token was used just now, at most every ten minutes; joins the transaction that the request runs in."""
    if caller.due:
        with transaction() as session:
            session.execute(update(ApiToken).where(ApiToken.id == caller.token_id).values(last_used_at=clock.now()))
