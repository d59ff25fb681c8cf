"""The hosted pages by their addresses."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from marketplace.sandbox import page_accounts, page_bank, page_challenge, page_checkout
from marketplace.sandbox.html import FONT, ICON, STYLESHEET, page

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox

Page = Callable[..., Response | None]

_PAGES: dict[str, Page] = {
    "/c/<session>": page_checkout.answer,
    "/3ds/<intent>/<secret>": page_challenge.answer,
    "/bank/<intent>/<secret>": page_bank.bank,
    "/onboarding/<link>/<secret>": page_accounts.onboarding,
    "/express/<account>": page_accounts.express,
}
_MAP = Map([Rule(rule, methods=["GET", "POST"], endpoint=rule) for rule in _PAGES])


def answer(sandbox: "Sandbox", request: Request) -> Response:
    """Return a hosted page, the stylesheet, or the page that says there is none."""
    if request.path == "/assets/sandbox.css":
        return Response(STYLESHEET, headers={"Cache-Control": "max-age=300"}, content_type="text/css; charset=utf-8")
    if request.path == "/assets/icon.svg":
        return Response(ICON, headers={"Cache-Control": "max-age=300"}, content_type="image/svg+xml")
    if request.path == "/assets/figtree.woff2" and FONT.exists():
        return Response(FONT.read_bytes(), headers={"Cache-Control": "max-age=86400"}, content_type="font/woff2")
    if request.path == "/healthz":
        return Response("ok", content_type="text/plain")
    try:
        rule, values = _MAP.bind("").match(request.path, request.method)
    except HTTPException:
        return _nothing(request)
    return _PAGES[rule](sandbox, request, **values) or _nothing(request)


def _nothing(request: Request) -> Response:
    return page(
        request, "notice.html", status=404, title="Not found", message="There is nothing at this address.", link=None
    )
