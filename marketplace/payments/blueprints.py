"""The blueprints of payments: the pages, and the webhook."""

from __future__ import annotations

from flask import Blueprint

from marketplace.payments import access, account_views
from marketplace.payments.views import payment_pages
from marketplace.payments.webhooks import webhooks

BLUEPRINTS: tuple[Blueprint, ...] = (payment_pages, webhooks)

__all__ = ["BLUEPRINTS", "access", "account_views"]
