"""Signed links to one payment, for a payer who reads mail on a device that is not logged in."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeSerializer

from marketplace import clock
from marketplace.database import db
from marketplace.errors import NotFound, Refused
from marketplace.payments.models import Payment, PaymentDunning
from marketplace.runtime import runtime

LIVES = timedelta(days=14)
GRACE = timedelta(hours=1)
"""A payer who begins in the last minute may finish."""


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(runtime().settings.secret_key, salt="marketplace.payments.recover")


def recovery_path(payment: Payment) -> str:
    """Make the path of the page on which the payer confirms a payment; it opens nothing else of the account.

    It lives as long as the payment is asked for, or else for two weeks.
    """
    row = db.session.get(PaymentDunning, payment.id)
    last = row.last_at if row is not None and row.state == "running" else None
    ends = int((last + GRACE if last else clock.now() + LIVES).timestamp())
    token = str(_signer().dumps({"p": payment.id, "u": payment.payer_id, "e": ends}))
    return f"/pay/{payment.id}/recover?token={token}"


def check(payment_id: int, token: str) -> int:
    """Give the payer's id if the token opens this payment; raises NotFound for a forged link, Refused for an old one."""
    try:
        facts = _signer().loads(token)
        subject, payer, ends = int(facts["p"]), int(facts["u"]), int(facts["e"])
    except (BadData, KeyError, TypeError, ValueError):
        raise NotFound(_("This page does not exist, or is not for you.")) from None
    if subject != payment_id:
        raise NotFound(_("This page does not exist, or is not for you."))
    if ends < clock.now().timestamp():
        raise Refused(_("This link is too old. Log in and open the payment in your account."), code="link_expired")
    return payer
