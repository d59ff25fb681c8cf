"""What the pages of loans show, gathered with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from marketplace.api import (
    Agreement,
    DomainError,
    Listing,
    SlotFill,
    User,
    agreements,
    clock,
    db,
    display,
)
from plugins.sharing.item.item_models import Item, Unit
from plugins.sharing.loan import (
    cancelling,
    claims,
    evidence,
    handovers,
    loan_describe,
    loan_money,
    loan_terms,
    loan_units,
    loans,
    one_price,
    quoting,
)
from plugins.sharing.loan.booking_models import HandOver, Loan
from plugins.sharing.loan.loan_forms import WishForm, wish_query
from plugins.sharing.loan.machine_loan import LOAN
from plugins.sharing.slot.refusals import SlotTaken
from plugins.sharing.slot.windows import Window

SHOWN = 50
OPEN = ("proposed", "agreed", "active")


@dataclass(slots=True)
class Wish:
    """What `sharing/_book.html` shows: the form, and once it was filled in the offer, or why not and what is free instead."""

    item: Item
    listing: Listing
    form: WishForm
    offer: Offer | None = None
    problem: str = ""
    alternatives: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a period would cost and on which terms."""

    window: Window
    arrangement: str
    count: int
    quote: quoting.Quote
    rows: Sequence[Any]
    deposit: loan_terms.Deposit
    cancellation: Sequence[str]
    late_fee: int
    value: str
    rules: Sequence[loans.InstantRule]
    metered: Sequence[tuple[str, str]] = ()

    @property
    def instant(self) -> bool:
        """Tell whether it is booked without the lender's word."""
        return all(rule.met for rule in self.rules)


def wish(listing_id: int, viewer: Any) -> Wish:
    """Read the wish in the request's query, and check it if there is one. Include `sharing/_book.html` with it as `wish`.

    Raises NotFound, Refused.
    """
    item, listing = loans.open_item(listing_id)
    asked = "starts_on" in request.args
    form = WishForm(request.args if asked else None)
    units = (
        db.session.scalar(select(func.count()).select_from(Unit).where(Unit.item_id == listing_id, Unit.active)) or 0
    )
    form.offer(item.arrangements, units)
    made = Wish(item, listing, form)
    if not asked:
        form.suggest(item.zone, clock.now())
        if "arrangement" in form:
            form.arrangement.data = form.arrangement.choices[0][0]
    elif form.validate():
        _check(made, viewer)
    return made


def _check(made: Wish, viewer: Any) -> None:
    item, form = made.item, made.form
    member_id = viewer.id if viewer is not None and viewer.is_authenticated else None
    try:
        window = form.window(item.zone)
        arrangement, count = form.chosen(item.arrangements), form.how_many
        loans.refuse_several_of_a_set(item, count)
        loans.check_free(item.listing_id, window, member_id, count)
        made.offer = _offer(item, window, arrangement, count, member_id)
    except SlotTaken as taken:
        refused(made, taken)
    except DomainError as error:
        form.refuse(error)


def refused(made: Wish, taken: SlotTaken) -> None:
    """Show why a slot can't be had, and what is free instead as links."""
    made.problem = taken.message
    zone = made.item.zone
    more = {name: request.args[name] for name in ("arrangement", "count") if name in request.args}
    for window in taken.alternatives:
        url = url_for("sharing_loans.book", listing_id=made.item.listing_id, **wish_query(window, zone, **more))
        made.alternatives.append((span(window.starts_at, window.ends_at), url))


def span(since: datetime, until: datetime) -> str:
    """Write a period."""
    return f"{display.datetime_text(since)} – {display.datetime_text(until)}"


def _offer(item: Item, window: Window, arrangement: str, count: int, member_id: int | None) -> Offer:
    quote = quoting.quote_lines(item, window, arrangement, count)
    terms = loan_terms.freeze(item, window, arrangement, quote)
    table = cancelling.steps(item.cancellation, window.starts_at, clock.now())
    return Offer(
        window=window,
        arrangement=arrangement,
        count=count,
        quote=quote,
        rows=quoting.rows(quote.lines, quote.currency),
        deposit=loan_terms.deposit_of(item, count),
        cancellation=cancelling.in_words(table, display.datetime_text),
        late_fee=item.late_fee_minor_per_day * count,
        value=loan_describe.value_words(terms),
        rules=loans.instant_rules(item, member_id),
        metered=quoting.metered_in_words(quote.tariff_id) if quote.by_meter and quote.tariff_id else (),
    )


