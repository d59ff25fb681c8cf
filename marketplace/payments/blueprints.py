"""The pages of payments, put together: each module below adds its pages to the one blueprint."""

from __future__ import annotations

from marketplace.payments import account_views, bill_views, hand_views
from marketplace.payments.views import payment_pages

MODULES = (account_views, bill_views, hand_views)

__all__ = ["MODULES", "payment_pages"]
