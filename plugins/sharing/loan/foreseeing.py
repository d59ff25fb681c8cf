"""What ending a loan would mean in figures, said before it is done: by the functions that carry it out."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _

from marketplace.api import Agreement, Money, clock, db, display, payments
from plugins.sharing.loan import cancelling, loan_money, loan_terms
from plugins.sharing.loan.booking_models import Loan

DEPOSIT_STANDS = ("saved", "uncovered", "ending", "held", "let_go")
"""States of a deposit in which a card is known, so that its holder asks what becomes of it."""


def foresee(agreement: Agreement, transition: str, role: str) -> str:
    """Say what comes back and what is kept if a loan ended now by `transition`; "" for moves that are not about money."""
    loan = db.session.get(Loan, agreement.id)
    if loan is None or transition not in ("cancel", "call_off", "not_there", "no_show"):
        return ""
    if transition == "no_show":
        percent = loan_terms.refund_percent(agreement.terms, loan.starts_at + timedelta(seconds=1))
    else:
        percent = loan_terms.refund_percent(agreement.terms, clock.now()) if transition == "cancel" else 100
    kept = loan_money.kept_of(agreement)
    back = sum((amount for _payment, amount in loan_money.backs(agreement, percent)), Money(0, loan.currency))
    said = [in_words(back, kept - back, member=role == "member")]
    if agreement.state == "clearing":
        said.append(_("Money that is still on its way comes back whole."))
    elif transition == "cancel" and kept.minor:
        said += _holds_until(agreement)
    if loan.deposit_state in DEPOSIT_STANDS:
        said.append(_("Nothing of the deposit is taken."))
    return " ".join(said)


def of_all(agreement: Agreement, *, back: bool, role: str) -> str:
    """Say what comes back where it is all that was paid, or nothing."""
    if agreement.state == "clearing":
        return _("Money that is still on its way comes back whole.")
    nothing = Money(0, agreement.terms["currency"])
    paid = sum((one.kept for one in payments.payments_of(agreement) if one.state == "succeeded"), nothing)
    return (
        in_words(paid, nothing, member=role == "member") if back else in_words(nothing, paid, member=role == "member")
    )


def in_words(back: Money, kept: Money, *, member: bool) -> str:
    """Put into words what goes back of what was paid and what is kept, to the one who paid or to the other side."""
    sums = {
        "back": display.money(back.minor, back.currency, exact=True),
        "kept": display.money(kept.minor, kept.currency, exact=True),
    }
    if not back.minor and not kept.minor:
        said = _("Nothing has been paid, so nothing comes back and nothing is kept.")
    elif not kept.minor:
        mine = _("You get back all that you paid: %(back)s.", **sums)
        said = mine if member else _("All that was paid goes back: %(back)s.", **sums)
    elif not back.minor:
        mine = _("You get nothing back: the %(kept)s that you paid is kept.", **sums)
        said = mine if member else _("Nothing goes back: the %(kept)s that was paid is kept.", **sums)
    else:
        mine = _("You get back %(back)s, and %(kept)s is kept.", **sums)
        said = mine if member else _("%(back)s goes back, and %(kept)s is kept.", **sums)
    return said


def _holds_until(agreement: Agreement) -> list[str]:
    """Say until when the present step of the frozen table holds, where a later one gives less."""
    step = cancelling.step_at(cancelling.thawed(agreement.terms["cancellation_steps"]), clock.now())
    if step.until is None:
        return []
    return [_("That holds until %(moment)s.", moment=display.datetime_text(step.until))]
