"""One request from its token to its answer."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from flask import Response, g, request
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin
from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError

from marketplace import lost_races
from marketplace.api_v1 import idempotency, limits, problems, reading, tokens
from marketplace.api_v1.idempotency import Claim
from marketplace.api_v1.operations import Call, Operation, Reply
from marketplace.api_v1.shapes import HIGHEST_ID
from marketplace.api_v1.tokens import Caller
from marketplace.database import db, transaction
from marketplace.errors import Conflict, DomainError, NotFound
from marketplace.lifecycle import InvalidTransition

MOST_UPLOAD = 10 * 1024 * 1024 + 1024
TRIES = 3

VERSION = re.compile(r'"(\d{1,9})(?:-[0-9a-f]+)?"')
VARIES = "Authorization, Accept-Language"


def view_of(operation: Operation) -> Callable[..., Response]:
    """Make the view that carries out an operation."""

    def view(**values: Any) -> Response:
        try:
            caller = _caller(operation)
            values = {name: _number(text) if name.endswith("_id") else text for name, text in values.items()}
            if operation.writes:
                answer = _written(operation, caller, values)
            else:
                call: Call[Any, Any] = Call(caller, None, reading.query(operation.query))
                answer = _conditional(_answer(operation, operation.handler(call, **values)))
                if caller is not None:
                    tokens.note_use(caller)
        except (DomainError, InvalidTransition) as error:
            db.session.rollback()
            answer = problems.answer(error)
        answer.headers["Vary"] = VARIES
        return answer

    view.__name__ = operation.name
    return view


def _number(text: str) -> int:
    """Read a number of the path; one that no database could hold names nothing."""
    if not (text.isascii() and text.isdigit()) or int(text) > HIGHEST_ID:
        raise NotFound(_("There is no such thing."))
    return int(text)


def _caller(operation: Operation) -> Caller | None:
    """Find out who calls; a cookie never counts here."""
    sort, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    g._login_user = AnonymousUserMixin()
    if not sort:
        limits.count(limits.GUEST, limits.address())
        if not operation.public:
            raise problems.unauthorized(invalid=False)
        return None
    caller = tokens.find(secret.strip()) if sort.lower() == "bearer" else None
    if caller is None:
        limits.count(limits.GUESSER, f"guess {limits.address()}")
        raise problems.unauthorized(invalid=True)
    g._login_user = caller.user  # texts are in the member's language
    limits.count(limits.TOKEN, f"token {caller.token_id} {caller.user.id}")
    if not caller.scopes.issuperset(operation.scopes):
        raise problems.out_of_scope(operation.scopes)
    return caller


def _written(operation: Operation, caller: Caller | None, values: dict[str, Any]) -> Response:
    data = reading.raw_body(MOST_UPLOAD if operation.upload else reading.MOST_BYTES)
    body: Any = None
    if operation.upload:
        if request.mimetype not in operation.upload:
            text = _("Send one of these: %(types)s.", types=", ".join(operation.upload))
            raise problems.ApiProblem(415, "unsupported_media_type", text)
        body = data
    elif operation.body is not None:
        body = reading.body(operation.body, data, optional=operation.body_optional)
    query = reading.query(operation.query)
    claim = None
    if caller is not None and operation.idempotency:
        claim = idempotency.claimed_by(caller.user.id, data, required=operation.idempotency == "required")
    call: Call[Any, Any] = Call(caller, body, query, claim.name if claim else secrets.token_hex(32), _if_match())
    if operation.outside:
        return _outside(operation, call, claim, values)
    for trial in range(1, TRIES + 1):
        try:
            return _once(operation, call, claim, values)
        except (IntegrityError, PendingRollbackError, DBAPIError) as error:
            if trial == TRIES or not _worth_another_try(error):
                raise
            db.session.rollback()
    raise AssertionError("unreachable")


def _worth_another_try(error: Exception) -> bool:
    """Tell whether somebody else was faster: a unique row, a lost race; with theirs in place the rules decide anew."""
    return isinstance(error, IntegrityError | PendingRollbackError) or lost_races.lost(error)


def _once(operation: Operation, call: Call[Any, Any], claim: Claim | None, values: dict[str, Any]) -> Response:
    """Do the work, and write down its answer, in one transaction."""
    with transaction():
        if claim is not None and (former := idempotency.take(claim)) is not None:
            return former
        if call.caller is not None:
            tokens.note_use(call.caller)
        answer = _answer(operation, operation.handler(call, **values))
        if claim is not None:
            idempotency.keep(claim, answer)
    return answer


def _outside(operation: Operation, call: Call[Any, Any], claim: Claim | None, values: dict[str, Any]) -> Response:
    """Claim, do work that calls another machine, and write down its answer: three steps, since none may hold rows locked."""
    if claim is not None:
        with transaction():
            if (former := idempotency.take(claim)) is not None:
                return former
    try:
        answer = _answer(operation, operation.handler(call, **values))
    except DomainError:
        if claim is not None:
            db.session.rollback()
            idempotency.let_go(claim)
        raise
    if claim is not None:
        with transaction():
            idempotency.keep(claim, answer)
    if call.caller is not None:
        tokens.note_use(call.caller)
    return answer


def _answer(operation: Operation, result: Any) -> Response:
    if operation.media and isinstance(result, Response):
        return result
    reply = result if isinstance(result, Reply) else Reply(result)
    status = reply.status or operation.status
    if reply.body is None:
        return Response(status=204)
    data = msgspec.json.encode(reply.body)
    answer = Response(data, status, mimetype="application/json")
    version = f"{reply.version}-" if reply.version is not None else ""
    answer.headers["ETag"] = f'"{version}{hashlib.blake2b(data, digest_size=8).hexdigest()}"'
    if reply.location:
        answer.headers["Location"] = reply.location
    return answer


def _conditional(answer: Response) -> Response:
    """Answer 304 to who has this very answer already."""
    sent = request.headers.get("If-None-Match")
    known = answer.headers.get("ETag")
    if sent is None or known is None or known not in (part.strip().removeprefix("W/") for part in sent.split(",")):
        return answer
    short = Response(status=304)
    short.headers["ETag"] = known
    return short


def _if_match() -> int | None:
    """Read the version out of an ETag that we gave; raises Conflict for any other."""
    sent = request.headers.get("If-Match", "").strip()
    if not sent or sent == "*":
        return None
    match = VERSION.fullmatch(sent)
    if match is None:
        raise Conflict(_("This If-Match names no version of it."))
    return int(match[1])
