"""Saved methods: the page at the gateway on which a payer gives a card, what is kept of it, and how it is removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace import clock, display
from marketplace.database import db, transaction
from marketplace.errors import NotFound
from marketplace.jobs.service import enqueue
from marketplace.payments import same_card
from marketplace.payments.apply import apply
from marketplace.payments.attempts import locked_attempt, mark, new_key, open_attempt
from marketplace.payments.facts import MethodFacts, Refused, SetupFacts, Trouble, Unknown
from marketplace.payments.gateway import gateway, gateway_name
from marketplace.payments.models import GatewayCustomer, Payment, PaymentAttempt, SavedMethod
from marketplace.payments.offline.wording import LABELS as BY_HAND
from marketplace.payments.orders import SetupOrder, thaw
from marketplace.runtime import runtime
from marketplace.users.models import User

PAGE_LIVES = timedelta(hours=25)
"""The gateway closes the page after 24 hours by itself; an hour later nothing can come of it any more."""

OPEN = ("open", "unknown", "processing")


@dataclass(frozen=True, slots=True)
class Returns:
    """Absolute addresses that the gateway's page leads back to: when done, and when the payer turns back."""

    done: str
    back: str


def customer_of(user: User) -> str | Trouble:
    """Give the gateway's reference for a member, who becomes its customer when needed."""
    known = select(GatewayCustomer.ref).where(
        GatewayCustomer.user_id == user.id, GatewayCustomer.gateway == gateway_name()
    )
    if (ref := db.session.scalar(known)) is not None:
        return ref
    made = gateway().open_customer(new_key(), user.email, user.name)
    if not isinstance(made, str):
        return made
    try:
        with transaction() as session:
            session.add(GatewayCustomer(user_id=user.id, gateway=gateway_name(), ref=made, created_at=clock.now()))
    except IntegrityError:  # another request was first; the spare customer never pays anything
        pass
    return db.session.scalars(known).one()


def begin_setup(user: User, payment: Payment | None, returns: Returns, kind: str = "card") -> str | Trouble:
    """Open a page on which the member saves a method of a kind, for a payment or just to have it; gives the page's address.

    Must not be called inside a transaction. The method reaches us by `apply`, whoever brings the news first.
    """
    customer = customer_of(user)
    if not isinstance(customer, str):
        return customer
    currency = payment.currency if payment is not None else runtime().settings.currency
    order = SetupOrder(customer, currency, returns.done, returns.back, display.locale_code(), kind)
    with transaction():
        attempt = open_attempt("setup", order, user_id=user.id, payment_id=payment.id if payment else None)
        attempt_id, key = attempt.id, attempt.key
        job = {"attempt": attempt_id}
        enqueue(
            "payments.expire_setup", job, key=f"payments.expire_setup:{attempt_id}", run_at=clock.now() + PAGE_LIVES
        )
    answer = gateway().begin_setup(key, order)
    if isinstance(answer, SetupFacts):
        apply(answer)
        return answer.url
    with transaction():
        attempt = locked_attempt(attempt_id)
        if attempt.state == "open":
            # The payer tries again with a new attempt; a page that nobody saw is closed by the gateway.
            code = answer.code if isinstance(answer, Refused) else str(answer.reason)
            mark(attempt, "closed" if isinstance(answer, Refused) else "unknown", code[:64])
    return answer


def look_at_setup(user_id: int, payment_id: int | None) -> bool:
    """Bring the member's newest set-up up to date after a return from the gateway's page; False when it did not answer."""
    newest = (
        select(PaymentAttempt.ref)
        .where(
            PaymentAttempt.user_id == user_id,
            PaymentAttempt.kind == "setup",
            PaymentAttempt.payment_id == payment_id if payment_id else PaymentAttempt.payment_id.is_(None),
            PaymentAttempt.state.in_(OPEN),
            PaymentAttempt.ref.is_not(None),
        )
        .order_by(PaymentAttempt.id.desc())
        .limit(1)
    )
    ref = db.session.scalar(newest)
    if ref:
        answer = gateway().read_setup(ref)
        if isinstance(answer, SetupFacts):
            apply(answer)
        return not isinstance(answer, Unknown)
    return True


