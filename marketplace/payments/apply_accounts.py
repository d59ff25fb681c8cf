"""Applies what is known of members' accounts at the gateway, and of the pay-outs from there to their banks."""

from __future__ import annotations

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.payments import dispute_notices, notices
from marketplace.payments.attempts import find_attempt, mark
from marketplace.payments.facts import AccountFacts, BankPayoutFacts
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import PaymentAttempt, Payout, PayoutAccount
from marketplace.payments.outcome import APPLIED, OLD, STRANGE, Outcome
from marketplace.payments.payout_models import BANK_STATES, BankPayout, PayoutPart
from marketplace.payments.payouts import ring_payout, ring_transfer


def apply_account(facts: AccountFacts) -> Outcome:
    """Keep what a member's account may do, tell the member what is wanted, and send what waited; in a transaction."""
    attempt = find_attempt("onboard", facts.key, facts.ref)
    account = _locked(facts.ref)
    known = account is not None
    if account is None:
        if attempt is None:
            return STRANGE
        account = _new(attempt, facts)
    if attempt is not None and attempt.state != "succeeded":
        attempt.ref = attempt.ref or facts.ref
        mark(attempt, "succeeded")
    if account.gone_at is not None:
        return OLD
    if facts.gone:
        return _gone(account)
    before = (account.transfers_enabled, list(account.requirements), account.past_due, account.disabled_reason)
    _keep(account, facts)
    after = (account.transfers_enabled, list(account.requirements), account.past_due, account.disabled_reason)
    troubled = bool(facts.requirements or facts.disabled_reason)
    if known and before != after and troubled and (before[0] or _money_waits(account)):
        # While a member is still answering the first questions, nobody needs to be told that there are questions.
        dispute_notices.account_due(account)
    if facts.transfers_enabled:
        _resume(account)
    return APPLIED


def _locked(ref: str) -> PayoutAccount | None:
    return db.session.scalars(
        select(PayoutAccount)
        .where(PayoutAccount.gateway == gateway_name(), PayoutAccount.ref == ref)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _new(attempt: PaymentAttempt, facts: AccountFacts) -> PayoutAccount:
    at = clock.now()
    account = PayoutAccount(
        user_id=attempt.user_id, gateway=attempt.gateway, ref=facts.ref, requirements=[], transfers_enabled=False,
        past_due=False, disabled_reason="", created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(account)
    return account


def _keep(account: PayoutAccount, facts: AccountFacts) -> None:
    account.transfers_enabled = facts.transfers_enabled
    account.charges_enabled = facts.charges_enabled
    account.payouts_enabled = facts.payouts_enabled
    account.requirements = list(facts.requirements)
    account.past_due = facts.past_due
    account.disabled_reason = facts.disabled_reason
    account.due_by = facts.due_by
    account.updated_at = clock.now()
    db.session.flush()


def _money_waits(account: PayoutAccount) -> bool:
    waiting = select(Payout.id).where(
        Payout.user_id == account.user_id, Payout.state.in_(("waiting_account", "sending"))
    )
    return db.session.scalar(waiting.limit(1)) is not None


def _gone(account: PayoutAccount) -> Outcome:
    """The account left us: what waits for it waits for a new one."""
    account.gone_at = account.updated_at = clock.now()
    account.transfers_enabled = account.charges_enabled = account.payouts_enabled = False
    db.session.flush()
    dispute_notices.account_gone(account)
    notices.alarm("account_left_the_platform", member=account.user_id)
    return APPLIED


def _resume(account: PayoutAccount) -> None:
    """Send at once what waited: pay-outs that were not begun, and parts that the gateway refused while it could not pay."""
    waiting = select(Payout.currency).where(Payout.user_id == account.user_id, Payout.state == "waiting_account")
    for currency in db.session.scalars(waiting).all():
        ring_payout(account.user_id, currency, f"account-{account.id}")
    parts = (
        select(PayoutPart.id)
        .join(Payout, Payout.id == PayoutPart.payout_id)
        .where(Payout.user_id == account.user_id, Payout.state == "sending", PayoutPart.state == "waiting")
        .order_by(PayoutPart.id)
    )
    for part_id in db.session.scalars(parts).all():
        ring_transfer(part_id)


def apply_bank_payout(facts: BankPayoutFacts) -> Outcome:
    """Note how a member's bank fared with a pay-out; the member hears of one that came back. In a transaction."""
    account = _locked(facts.account)
    if account is None:
        return STRANGE
    if facts.state not in BANK_STATES:
        return OLD
    statement = select(BankPayout).where(BankPayout.gateway == account.gateway, BankPayout.ref == facts.ref)
    payout = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    at = clock.now()
    if payout is None:
        payout = BankPayout(
            account_id=account.id, gateway=account.gateway, ref=facts.ref, amount_minor=facts.amount_minor,
            currency=facts.currency, state="", created_at=at, updated_at=at,
        )  # fmt: skip
        db.session.add(payout)
    if payout.state == facts.state:
        return OLD
    payout.state, payout.failure_code = facts.state, facts.failure_code or None
    payout.arrives_at, payout.updated_at = facts.arrives_at, at
    if facts.state == "failed" and payout.told_at is None:
        payout.told_at = at
        db.session.flush()
        dispute_notices.bank_refused(account.user_id, payout)
    db.session.flush()
    return APPLIED
