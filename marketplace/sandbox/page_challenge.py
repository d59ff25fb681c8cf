"""The page that stands for the cardholder's bank: 3-D Secure, yes or no."""

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from werkzeug.wrappers import Request, Response

from marketplace.sandbox.calls import private
from marketplace.sandbox.errors import CardError
from marketplace.sandbox.html import page, see_other
from marketplace.sandbox.paying import answer_challenge, session_of, success_url
from marketplace.sandbox.store import Doc

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox


def answer(sandbox: "Sandbox", request: Request, intent: str, secret: str) -> Response | None:
    """Ask whether it is them, or take the answer."""
    with sandbox.store.read() as tx:
        doc = tx.get(intent)
        account = tx.owner(intent)
        method = tx.get((doc or {}).get("payment_method") or "")
        session = session_of(tx, doc) if doc else None
    if doc is None or doc["object"] not in {"payment_intent", "setup_intent"}:
        return None
    if not _fits(doc, secret):
        return _answered(request)
    if request.method == "GET":
        goes_to = private(doc).get("return_url")
        return page(
            request,
            "challenge.html",
            wish=(session or {}).get("locale"),
            goes_to=session["success_url"] if session else goes_to,
            intent=doc,
            method=method,
        )
    return _take(sandbox, request, doc, account, secret)


def _take(sandbox: "Sandbox", request: Request, doc: Doc, account: str, secret: str) -> Response:
    with sandbox.call(account, request.host_url.rstrip("/")) as call:
        doc = call.load(doc["object"], doc["id"])
        if not _fits(doc, secret):
            return _answered(request)
        back = private(doc).get("return_url")
        try:
            doc = answer_challenge(call, doc, request.form.get("answer") == "yes")
            failed = False
        except CardError:
            failed = True
        session = session_of(call.tx, doc)
    if session:
        return see_other(f"/c/{session['id']}" if failed else success_url(session))
    if not back:
        return page(
            request, "notice.html", title="This page is finished", message="You can close this page.", link=None
        )
    return see_other(_with_facts(back, doc, failed))


def _fits(intent: Doc, secret: str) -> bool:
    expected = private(intent).get("challenge", "")
    return bool(expected) and intent["status"] == "requires_action" and hmac.compare_digest(expected, secret)


def _answered(request: Request) -> Response:
    return page(
        request,
        "notice.html",
        status=410,
        title="This page is finished",
        message="This question was answered already.",
        link=None,
    )


def _with_facts(url: str, intent: Doc, failed: bool) -> str:
    """Return the shop's return address with the facts that Stripe adds to it."""
    parts = urlsplit(url)
    kind = intent["object"]
    facts = [
        (kind, intent["id"]),
        (f"{kind}_client_secret", intent["client_secret"]),
        ("redirect_status", "failed" if failed else "succeeded"),
    ]
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *facts])
    return urlunsplit(parts._replace(query=query))
