"""The accounts of those who are paid: opened at the gateway, which asks them what it must know."""

from __future__ import annotations

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.payments.apply import apply
from marketplace.payments.attempts import locked_attempt, mark, open_attempt
from marketplace.payments.errands import LOOK_FIRST_AFTER
from marketplace.payments.facts import AccountFacts, Reason, Trouble, Unknown
from marketplace.payments.gateway import gateway
from marketplace.payments.models import PaymentAttempt
from marketplace.payments.orders import AccountOrder, thaw
from marketplace.payments.payout_accounts import account_of
from marketplace.users.models import User


def onboard(user: User, return_url: str, refresh_url: str) -> str | Trouble:
    """Open the member's account if there is none, and give the page on which the gateway asks its questions.

    Both addresses are absolute. Must not be called inside a transaction.
    """
    account = account_of(user.id)
    if account is not None:
        return gateway().onboarding_page(account.ref, return_url, refresh_url)
    attempt_id, key, order = _attempt(user)
    answer = gateway().open_account(key, order)
    if not isinstance(answer, AccountFacts):
        with transaction():
            attempt = locked_attempt(attempt_id)
            # An answer of the gateway is final under this key; silence is not, and the same key is sent again.
            final = not isinstance(answer, Unknown) or answer.reason is Reason.FAULT
            if attempt.state in ("open", "unknown"):
                mark(attempt, "closed" if final else "unknown", None)
        return answer
    apply(answer)
    return gateway().onboarding_page(answer.ref, return_url, refresh_url)


def _attempt(user: User) -> tuple[int, str, AccountOrder]:
    """Go on with an attempt whose answer was lost, or write one."""
    with transaction():
        unfinished = db.session.scalars(
            select(PaymentAttempt)
            .where(
                PaymentAttempt.user_id == user.id,
                PaymentAttempt.kind == "onboard",
                PaymentAttempt.state.in_(("open", "unknown")),
                PaymentAttempt.created_at > clock.now() - LOOK_FIRST_AFTER,
            )
            .order_by(PaymentAttempt.id.desc())
            .limit(1)
            .with_for_update()
        ).one_or_none()
        attempt = unfinished or open_attempt("onboard", AccountOrder(user.email), user_id=user.id)
        order: AccountOrder = thaw("onboard", attempt.params)
        return attempt.id, attempt.key, order


def look_at_account(user_id: int) -> None:
    """Bring a member's account up to date after a return from the gateway's questions."""
    account = account_of(user_id)
    if account is None:
        return
    answer = gateway().read_account(account.ref)
    if isinstance(answer, AccountFacts):
        apply(answer)
