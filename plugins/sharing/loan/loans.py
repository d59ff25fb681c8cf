"""Borrowing and renting by period: asking for it, and what both sides may do with it; one transaction each, no network inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    Listing,
    NotFound,
    Refused,
    Role,
    agreements,
    clock,
    db,
    once,
    payments,
    settings,
    transaction,
)
from plugins.sharing.item import bundles
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import loan_news, loan_terms, loan_units, quoting
from plugins.sharing.loan.booking_models import Loan, LoanUnit
from plugins.sharing.slot import together
from plugins.sharing.slot.answers import answer
from plugins.sharing.slot.refusals import SlotTaken
from plugins.sharing.slot.windows import Window

ARRANGEMENTS = ("borrow", "rent")
ANSWER_WITHIN = timedelta(hours=48)
"""A lender who has not answered by then has let the request lapse; the start of the period comes first."""

PAY_WITHIN = timedelta(hours=24)
"""How long a slot waits for the payment after a lender's yes."""

LEAST_WAIT = timedelta(minutes=30)
"""Whoever asks for something that starts at once gets an answer within this."""

MOST = 20
"""The largest number of things in one loan."""


@dataclass(frozen=True, slots=True)
class InstantRule:
    """One condition for a booking without the lender's word, and whether this member fulfils it."""

    text: str
    met: bool


def request(
    listing_id: int,
    window: Window,
    member_id: int,
    arrangement: str,
    nonce: str,
    *,
    count: int = 1,
    also: Sequence[int] = (),
    note: str = "",
) -> Agreement:
    """Ask for `count` units of an item (and of the same lender's items `also`) for a period (UTC).

    Where the item's rules allow it, it is agreed at once, or reserved until it is paid. Sent twice with one `nonce`, or
    asked again for the same period while the first waits, it is one loan. Raises SlotTaken (reason and alternatives),
    Refused, InvalidInput, NotFound.
    """
    return once(
        lambda: _known(member_id, nonce) or _waiting(listing_id, window, member_id),
        lambda: _request(listing_id, window, member_id, arrangement, nonce, count, also, note),
    )


def _request(
    listing_id: int, window: Window, member_id: int, arrangement: str, nonce: str, count: int, also: Sequence[int], note: str
) -> Agreement:  # fmt: skip
    item, listing = open_item(listing_id)
    item_ids = _wanted(item, listing, arrangement, count, also)
    for wanted_id in dict.fromkeys((listing_id, *item_ids)):  # a set first: what is free instead is free of all of it
        check_free(wanted_id, window, member_id, item_ids.count(wanted_id))
    quote = quoting.quote_lines(item, window, arrangement, count)
    agreement = agreements.create(
        "loan",
        listing=listing,
        member_id=member_id,
        amount=None if quote.free else quote.total,
        terms={**loan_terms.freeze(item, window, arrangement, quote, also, note), **_of_bundle(item, listing)},
        actor=Actor(member_id, Role.MEMBER),
        waits_until=max(clock.now() + LEAST_WAIT, min(clock.now() + ANSWER_WITHIN, window.starts_at)),
    )
    loan = _side(agreement, window, nonce, quote.currency)
    loan_units.add(loan, item_ids)
    if all(rule.met for rule in instant_rules(item, member_id)):
        agreements.transition(agreement.id, accepting(agreement), Actor.system())
    else:
        loan_news.tell_lender(agreement, "requested")
    return agreement


def lend(
    item: Item, listing: Listing, window: Window, member_id: int, arrangement: str, nonce: str, quote: quoting.Quote, note: str
) -> Agreement:  # fmt: skip
    """Make a loan to which both sides said yes beforehand, at a price that they agreed on themselves.

    It is agreed at once, or reserved until it is paid or secured. Joins the caller's transaction. Raises SlotTaken.
    """
    agreement = agreements.create(
        "loan",
        listing=listing,
        member_id=member_id,
        amount=None if quote.free else quote.total,
        terms={**loan_terms.freeze(item, window, arrangement, quote), **_of_bundle(item, listing)},
        actor=Actor(member_id, Role.MEMBER),
    )
    loan_units.add(_side(agreement, window, nonce, quote.currency), _things(item))
    return agreements.transition(agreement.id, accepting(agreement), Actor(listing.owner_id, Role.OWNER), note=note)


def check_free(item_id: int, window: Window, member_id: int | None, count: int) -> None:
    """Raise SlotTaken, with why and what is free instead, unless so many units could be had."""
    found = answer(item_id, window, member_id)
    if found.why is not None:
        raise SlotTaken(found.why, found.alternatives)
    free = len(found.unit_ids)
    if free < count:
        raise Refused(
            ngettext("Only %(num)s of these is free then.", "Only %(num)s of these are free then.", free),
            field="count",
            code="too_many",
        )


def _wanted(item: Item, listing: Listing, arrangement: str, count: int, also: Sequence[int]) -> list[int]:
    """Give the items wanted, one for each thing; raises InvalidInput, Refused, NotFound."""
    if arrangement not in ARRANGEMENTS or arrangement not in item.arrangements:
        raise InvalidInput({"arrangement": _("This is not offered for this item.")})
    if not 1 <= count <= MOST:
        raise InvalidInput({"count": _("Choose a number between 1 and %(most)s.", most=MOST)})
    for other_id in also:
        other, its_listing = open_item(other_id)
        if its_listing.owner_id != listing.owner_id or arrangement != "borrow" or "borrow" not in other.arrangements:
            raise Refused(_("Only things of the same lender can be borrowed together."), code="not_together")
    if item.is_bundle:
        refuse_several_of_a_set(item, count + len(also))
        return _things(item)
    return [item.listing_id] * count + list(also)


