"""Error answers: a page or an RFC 9457 problem, each with a reference under which the log tells more."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from marketplace import lost_races
from marketplace.database import db
from marketplace.errors import Conflict, DomainError, InvalidInput
from marketplace.forgery import Forged
from marketplace.logs import log_of

log = log_of(__name__)


def init_error_pages(app: Flask) -> None:
    """Answer every kind of failure in words, never with a traceback."""
    app.register_error_handler(Forged, _csrf_failed)
    app.register_error_handler(HTTPException, _http_failed)
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(Exception, _crashed)


def reference() -> str:
    """Make a short reference that a person can read over the telephone."""
    return "-".join(secrets.token_hex(2) for _part in range(2))


def problem(status: int, title: str, *, code: str, detail: str = "", **more: Any) -> Response:
    """Make an RFC 9457 problem answer."""
    body = {"type": f"/api/v1/problems/{code}", "title": title, "status": status, "code": code}
    if detail:
        body["detail"] = detail
    answer = jsonify({**body, **more})
    answer.status_code = status
    answer.content_type = "application/problem+json"
    return answer


def wants_problem() -> bool:
    """Tell whether the one who asked is a program."""
    return request.path.startswith(("/api/", "/webhooks/"))


def _page(status: int, message: str, **more: Any) -> tuple[str, int]:
    return render_template("errors/error.html", status=status, message=message, **more), status


def _csrf_failed(error: Forged) -> Any:
    text = _(
        "This form was too old, or was opened in another session. Go back, load the page again and send it once more."
    )
    if wants_problem():
        return problem(400, text, code="csrf")
    return _page(400, text, reference=reference())


def _http_failed(error: HTTPException) -> Any:
    status = error.code or 500
    if status < 400:
        return error
    if wants_problem():
        answer = problem(status, error.name, code=error.name.lower().replace(" ", "_"), detail=error.description or "")
    else:
        text, _status = _page(status, "", reference=reference())
        answer = Response(text, status, mimetype="text/html")
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            answer.headers[name] = value
    return answer


def _refused(error: DomainError) -> Any:
    db.session.rollback()
    if wants_problem():
        more: dict[str, Any] = {"errors": error.errors} if isinstance(error, InvalidInput) else {}
        return problem(error.status, error.message, code=error.code, **more)
    return _page(error.status, error.message, reference=reference())


def _crashed(error: Exception) -> Any:
    if lost_races.lost(error):
        text = _(
            "Somebody changed the same thing at the same moment. Yours was not done: go back and send it once more."
        )
        return _refused(Conflict(text))
    db.session.rollback()
    mark = reference()
    log.exception("request_failed", reference=mark, path=request.path, method=request.method)
    if wants_problem():
        return problem(500, _("Something went wrong on our side."), code="internal_error", reference=mark)
    return _page(500, "", reference=mark)
