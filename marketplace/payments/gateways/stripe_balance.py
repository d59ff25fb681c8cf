"""Our balance at Stripe, entry by entry; Stripe announces none of them (https://docs.stripe.com/api/balance_transactions)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe

from marketplace.payments.facts import Trouble
from marketplace.payments.gateways.stripe_facts import id_of
from marketplace.payments.gateways.stripe_talk import StripeTalk
from marketplace.payments.reconciliation.facts import EntryFacts, EntryPage

if TYPE_CHECKING:
    from stripe.params import BalanceTransactionListParams

PAGE = 100


class StripeBalance(StripeTalk):
    """Reading the list of balance transactions, and the balance itself."""

    def list_entries(self, since: datetime | None, after: str = "") -> EntryPage | Trouble:
        """Give a page of the entries since an instant (UTC; None for all), those before the entry `after`."""
        params: BalanceTransactionListParams = {"limit": PAGE, "expand": ["data.source"]}
        if since is not None:
            params["created"] = {"gte": int(since.timestamp())}
        if after:
            params["starting_after"] = after
        answer = self._ask("listing our balance", lambda: self._stripe.balance_transactions.list(params))
        if isinstance(answer, Trouble):
            return answer
        last = answer.data[-1].id if answer.data and answer.has_more else ""
        return EntryPage(tuple(_entry(one) for one in answer.data), last)

    def balance(self) -> Mapping[str, int] | Trouble:
        """Give what Stripe keeps for us, pending and available together: minor units by currency."""
        answer = self._ask("reading our balance", self._stripe.balance.retrieve)
        if isinstance(answer, Trouble):
            return answer
        total: Counter[str] = Counter()
        parts: list[Any] = [*answer.pending, *answer.available]
        for part in parts:
            total[part.currency.upper()] += part.amount
        return dict(total)


def _entry(one: stripe.BalanceTransaction) -> EntryFacts:
    kind, subject = _subject(one.source)
    return EntryFacts(
        ref=one.id,
        kind=one.type[:40],
        subject=subject or one.id,
        subject_kind=kind,
        amount_minor=one.amount,
        fee_minor=one.fee,
        currency=one.currency.upper(),
        at=datetime.fromtimestamp(one.created, UTC),
    )


def _subject(source: Any) -> tuple[str, str]:
    """Give kind and id of what an entry is about; a charge is booked under the payment intent that asked for it."""
    if source is None or isinstance(source, str):
        return "", source or ""
    kind = str(getattr(source, "object", ""))
    if kind == "charge" and (intent := id_of(getattr(source, "payment_intent", None))):
        return "payment_intent", intent
    return kind[:40], id_of(source)
