"""Security headers on every answer: a content policy without `unsafe-*`, and nothing third-party."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response

from marketplace.config import Settings
from marketplace.runtime import runtime

PERMISSIONS = ("accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
               "microphone", "midi", "payment", "usb")  # fmt: skip
# Where Stripe's hosted pages live: a form that answers with a redirect may lead there.
# https://docs.stripe.com/security/guide#content-security-policy
CHECKOUT = ("https://checkout.stripe.com", "https://connect.stripe.com", "https://hooks.stripe.com")


def content_policy(settings: Settings, images: tuple[str, ...] = ()) -> str:
    """Write the Content-Security-Policy for these settings; `images` are further places that pictures may come from.

    A page that needs those sets this header itself. Browsers apply `form-action` to the redirect after a form too, so the
    payment provider's hosted page is named there.
    """
    if not settings.payments:
        payment: tuple[str, ...] = ()
    elif settings.stripe_api_base:
        parts = urlsplit(settings.stripe_api_base)
        payment = (f"{parts.scheme}://{parts.netloc}",)
    else:
        payment = CHECKOUT
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": " ".join(("'self'", *images)),
        "font-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "form-action": " ".join(("'self'", *payment)),
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())
    return policy + "; upgrade-insecure-requests" if settings.base_url.startswith("https://") else policy


def security_headers(settings: Settings) -> dict[str, str]:
    """Give the headers that every answer carries unless its view set its own."""
    headers = {
        "Content-Security-Policy": content_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Permissions-Policy": ", ".join(f"{name}=()" for name in PERMISSIONS),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.base_url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def init_headers(app: Flask) -> None:
    """Add the security headers after every request, and keep pages out of shared caches."""
    headers = security_headers(runtime(app).settings)
    # Pages differ by member and language; "no-cache" still lets the back button work at once.
    headers["Cache-Control"] = "private, no-cache"
    wanted = [(name, name.lower(), value) for name, value in headers.items()]

    def add(answer: Response) -> Response:
        present = {name.lower() for name, _value in answer.headers}
        answer.headers.extend([(name, value) for name, lowered, value in wanted if lowered not in present])
        return answer

    app.after_request(add)
