"""How often a token, an address without one, and a guesser of tokens may ask."""

from __future__ import annotations

from flask import current_app, request
from flask_babel import gettext as _
from limits import RateLimitItemPerMinute

from marketplace.api_v1.problems import ApiProblem
from marketplace.extensions import limiter

TOKEN = RateLimitItemPerMinute(600)
GUEST = RateLimitItemPerMinute(120)
GUESSER = RateLimitItemPerMinute(30)


def count(item: RateLimitItemPerMinute, who: str) -> None:
    """Count one request of `who`; raises ApiProblem 429 with Retry-After when it is one too many."""
    if not current_app.config["RATELIMIT_ENABLED"]:
        return
    if not limiter.hit(item, "api", who):
        raise ApiProblem(
            429, "too_many_requests", _("Too many requests. Wait a minute."), headers={"Retry-After": "60"}
        )


def often(who: str, per_minute: int) -> None:
    """Count one request of a caller that proved who it is in its own way; raises ApiProblem 429 beyond so many a minute."""
    count(RateLimitItemPerMinute(per_minute), who)


def address() -> str:
    """Give the network address that a request came from."""
    return request.remote_addr or "unknown"
