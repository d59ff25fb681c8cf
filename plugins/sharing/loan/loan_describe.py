"""A loan in words: its terms, what each side should do now, and why a move is not possible yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from marketplace.api import Agreement, TermLine, TodoItem, clock, db, display, payments
from plugins.sharing.loan import (
    by_hand,
    cancelling,
    claims,
    handovers,
    loan_money,
    loan_sweep,
    loan_units,
    loans,
    one_price,
    quoting,
)
from plugins.sharing.loan.booking_models import Claim, Loan

NO_SHOW_AFTER = timedelta(minutes=30)
"""How long one waits for the other before saying that nobody came."""

MORE_IS_PAID = ("agreed", "active", "returned", "lost", "claimed")
"""States in which what more time costs is still to be paid; once it has ended, `agreements` itself says so."""

DEPOSITS = {
    "none": _l("None"), "promised": _l("Promised"), "card": _l("A card is saved, and nothing is held"),
    "held": _l("Held on a card"),
}  # fmt: skip
DEPOSIT_STATES = {
    "none": ("", ""), "promised": (_l("Promised"), "info"), "wanted": (_l("A card is needed"), "warm"),
    "saved": (_l("Card saved"), "info"), "asked": (_l("The bank is asked"), "info"), "held": (_l("Held"), "good"),
    "uncovered": (_l("Can't be held for so long; the card is saved"), "warm"),
    "refused": (_l("The bank would not hold it"), "bad"),
    "ending": (_l("Could not be held any longer"), "warm"), "let_go": (_l("The bank let go; the card is saved"), "warm"),
    "taking": (_l("A part is being taken"), "info"), "captured": (_l("Taken"), ""), "released": (_l("Nothing was taken"), "good"),
}  # fmt: skip


def term_lines(agreement: Agreement) -> Sequence[TermLine]:
    """Put a loan's frozen terms into words."""
    terms = agreement.terms
    currency = terms["currency"]
    lines = [
        TermLine(_("From"), moment(terms["starts_at"])),
        TermLine(_("Until"), moment(terms["ends_at"])),
    ]
    if terms["count"] > 1:
        lines.append(TermLine(_("How many"), display.number(terms["count"])))
    if terms["total_minor"]:
        lines += [
            TermLine(row.label, " · ".join(filter(None, (display.money(row.amount, currency, exact=True), row.detail))))
            for row in quoting.rows(terms["lines"], currency)
        ]
        if payments.payments_enabled():
            lines.append(TermLine(_("Cancelling"), " ".join(cancellation(terms))))
        else:
            settled = _("This site takes no payments: you settle the price between the two of you.")
            lines.append(TermLine(_("Payment"), settled))
    else:
        lines.append(TermLine(_("Price"), _("Free")))
    lines += metered(terms)
    lines.append(TermLine(_("Deposit"), deposit_words(terms)))
    if terms["late_fee_minor_per_day"]:
        fee = display.money(terms["late_fee_minor_per_day"], currency, exact=True)
        lines.append(TermLine(_("Late"), _("%(amount)s for each started day, from an hour after the end", amount=fee)))
    if value := value_words(terms):
        lines.append(TermLine(_("Value if lost"), value))
    if terms["note"]:
        lines.append(TermLine(_("A word to the lender"), terms["note"]))
    return lines


def metered(terms: Any) -> list[TermLine]:
    """Say what the meters add to the price after the return; no statement where they add nothing."""
    if not terms.get("by_meter"):
        return []
    found = quoting.metered_in_words(int(terms["tariff_id"]))
    return [TermLine(label, _("%(price)s, after the return", price=text)) for label, text in found]


def moment(iso: str) -> str:
    """Write an instant that terms keep."""
    return display.datetime_text(datetime.fromisoformat(iso))


def value_words(terms: Any) -> str:
    """Say what is asked at most for what gets lost: of each thing, and of units with a value of their own."""
    currency, said = terms["currency"], []
    if terms["replacement_minor"]:
        amount = display.money(terms["replacement_minor"], currency, exact=True)
        said.append(_("%(amount)s for each", amount=amount) if terms["count"] > 1 else amount)
    for one in terms.get("unit_values", ()):
        said.append(f"{one['label']}: {display.money(one['minor'], currency, exact=True)}")
    return " · ".join(said)