JUST = timedelta(minutes=1)


def just_barred(user_id: int, payment_id: int) -> bool:
    """Tell whether what a member saved last for a payment is barred, and so was not chosen for it."""
    ended = (
        select(PaymentAttempt.updated_at)
        .where(
            PaymentAttempt.user_id == user_id, PaymentAttempt.payment_id == payment_id, PaymentAttempt.kind == "setup",
            PaymentAttempt.state == "succeeded",
        )
        .order_by(PaymentAttempt.id.desc())
        .limit(1)
    )  # fmt: skip
    at = db.session.scalar(ended)
    newest = select(SavedMethod.barred_at, SavedMethod.created_at).where(SavedMethod.user_id == user_id)
    row = db.session.execute(newest.order_by(SavedMethod.id.desc()).limit(1)).first()
    return at is not None and row is not None and row.barred_at is not None and row.created_at >= at - JUST


def expire_setup(attempt_id: int) -> None:
    """Close a set-up whose page is over, after a last look at what the payer did there."""
    with transaction():
        attempt = locked_attempt(attempt_id)
        if attempt.state not in OPEN:
            return
        ref, order = attempt.ref, thaw("setup", attempt.params)
    assert isinstance(order, SetupOrder)  # noqa: S101 - for the type checker
    if ref:
        answer = gateway().end_setup(ref)
        if isinstance(answer, SetupFacts):
            apply(answer)
    with transaction():
        attempt = locked_attempt(attempt_id)
        if attempt.state in ("open", "unknown") and clock.now() - attempt.created_at >= PAGE_LIVES:
            mark(attempt, "closed", "expired")


def methods_of(user_id: int) -> list[SavedMethod]:
    """Give a member's saved methods that can be used, the newest first; a card that was saved twice is there once."""
    today = clock.now()
    rows = db.session.scalars(
        select(SavedMethod)
        .where(
            SavedMethod.user_id == user_id,
            SavedMethod.gateway == gateway_name(),
            SavedMethod.removed_at.is_(None),
        )
        .order_by(SavedMethod.id.desc())
    )
    usable = (row for row in same_card.once_each(rows) if row.barred_at is None)
    return [row for row in usable if (row.exp_year or 9999, row.exp_month or 12) >= (today.year, today.month)]


def describe_method(method: SavedMethod) -> str:
    """Write a method the way it is printed on a receipt: Visa ending in 4242."""
    if method.kind in BY_HAND:
        return str(BY_HAND[method.kind])
    names = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "sepa_debit": _("Bank account")}
    name = names.get(method.brand, method.brand.replace("_", " ").capitalize() or _("Card"))
    return str(_("%(name)s ending in %(digits)s", name=name, digits=method.last4)) if method.last4 else str(name)


def remove_method(user_id: int, method_id: int) -> bool:
    """Take a saved method away, at the gateway first; tells whether the gateway is known to have forgotten it.

    It is the card that goes: as often as it was saved.

    Must not be called inside a transaction. Raises NotFound for somebody else's method.
    """
    method = db.session.get(SavedMethod, method_id)
    if method is None or method.user_id != user_id or method.removed_at is not None or method.kind in BY_HAND:
        raise NotFound(_("There is no such saved card."))
    return all(_remove(one) for one in same_card.all_saved(method_id))


def _remove(method: SavedMethod) -> bool:
    answer = gateway().remove_method(method.ref)
    if isinstance(answer, Refused):  # the gateway knows no such method (any more)
        answer = MethodFacts(method.ref, "", method.kind, method.brand, method.last4, method.exp_month, method.exp_year)
    if isinstance(answer, MethodFacts):
        apply(answer)
        return True
    return False
