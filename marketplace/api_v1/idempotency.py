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
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.api_v1.models import ApiToken, IdempotencyRecord
from marketplace.api_v1.problems import ApiProblem
from marketplace.database import db, is_sqlite, transaction

HEADER = "Idempotency-Key"
KEPT = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(minutes=2)
"""Work outside the database that has not answered by then was cut off; it may be done again."""

TOKENS_KEPT = timedelta(days=90)
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = ("Location", "ETag")


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
    dialect = sqlite if is_sqlite() else postgresql
    fresh = {
        "fingerprint": claim.fingerprint, "state": "in_progress", "status": None, "headers": None, "body": None,
        "created_at": now, "expires_at": now + KEPT,
    }  # fmt: skip
    statement = dialect.insert(IdempotencyRecord).values(user_id=claim.user_id, key=claim.key, **fresh)
    cut_off = and_(
        IdempotencyRecord.state == "in_progress",
        IdempotencyRecord.created_at <= now - GIVEN_UP_AFTER,
        IdempotencyRecord.fingerprint == claim.fingerprint,
    )
    statement = statement.on_conflict_do_update(
        index_elements=[IdempotencyRecord.user_id, IdempotencyRecord.key],
        set_=fresh,
        where=or_(IdempotencyRecord.expires_at <= now, cut_off),
    ).returning(IdempotencyRecord.id)
    if db.session.scalar(statement) is not None:
        return None
    return _former(claim)


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
    db.session.execute(
        update(IdempotencyRecord)
        .where(*_mine(claim))
        .values(
            state="done",
            status=answer.status_code,
            headers={name: answer.headers[name] for name in REPLAYED if name in answer.headers},
            body=answer.get_data(as_text=True),
        )
        .execution_options(synchronize_session=False)
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