def refuse_several_of_a_set(item: Item, count: int) -> None:
    """Raise InvalidInput for more than one of a set."""
    if item.is_bundle and count > 1:
        raise InvalidInput({"count": _("There is one of it.")})


def _things(item: Item) -> list[int]:
    """Give an item with all that belongs to it, in the order of ids, which is the order in which they are locked."""
    if not item.is_bundle:
        return [item.listing_id]
    return sorted([item.listing_id, *(part.item_id for part in together.parts_of(item.listing_id))])


def _of_bundle(item: Item, listing: Listing) -> dict[str, Any]:
    """Give the owners' parts of the price of a bundle, frozen with the terms; nothing for a single thing."""
    if not item.is_bundle:
        return {}
    weights = bundles.weights(item.listing_id, listing.owner_id)
    return {"parts": {str(owner): percent for owner, percent in weights.items()}}


def open_item(listing_id: int) -> tuple[Item, Listing]:
    """Give an item that can be booked and its listing; raises NotFound, or Refused when it is not on offer."""
    row = db.session.execute(
        select(Item, Listing)
        .join(Listing, Listing.id == Item.listing_id)
        .where(Item.listing_id == listing_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or row.Listing.state in ("draft", "removed"):
        raise NotFound(_("There is no such item."))
    if row.Listing.state != "published":
        raise Refused(_("This is not on offer at the moment."), code="not_on_offer")
    return row.Item, row.Listing


def _side(agreement: Agreement, window: Window, nonce: str, currency: str) -> Loan:
    deposit = agreement.terms["deposit"]
    states = {"none": "none", "promised": "promised"}
    loan = Loan(
        agreement_id=agreement.id,
        item_id=agreement.listing_id,
        member_id=agreement.member_id,
        arrangement=agreement.terms["arrangement"],
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        nonce=nonce,
        currency=currency,
        deposit_kind=deposit["kind"],
        deposit_minor=deposit["minor"],
        deposit_state=states.get(deposit["kind"], "wanted"),
    )
    db.session.add(loan)
    db.session.flush()
    return loan


def instant_rules(item: Item, member_id: int | None) -> list[InstantRule]:
    """List the conditions under which this item is booked without asking, in words; an item that always asks has one unmet."""
    if not item.instant:
        return [InstantRule(_("The lender answers each request."), met=False)]
    overdue = member_id is not None and has_overdue(member_id)
    return [
        InstantRule(_("Booked at once, without waiting for the lender"), met=True),
        InstantRule(_("… if you have nothing overdue"), met=not overdue),
    ]


def has_overdue(member_id: int) -> bool:
    """Tell whether something that this member borrowed should be back by now."""
    statement = (
        select(Loan.agreement_id)
        .join(LoanUnit, LoanUnit.agreement_id == Loan.agreement_id)
        .join(Agreement, Agreement.id == Loan.agreement_id)
        .where(
            Loan.member_id == member_id, Agreement.state == "active", Loan.ends_at < clock.now() - loan_terms.GRACE,
            LoanUnit.out_at.is_not(None), LoanUnit.back_at.is_(None),
        )
        .limit(1)
    )  # fmt: skip
    return db.session.scalar(statement) is not None


def is_overdue(loan: Loan, state: str) -> bool:
    """Tell whether a loan should be back by now: a fact that is derived, never stored."""
    return state == "active" and clock.now() > loan.ends_at


def needs_money(agreement: Agreement) -> bool:
    """Tell whether something has to be paid, or a card given, before the loan is agreed; a free loan never needs to.

    Where the site takes no payments the two settle the rent between them.
    """
    if not payments.payments_enabled():
        return False
    return bool(agreement.terms["total_minor"]) or agreement.terms["deposit"]["kind"] in ("card", "held")


def accepting(agreement: Agreement) -> str:
    """Name the move by which this request is accepted."""
    return "accept_to_pay" if needs_money(agreement) else "accept"


def accept(agreement_id: int, actor: Actor, note: str = "") -> Agreement:
    """Say yes to a request. Raises SlotTaken when the slot has gone meanwhile, InvalidTransition, Refused."""
    with transaction():
        agreement = agreements.locked(agreement_id)
        return agreements.transition(agreement_id, accepting(agreement), actor, note=note)


def pay_within(actor_role: Role) -> timedelta:
    """Give how long a slot waits for its payment: minutes where it was booked at once, longer after a lender's yes."""
    if actor_role == Role.OWNER:
        return PAY_WITHIN
    return timedelta(minutes=int(settings.get("sharing.hold_minutes")))


def _known(member_id: int, nonce: str) -> Agreement | None:
    return db.session.scalars(
        select(Agreement)
        .join(Loan, Loan.agreement_id == Agreement.id)
        .where(Loan.member_id == member_id, Loan.nonce == nonce)
    ).one_or_none()


def _waiting(listing_id: int, window: Window, member_id: int) -> Agreement | None:
    return db.session.scalars(
        select(Agreement)
        .join(Loan, Loan.agreement_id == Agreement.id)
        .where(
            Loan.item_id == listing_id, Loan.member_id == member_id, Loan.starts_at == window.starts_at,
            Loan.ends_at == window.ends_at, Agreement.state.in_(("requested", "paying", "clearing")),
        )
        .order_by(Agreement.id)
        .limit(1)
    ).one_or_none()  # fmt: skip
