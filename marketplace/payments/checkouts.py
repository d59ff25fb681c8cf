"""Paying at once on the gateway's own page, for methods that can't be saved; the money goes back if the agreement fails."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace import display
from marketplace.database import transaction
from marketplace.errors import Refused as NotAllowed
from marketplace.payments.apply import apply
from marketplace.payments.attempts import live_attempt, locked, locked_attempt, mark, open_attempt
from marketplace.payments.charging import cancel_try, description_of
from marketplace.payments.errands import Errand, carry_out, errand, still_unknown
from marketplace.payments.facts import PageFacts, Reason, Refused, Trouble, Unknown
from marketplace.payments.gateway import gateway
from marketplace.payments.methods import Returns, customer_of
from marketplace.payments.models import Payment, PaymentAttempt
from marketplace.payments.orders import PageOrder, form_of
from marketplace.payments.strategies import Strategy, choices
from marketplace.payments.subjects import title_of
from marketplace.users.models import User

PAYABLE = ("method_needed", "ready", "declined", "action_required")


def begin_page(user: User, payment: Payment, kind: str, returns: Returns) -> str | Trouble:
    """Open the page on which the payer pays at once by a kind of method, or find the one that is open; gives its address.

    Must not be called inside a transaction. Raises Refused when the payment can't be paid (that way).
    """
    if not any(one.kind == kind and one.strategy == Strategy.CHARGE_AND_REFUND for one in choices(payment)):
        raise NotAllowed(
            _("This can't be paid that way. Choose another way to pay."), field="method", code="method_unfit"
        )
    customer = customer_of(user)
    if not isinstance(customer, str):
        return customer
    asked_again = False
    for _try in range(3):
        step = _prepare(payment.id, kind, customer, returns)
        if isinstance(step, PaymentAttempt):
            return _open(
                step.id, step.key, PageOrder(**{name: value for name, value in step.params.items() if name != "form"})
            )
        if isinstance(step, Errand):
            if asked_again:
                return Unknown(Reason.LOST)
            carry_out(step)
            asked_again = True
            continue
        attempt_id, ref, page, fits = step
        if page and fits:
            shown = gateway().read_page(page)
            if not isinstance(shown, PageFacts):
                return shown
            apply(shown)
            if shown.url:
                return shown.url
        else:
            cancel_try(attempt_id, ref, page)
    raise NotAllowed(_("This is being paid at the moment."), code="payment_state")


def _prepare(
    payment_id: int, kind: str, customer: str, returns: Returns
) -> PaymentAttempt | Errand | tuple[int, str, str, bool]:
    """Write an attempt; or name the live one that is in the way: its id, reference, page, and whether it is the same page.

    A page whose opening was never answered is asked for again under its own key: that gives the same page, not a second one.
    """
    with transaction():
        payment = locked(payment_id)
        if payment.state not in PAYABLE:
            raise NotAllowed(_("This payment can't be changed any more."), code="payment_state")
        live = live_attempt("charge", payment.id)
        if live is not None:
            if _unanswered(live):
                return errand(live)
            if live.state != "needs_payer":
                raise NotAllowed(_("This is being paid at the moment."), code="payment_state")
            fits = (live.params.get("kind"), live.params["amount_minor"]) == (kind, payment.amount_minor)
            return live.id, live.ref or "", live.page_ref or "", fits
        order = PageOrder(
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            customer=customer,
            kind=kind,
            title=title_of(payment),
            description=description_of(payment),
            group=f"agreement-{payment.agreement_id}",
            return_url=returns.done,
            cancel_url=returns.back,
            locale=display.locale_code(),
        )
        return open_attempt("charge", order, user_id=payment.payer_id, payment_id=payment.id)


def _unanswered(attempt: PaymentAttempt) -> bool:
    is_page = form_of(attempt.kind, attempt.params) == "page" and attempt.page_ref is None
    return is_page and attempt.state in ("open", "unknown") and attempt.error_code != "mismatch"


def _open(attempt_id: int, key: str, order: PageOrder) -> str | Trouble:
    answer = gateway().open_page(key, order)
    if isinstance(answer, PageFacts):
        apply(answer)
        return answer.url
    if isinstance(answer, Refused):
        with transaction():
            attempt = locked_attempt(attempt_id)
            if attempt.state == "open":
                mark(attempt, "closed", answer.code[:64])
    else:  # a page that nobody saw is found before another one is opened
        still_unknown(attempt_id, answer)
    return answer


def end_page(attempt_id: int) -> None:
    """Close a page that nobody should pay on any more; what was paid there all the same is applied."""
    with transaction():
        attempt = locked_attempt(attempt_id)
        ref, page = attempt.ref or "", attempt.page_ref
        if page is None or attempt.state in ("processing", "succeeded", "surplus"):
            return
    cancel_try(attempt_id, ref, page)
