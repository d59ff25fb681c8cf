"""How often one address may ask for a page: a decorator of views, asked before the view runs and nowhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import current_app, request
from werkzeug.exceptions import TooManyRequests

from marketplace.runtime import runtime

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import FixedWindowRateLimiter

View = TypeVar("View", bound=Callable[..., Any])
KEPT = "limits"


class Limits:
    """Counts in windows of fixed length, in this process or where `MARKETPLACE_LIMITER_STORAGE` says."""

    def limit(self, rules: str, *, methods: Sequence[str] | None = None) -> Callable[[View], View]:
        """Limit a view, for example "10 per minute; 40 per hour", for all or only for these methods.

        Whoever asks too often gets a 429 that says in `Retry-After` how many seconds to wait.
        """

        def decorate(view: View) -> View:
            place = f"{view.__module__}.{view.__name__}"

            @wraps(view)
            def limited(*args: Any, **values: Any) -> Any:
                if current_app.config["RATELIMIT_ENABLED"] and (methods is None or request.method in methods):
                    self._count(rules, place)
                return view(*args, **values)

            return cast(View, limited)

        return decorate

    def hit(self, item: RateLimitItem, *who: str) -> bool:
        """Count one for `who`; tells whether that was still allowed."""
        return bool(self._counter().hit(item, *who))

    def _count(self, rules: str, place: str) -> None:
        address = request.remote_addr or "unknown"
        for item in _items(rules):
            if not self.hit(item, address, place):
                until = self._counter().get_window_stats(item, address, place).reset_time
                raise TooManyRequests(retry_after=max(1, round(until - time.time())))

    def _counter(self) -> FixedWindowRateLimiter:
        """Give the present app's counter; the library is loaded with the first."""
        here = runtime()
        kept: FixedWindowRateLimiter | None = here.parts.get(KEPT)
        if kept is None:
            from limits.storage import storage_from_string  # thirty modules, needed where something is written
            from limits.strategies import FixedWindowRateLimiter

            storage: Any = storage_from_string(here.settings.limiter_storage)
            kept = here.parts[KEPT] = FixedWindowRateLimiter(storage)
        return kept


@cache
def _items(rules: str) -> Sequence[RateLimitItem]:
    from limits import parse_many  # as above

    return parse_many(rules)
