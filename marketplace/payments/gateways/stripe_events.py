"""The list of events that Stripe keeps for thirty days: what a site that was away reads to catch up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from marketplace.payments.facts import Trouble
from marketplace.payments.gateway import EventPage
from marketplace.payments.gateways.stripe_talk import StripeTalk

if TYPE_CHECKING:
    from stripe import RequestOptions
    from stripe.params import EventListParams

PAGE = 100

OF_ACCOUNTS = [
    "account.updated", "account.application.deauthorized", "account.external_account.created",
    "account.external_account.deleted", "account.external_account.updated", "capability.updated", "payout.canceled",
    "payout.created", "payout.failed", "payout.paid", "payout.updated", "person.updated",
]  # fmt: skip
"""What concerns us of a connected account; Stripe takes at most twenty names."""


class StripeEvents(StripeTalk):
    """Reading the list, newest first (https://docs.stripe.com/api/events/list)."""

    def list_events(self, since: datetime, after: str = "", account: str = "") -> EventPage | Trouble:
        """Give a page of the events since an instant (UTC), those before the event `after`."""
        params: EventListParams = {"limit": PAGE, "created": {"gte": int(since.timestamp())}}
        if after:
            params["starting_after"] = after
        if account:
            params["types"] = OF_ACCOUNTS
        options: RequestOptions = {"stripe_account": account} if account else {}
        answer = self._ask("listing events", lambda: self._stripe.events.list(params, options))
        if isinstance(answer, Trouble):
            return answer
        bodies = tuple(json.dumps(event.to_dict()).encode() for event in answer.data)
        if not answer.data:
            return EventPage((), None, "")
        last = answer.data[-1]
        return EventPage(bodies, datetime.fromtimestamp(last.created, UTC), last.id if answer.has_more else "")
