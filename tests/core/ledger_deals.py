"""Agreements and payments for tests in which bookings name them."""

from __future__ import annotations

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import transaction
from marketplace.payments.models import Payment
from marketplace.testing.factories import Factories


def strike(factories: Factories) -> None:
    """Write agreements 7 and 8 with payments 3 and 4."""
    listing, payer = factories.listing(), factories.user()
    at = clock.now()
    times = {"created_at": at, "updated_at": at}
    for number in (7, 8):
        parties = {"listing_id": listing.id, "owner_id": listing.owner_id, "member_id": payer.id}
        deal = Agreement(id=number, kind="test", state="agreed", phase="agreed", terms={}, **parties, **times)
        with transaction() as session:
            session.add(deal)
            session.flush()
            parties = {"agreement_id": number, "payer_id": payer.id, "payee_id": listing.owner_id}
            facts = {"purpose": "pledge", "amount_minor": 5000, "currency": "EUR", "state": "method_needed"}
            session.add(Payment(id=number - 4, **parties, **facts, **times))
