"""The same request under the same key is done once: the key is claimed in the transaction that does the work.

A crash before the commit leaves neither the work nor the claim; after it, both. Who comes second waits for the first to
commit (SQLite has one writer, PostgreSQL waits at the unique index) and gets its answer. Work that leaves the machine claims
first in a transaction of its own; meanwhile a second request is told to come back.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, cast

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy import Table, and_, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.api_v1.models import ApiToken, IdempotencyRecord
from marketplace.api_v1.problems import ApiProblem
from marketplace.database import db, is_sqlite, transaction
from marketplace.prepared import Prepared

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=2)
"""Work outside the database that has not answered by then was cut off; it may be done again."""

TOKENS_KEPT = timedelta(days=90)
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = ("Location", "ETag")


_record = cast(Table, IdempotencyRecord.__table__)
_KEEP = Prepared(
    update(_record).where(_record.c.user_id == bindparam("member"), _record.c.key == bindparam("claimed")),
    "state", "status", "headers", "body",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Claim:
    """A member's key for this very request."""

    user_id: int
    key: str
    fingerprint: str

    @property
    def name(self) -> str:
        """Give 64 characters that stand for this request of this member and no other."""
        return hashlib.sha256(f"{self.user_id} {self.key} {self.fingerprint}".encode()).hexdigest()


def claimed_by(user_id: int, data: bytes, *, required: bool) -> Claim | None:
    """Read the request's key; None without one. Raises ApiProblem for a missing or unreadable key."""
    key = request.headers.get(HEADER)
    if key is None:
        if required:
            raise ApiProblem(
                400, "idempotency_key_missing", _("Send an Idempotency-Key, so that it is done only once.")
            )
        return None
    if not KEY.fullmatch(key):
        raise ApiProblem(400, "idempotency_key_invalid", _("An Idempotency-Key has 1 to 255 visible characters."))
    print_of = hashlib.sha256(f"{request.method} {request.full_path}\n".encode())
    print_of.update(data)
    return Claim(user_id, key, print_of.hexdigest())


def take(claim: Claim) -> Response | None:
    """Claim a key inside the open transaction; gives the former answer when it is done already.

    Raises ApiProblem when the key belongs to another request, or its work is under way.
    """
    now = clock.now()
    taken = _taking(sqlite_database=is_sqlite()).value(
        user_id=claim.user_id,
        key=claim.key,
        fingerprint=claim.fingerprint,
        state="in_progress",
        status=None,
        headers=None,
        body=None,
        created_at=now,
        expires_at=now + KEPT,
        now=now,
        cut_off_before=now - GIVEN_UP_AFTER,
    )
    return None if taken is not None else _former(claim)


@cache
def _taking(*, sqlite_database: bool) -> Prepared:
    """Write the statement that claims a key, also one that is free again; made once, since each program's writing needs it."""
    new = (sqlite if sqlite_database else postgresql).insert(_record)
    cut_off = and_(
        _record.c.state == "in_progress",
        _record.c.created_at <= bindparam("cut_off_before"),
        _record.c.fingerprint == new.excluded.fingerprint,
    )
    fresh = ("fingerprint", "state", "status", "headers", "body", "created_at", "expires_at")
    statement = new.on_conflict_do_update(
        index_elements=[_record.c.user_id, _record.c.key],
        set_={name: new.excluded[name] for name in fresh},
        where=or_(_record.c.expires_at <= bindparam("now"), cut_off),
    )
    return Prepared(statement.returning(_record.c.id), "user_id", "key", *fresh)


def _former(claim: Claim) -> Response:
    record = db.session.execute(
        select(
            IdempotencyRecord.fingerprint, IdempotencyRecord.state, IdempotencyRecord.status, IdempotencyRecord.headers,
            IdempotencyRecord.body,
        ).where(*_mine(claim))
    ).one()  # fmt: skip
    if record.fingerprint != claim.fingerprint:
        raise ApiProblem(422, "idempotency_key_reused", _("This key was used for another request."))
    if record.state != "done":
        text = _("This request is being carried out. Ask again in a moment.")
        raise ApiProblem(409, "in_progress", text, headers={"Retry-After": "2"})
    answer = Response(record.body or "", record.status, mimetype="application/json")
    answer.headers.update(record.headers or {})
    answer.headers["Idempotent-Replayed"] = "true"
    return answer


def keep(claim: Claim, answer: Response) -> None:
    """Write down what was answered, inside the open transaction."""
    _KEEP.run(
        member=claim.user_id,
        claimed=claim.key,
        state="done",
        status=answer.status_code,
        headers={name: answer.headers[name] for name in REPLAYED if name in answer.headers},
        body=answer.get_data(as_text=True),
    )


def let_go(claim: Claim) -> None:
    """Free a key whose work outside was refused: nothing happened, so it may be tried again."""
    with transaction() as session:
        session.execute(delete(IdempotencyRecord).where(*_mine(claim), IdempotencyRecord.state == "in_progress"))


def _mine(claim: Claim) -> tuple[Any, ...]:
    return IdempotencyRecord.user_id == claim.user_id, IdempotencyRecord.key == claim.key


def tidy(_payload: dict[str, Any]) -> None:
    """Job `api.tidy`: forget answers after 24 hours, and tokens that ended long ago; may run twice."""
    now = clock.now()
    with transaction() as session:
        session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.expires_at <= now))
        old = now - TOKENS_KEPT
        session.execute(delete(ApiToken).where(or_(ApiToken.revoked_at <= old, ApiToken.expires_at <= old)))
