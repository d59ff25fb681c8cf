"""The operator's pages, put together: each module below adds its pages to the one blueprint."""

from marketplace.admin import (
    agreement_views,
    bill_views,
    comparison_views,
    debt_views,
    dispute_views,
    gateway_views,
    incoming_views,
    job_views,
    ledger_views,
    listing_views,
    member_views,
    order_views,
    outgoing_views,
    overview_views,
    payment_views,
    payout_views,
    report_views,
    site_views,
)
from marketplace.admin.door import blueprint

MODULES = (
    overview_views, member_views, listing_views, report_views, agreement_views, payment_views, payout_views, dispute_views,
    debt_views,
    incoming_views, comparison_views,
    order_views, bill_views, gateway_views, ledger_views, job_views, outgoing_views, site_views,
)  # fmt: skip

__all__ = ["MODULES", "blueprint"]
