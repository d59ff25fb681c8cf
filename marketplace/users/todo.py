"""One list of everything that waits for a member: from the core, and from every kind of agreement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import BigInteger, ColumnElement, Executable, ScalarSelect, bindparam, literal, null, or_, select, text

from marketplace.agreements.models import OPEN, Agreement
from marketplace.database import db
from marketplace.display import money
from marketplace.hooks.types import TodoItem
from marketplace.lifecycle import Phase, Role
from marketplace.listings.models import Listing
from marketplace.payments.models import Payment, PaymentDunning, Payout, PayoutAccount
from marketplace.payments.payout_models import BankPayout
from marketplace.payments.wording import WAITS_FOR_PAYER
from marketplace.runtime import agreement_kind, listing_kind, page_parts
from marketplace.users.models import User

MOST_AGREEMENTS = 25
"""Newest open agreements that are asked per role, so that the page costs the same for somebody with thousands."""

MOST_DRAFTS = 3
NEVER = datetime.max.replace(tzinfo=UTC)


def items(user: User) -> list[TodoItem]:
    """List what waits for the member, what is due first on top; four statements, and what kinds and plugins ask."""
    found = [*_of_the_account(user), *_of_money(user), *_of_agreements(user), *_of_drafts(user)]
    found += page_parts("todo_items", user=user)
    return sorted(found, key=lambda item: item.due or NEVER)


def _of_the_account(user: User) -> Iterable[TodoItem]:
    if user.email_confirmed_at is None:
        yield TodoItem(_("Confirm your e-mail address"), url_for("users.resend"), icon="mail")
    if not user.place:
        yield TodoItem(
            _("Say where you live, so that we can show what is near"), url_for("account.profile"), icon="map-pin"
        )
    if not user.about:
        yield TodoItem(_("Tell your neighbours who you are"), url_for("account.profile"), icon="smile")


@cache
def _owed_and_waiting() -> Executable:
    """Give what :member owes or gets in cash, and what keeps their earnings; made once: making it takes longer than sending."""
    member = bindparam("member", type_=BigInteger)
    due = Payment.amount_minor, Payment.currency, Payment.id, Listing.title
    owed = (
        select(literal("owed").label("what"), PaymentDunning.last_at, *due)
        .join_from(Payment, Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .outerjoin(PaymentDunning, (PaymentDunning.payment_id == Payment.id) & (PaymentDunning.state == "running"))
        .where(Payment.payer_id == member, Payment.state.in_(WAITS_FOR_PAYER), Agreement.phase == Phase.COMPLETED)
    )
    cash = (
        select(literal("cash"), null(), *due)
        .join_from(Payment, Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(Payment.payee_id == member, Payment.state == "awaiting", Payment.method_kind == "cash_owner")
    )
    nothing = null(), null(), null(), null()
    mine = PayoutAccount.user_id == member, PayoutAccount.gone_at.is_(None)
    wanted = or_(PayoutAccount.due_by.is_not(None), PayoutAccount.past_due)
    asked = select(literal("asked"), PayoutAccount.due_by, *nothing).where(*mine, wanted)
    refused = select(literal("refused"), null(), *nothing).where(*mine, _latest_at_the_bank() == "failed")
    waiting = select(literal("waiting"), null(), Payout.amount_minor, Payout.currency, null(), null()).where(
        Payout.user_id == member, Payout.state == "waiting_account"
    )
    return owed.union_all(cash, asked, refused, waiting)


def _latest_at_the_bank() -> ScalarSelect[str]:
    """Give how the newest transfer from an account to its member's bank stands: once another is on its way, it is tried."""
    mine = BankPayout.account_id == PayoutAccount.id, BankPayout.state != "canceled"
    return select(BankPayout.state).where(*mine).order_by(BankPayout.id.desc()).limit(1).scalar_subquery()


def _of_money(user: User) -> Iterable[TodoItem]:
    """Ask for what is owed and for what keeps earnings from being sent, by one statement.

    Owed is what agreements that are over left to pay, such as damage; of open ones their kinds ask. Cash counts once whoever
    gets it says so. Earnings wait for an account to send them to, for an answer that the provider wants, or for a bank account
    that takes them.
    """
    for what, due, minor, currency, payment_id, title in db.session.execute(_owed_and_waiting(), {"member": user.id}):
        if what == "owed":
            words = _("Pay %(amount)s for “%(title)s”", amount=money(minor, currency, exact=True), title=title)
            yield TodoItem(words, url_for("payments.pay", payment_id=payment_id), due, icon="credit-card")
        elif what == "cash":
            words = _("Confirm the cash for “%(title)s” once you have it", title=title)
            yield TodoItem(words, url_for("payments.cash_received", payment_id=payment_id), icon="hand-coins")
        else:
            amount = money(minor, currency) if currency else ""
            yield TodoItem(_of_earnings(what, amount), url_for("payments.account"), due, icon="landmark")


def _of_earnings(what: str, amount: str) -> str:
    match what:
        case "waiting":
            return _("%(amount)s waits for you: say where it may be sent", amount=amount)
        case "refused":
            return _("Your bank did not take a pay-out: check the account that you gave")
    return _("The payment provider wants to know more about you")


def _of_agreements(user: User) -> Iterable[TodoItem]:
    for role, mine in ((Role.MEMBER, Agreement.member_id == user.id), (Role.OWNER, Agreement.owner_id == user.id)):
        for agreement in _open(mine):
            kind = agreement_kind(agreement.kind)
            item = kind.todo(agreement, str(role)) if kind is not None and kind.todo is not None else None
            if item is not None and not item.waits:
                yield item


def _open(mine: ColumnElement[bool]) -> Sequence[Agreement]:
    statement = select(Agreement).where(mine, text(OPEN)).order_by(Agreement.id.desc()).limit(MOST_AGREEMENTS)
    return db.session.scalars(statement).all()


def _of_drafts(user: User) -> Iterable[TodoItem]:
    statement = (
        select(Listing.id, Listing.kind, Listing.title, Listing.slug)
        .where(Listing.owner_id == user.id, Listing.state == "draft")
        .order_by(Listing.id.desc())
        .limit(MOST_DRAFTS)
    )
    for listing_id, kind_name, title, slug in db.session.execute(statement):
        kind = listing_kind(kind_name)
        if kind is not None:
            url = url_for(kind.endpoint, listing_id=listing_id, slug=slug)
            yield TodoItem(_("Finish and publish “%(title)s”", title=title), url, icon="pencil")