def fill(agreement: Agreement, viewer: Any) -> SlotFill | None:
    """Give the piece of the agreement's page that is about the loan."""
    loan = db.session.get(Loan, agreement.id)
    if loan is None or viewer is None:
        return None
    actor = agreements.actor_for(viewer, agreement)
    things = loan_units.of(agreement.id)
    labels = unit_labels([row.unit_id for row in things if row.unit_id is not None])
    context = {
        "agreement": agreement,
        "loan": loan,
        "role": str(actor.role),
        "overdue": loans.is_overdue(loan, agreement.state),
        "things": [(row, labels.get(row.unit_id or 0, ("", ""))) for row in things],
        "hand_overs": hand_overs(agreement.id),
        "claims": [(one, claims.KINDS[one.kind], claims.standing(one)) for one in claims.of(agreement.id)],
        "deposit": loan_describe.DEPOSIT_STATES[loan.deposit_state],
        "wanted": loan_money.to_pay(loan) if str(actor.role) == "member" else None,
        "bank_asks": loan_money.bank_asks(loan),
        "cash": _cash_for_more(agreement, loan) if str(actor.role) == "owner" else None,
        "back_now": _back_now(agreement, loan),
        "steps": loan_describe.cancellation(agreement.terms),
        "can_claim": str(actor.role) == "owner" and agreement.state in claims.OPEN_IN,
        "agreed": agreement.phase in ("agreed", "active"),
    }
    return SlotFill("sharing/_loan.html", context, 10)


def _cash_for_more(agreement: Agreement, loan: Loan) -> int | None:
    """Give the payment for more time whose cash the lender has to confirm, or None."""
    more = loan_money.more_time(loan) if agreement.phase in ("agreed", "active") else None
    awaited = more is not None and more.state == "awaiting" and more.method_kind == "cash_owner"
    return more.id if more is not None and awaited else None


def _back_now(agreement: Agreement, loan: Loan) -> int | None:
    """Give what a borrower who cancels now gets back, in minor units; None where there is nothing to cancel or give back."""
    total = int(agreement.terms["total_minor"])
    if agreement.state != "agreed" or not total or not one_price.is_paid(loan):
        return None
    return total * loan_terms.refund_percent(agreement.terms, clock.now()) // 100


def unit_labels(unit_ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Give label and place of units."""
    rows = db.session.execute(select(Unit.id, Unit.label, Unit.place).where(Unit.id.in_(unit_ids)))
    return {row.id: (row.label, row.place) for row in rows}


@dataclass(frozen=True, slots=True)
class Record:
    """A hand-over and all that was said in it, the oldest first; each with the name of who said it and photos."""

    row: HandOver
    said: Sequence[tuple[Any, str, Sequence[int]]]

    @property
    def last(self) -> Any:
        """Give the newest word."""
        return self.said[-1][0]


def hand_overs(agreement_id: int) -> list[Record]:
    """Give a loan's hand-overs, the oldest first; four statements however often it went back and forth."""
    rows = handovers.of(agreement_id)
    said = handovers.said_in([row.id for row in rows])
    names = _names([one.by_id for one in said])
    photos = evidence.of_proposals([one.id for one in said])
    words: dict[int, list[tuple[Any, str, Sequence[int]]]] = {row.id: [] for row in rows}
    for one in said:
        words[one.hand_over_id].append((one, names.get(one.by_id, ""), photos.get(one.id, ())))
    return [Record(row, words[row.id]) for row in rows]


def title_of(agreement: Agreement) -> str:
    """Give the title of what is lent."""
    return str(db.session.scalar(select(Listing.title).where(Listing.id == agreement.listing_id)) or "")


def local(at: datetime, zone: str) -> datetime:
    """Give an instant on the clocks of a zone."""
    return clock.local(at, zone)


def claim_steps(claim_id: int) -> list[tuple[Any, str, Sequence[int]]]:
    """Give what was said in a claim, each with the name of who said it and the photos that came with it."""
    said = claims.steps_of(claim_id)
    names = _names([one.by_id for one in said if one.by_id is not None])
    photos = evidence.by_step(claim_id, said)
    return [(one, names.get(one.by_id or 0, ""), photos.get(one.id, ())) for one in said]


def _names(ids: Sequence[int]) -> dict[int, str]:
    return {row.id: row.name for row in db.session.execute(select(User.id, User.name).where(User.id.in_(ids)))}


def overview(user_id: int, role: str, *, ended: bool) -> list[Any]:
    """Give the loans in which a member borrows ("member") or lends ("owner"), those due first; one statement."""
    mine, theirs = Agreement.member_id, Agreement.owner_id
    if role == "owner":
        mine, theirs = theirs, mine
    other = aliased(User)
    phase = Agreement.phase.not_in(OPEN) if ended else Agreement.phase.in_(OPEN)
    order = Loan.ends_at.desc() if ended else Loan.starts_at
    rows = db.session.execute(
        select(
            Agreement.id, Agreement.state, Agreement.phase, Agreement.amount_minor, Loan.currency, Loan.starts_at,
            Loan.ends_at, Listing.title, other.name.label("other"),
        )
        .join(Loan, Loan.agreement_id == Agreement.id)
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(other, other.id == theirs)
        .where(mine == user_id, phase)
        .order_by(order, Agreement.id)
        .limit(SHOWN)
    ).all()  # fmt: skip
    return [(row, *_badge(row)) for row in rows]


def _badge(row: Any) -> tuple[Any, str]:
    if row.state == "active" and clock.now() > row.ends_at:
        return _("Overdue"), "bad"
    tones = {"proposed": "warm", "agreed": "info", "active": "good", "failed": "bad"}
    return LOAN.state(row.state).label, tones.get(row.phase, "")
