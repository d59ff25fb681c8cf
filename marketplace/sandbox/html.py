"""Renders the bank's own pages: language, headers, amounts."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader
from werkzeug.wrappers import Request, Response

from marketplace.sandbox.objects.exchange import ZERO_DECIMALS
from marketplace.sandbox.words import DUTCH

HERE = Path(__file__).parent

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)

STYLESHEET = (HERE / "static" / "sandbox.css").read_bytes()
ICON = (HERE / "static" / "icon.svg").read_bytes()
FONT = HERE.parent / "static" / "vendor" / "fonts" / "figtree-latin.woff2"  # the site's own


def language(request: Request, wish: str | None = None) -> str:
    """Return "nl" or "en": what the session asks for, else what the browser prefers."""
    if wish and wish.split("-")[0] in {"nl", "en"}:
        return wish.split("-")[0]
    return request.accept_languages.best_match(["en", "nl"], "en") or "en"


def translator(code: str) -> Callable[..., str]:
    """Return the function that says a text in a language, with its named values filled in."""

    def say(text: str, **values: Any) -> str:
        chosen = DUTCH.get(text, text) if code == "nl" else text
        return chosen % values if values else chosen

    return say


def amount(minor: int | None, currency: str | None) -> str:
    """Return an amount of minor units as people read it."""
    if minor is None:
        return ""
    sign = "-" if minor < 0 else ""
    whole = f"{abs(minor):,}" if currency in ZERO_DECIMALS else f"{abs(minor) // 100:,}.{abs(minor) % 100:02d}"
    return f"{sign}{(currency or '').upper()} {whole}".strip()


def instant(seconds: float | None) -> str:
    """Return an instant in UTC as people read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else ""


def origin(url: str | None) -> str:
    """Return scheme and host of an address, "" when it has none."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else ""


def page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    wish: str | None = None,
    goes_to: str | None = None,
    **context: Any,
) -> Response:
    """Return a page. `goes_to` is the address that its form may redirect to, which the policy must name."""
    code = language(request, wish)
    body = _environment.get_template(template).render(
        t=translator(code), lang=code, amount=amount, instant=instant, **context
    )
    target = origin(goes_to)
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{' ' + target if target else ''}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(body, status, headers, content_type="text/html; charset=utf-8")


def see_other(url: str) -> Response:
    """Return a redirect after a form."""
    return Response("", 303, {"Location": url, "Cache-Control": "no-store"})