def deposit_words(terms: Any) -> str:
    """Put the deposit into words."""
    deposit = terms["deposit"]
    if deposit["kind"] == "none":
        return str(DEPOSITS["none"])
    return f"{display.money(deposit['minor'], terms['currency'], exact=True)} · {DEPOSITS[deposit['kind']]}"


def cancellation(terms: Any) -> list[str]:
    """Give the worked cancellation dates as sentences."""
    steps = cancelling.thawed(terms["cancellation_steps"])
    return cancelling.in_words(steps, display.datetime_text)


def todo(agreement: Agreement, role: str) -> TodoItem | None:
    """Say what waits for this person, if anything."""
    loan = db.session.get(Loan, agreement.id)
    if loan is None or role not in ("member", "owner"):
        return None
    claim = _claim_to_answer(agreement.id, role)
    if claim is not None:
        return TodoItem(_("Answer a claim"), url_for("sharing_loans.claim", claim_id=claim.id), claim.deadline, "scale",
            _("Read it and answer"))  # fmt: skip
    hand = _hand_over_to_answer(agreement, role)
    if hand is not None:
        return hand
    here, due = f"/agreements/{agreement.id}", agreement.waits_until
    if agreement.state == "clearing" and (awaited := by_hand.todo(loan, role, here, due)) is not None:
        return awaited
    if agreement.state == "agreed" and (missing := by_hand.missing(loan, role, here)) is not None:
        return missing
    return _of_member(agreement, loan) if role == "member" else _of_owner(agreement, loan)


def _claim_to_answer(agreement_id: int, role: str) -> Claim | None:
    return next((one for one in claims.of(agreement_id) if one.state == "open" and one.turn == role), None)


def _hand_over_to_answer(agreement: Agreement, role: str) -> TodoItem | None:
    """Ask for a word about what the other side recorded; a borrower who brought everything back only waits."""
    for row in handovers.of(agreement.id):
        if row.closed_at is not None:
            continue
        last = handovers.proposals_of(row.id)[-1]
        if last.role != role:
            text = _("Look at the hand-over and agree") if row.kind == "out" else _("Look at the return and agree")
            return TodoItem(text, _hand_url(agreement, row.kind), row.closes_at, "circle-check", _("Look at it"))
        if row.kind == "in" and role == "member" and all(one.id in last.units for one in loan_units.out(agreement.id)):
            here = f"/agreements/{agreement.id}"
            return TodoItem(_("The lender looks at it"), here, row.closes_at, "hourglass", waits=True)
    return None


def _to_pay(agreement: Agreement, loan: Loan, *, late: bool) -> TodoItem | None:
    """Lead to what the borrower pays or secures now; what is overdue is brought back before more time is paid."""
    wanted = loan_money.to_pay(loan)
    if wanted is None:
        return None
    due = agreement.waits_until if agreement.phase == "proposed" else None
    text, action = _("Give a card for the deposit"), _("Give a card")
    if wanted.purpose == loan_money.EXTENSION:
        if agreement.state not in MORE_IS_PAID or late:
            return None
        text, action = _("Pay for the time that was added"), _("Pay")
    elif agreement.state not in ("paying", "clearing", "agreed", "active"):
        return None
    elif wanted.purpose == loan_money.RENT:
        text, action = _("Pay to keep it"), _("Pay")
    elif loan_money.bank_asks(loan):
        text, action = _("Your bank asks you to approve the deposit"), _("Approve it")
    return TodoItem(text, wanted.path, due, "credit-card", action)


def _of_member(agreement: Agreement, loan: Loan) -> TodoItem | None:
    late = loans.is_overdue(loan, agreement.state)
    if (paying := _to_pay(agreement, loan, late=late)) is not None:
        return paying
    if agreement.state == "agreed":
        return TodoItem(
            _("Pick it up"), _hand_url(agreement, "out"), loan.starts_at, "key-round", _("I have it"), begins=True
        )
    if agreement.state == "active":
        text = _("This is overdue: bring it back") if late else _("Bring it back in time")
        sign = "circle-alert" if late else "key-round"
        return TodoItem(text, _hand_url(agreement, "in"), loan.ends_at, sign, _("I brought it back"))
    words = {
        "requested": _("The lender answers"), "clearing": _("Your bank is at work"),
        "paying": _("Your card is being charged: look again in a moment"),
        "returned": _("The lender looks at it"), "claimed": _("The lender answers"),
    }  # fmt: skip
    return _waiting(words, agreement)


def _of_owner(agreement: Agreement, loan: Loan) -> TodoItem | None:
    here = f"/agreements/{agreement.id}"
    due = agreement.waits_until
    found: tuple[Any, ...]
    match agreement.state:
        case "requested":
            found = (_("Accept or decline the request"), here, due, "handshake")
        case "agreed":
            url = _hand_url(agreement, "out")
            found = (_("Hand it over"), url, loan.starts_at, "key-round", _("Record the hand-over"), True)
        case "active" if loan.wanted_end is not None:
            found = (_("Answer: more time is asked for"), f"{here}#loan", loan.ends_at, "clock", _("See what is asked"))
        case "active":
            found = (
                _("Record its return"),
                _hand_url(agreement, "in"),
                loan.ends_at,
                "key-round",
                _("It is back"),
                True,
            )
        case "returned":
            found = (_("Look at it, and finish or claim"), here, due, "circle-check")
        case "lost":
            found = (
                _("Claim its value, if you want"),
                url_for("sharing_loans.new_claim", agreement_id=agreement.id),
                due,
                "scale",
                _("Make a claim"),
            )
        case "clearing" if one_price.is_paid(loan):
            found = (_("A card for the deposit is awaited"), here, due, "hourglass", "", False, True)
        case _:
            words = {
                "paying": _("The borrower pays"), "clearing": _("The borrower’s bank is at work"),
                "claimed": _("The borrower answers"),
            }  # fmt: skip
            return _waiting(words, agreement)
    return TodoItem(*found)


def _waiting(words: dict[str, str], agreement: Agreement) -> TodoItem | None:
    """Say what the other side, or a bank, does now."""
    if agreement.state not in words:
        return None
    here = f"/agreements/{agreement.id}"
    return TodoItem(words[agreement.state], here, agreement.waits_until, "hourglass", waits=True)


def _hand_url(agreement: Agreement, kind: str) -> str:
    return url_for("sharing_loans.hand_over", agreement_id=agreement.id, kind=kind)


def objections(agreement: Agreement, transition: str, actor: Any) -> list[str]:
    """Give the reasons why a move can't be made now."""
    loan = db.session.get(Loan, agreement.id)
    why = _why_not(agreement, loan, transition, str(actor.role)) if loan is not None else None
    return [why] if why else []


def _why_not(agreement: Agreement, loan: Loan, transition: str, role: str) -> str | None:
    now, why = clock.now(), None
    if transition == "accept" and loans.needs_money(agreement):
        why = _("This loan is paid or secured first.")
    elif transition == "accept_to_pay" and not loans.needs_money(agreement):
        why = _("This loan needs no payment.")
    elif transition in ("no_show", "not_there") and now < loan.starts_at + NO_SHOW_AFTER:
        minutes = NO_SHOW_AFTER // timedelta(minutes=1)
        why = ngettext("Wait %(num)s minute after the start.", "Wait %(num)s minutes after the start.", minutes)
    elif transition == "report_lost" and role == "owner" and now < loan.ends_at + loan_sweep.REPORT_LOST_AFTER:
        why = _("It can be reported lost a week after it was due back.")
    elif transition in ("call_off", "cancel") and agreement.state == "agreed" and now >= loan.ends_at:
        why = _("Its time is over.")
    elif transition == "hand_out" and agreement.state == "agreed":
        why = one_price.money_is_missing(loan)
    elif transition == "close" and claims.undecided(agreement.id):
        why = _("A claim is still open.")
    return why
