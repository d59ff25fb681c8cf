"""Buying a thing: asking for it, and the owner's yes; one transaction each, no network inside."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from marketplace.api import (
    Actor,
    Agreement,
    InvalidInput,
    Listing,
    Refused,
    Role,
    agreements,
    clock,
    db,
    listings,
    once,
    payments,
    transaction,
)
from plugins.sharing.buy import buy_news
from plugins.sharing.buy.buy_models import CountedRent, Purchase
from plugins.sharing.buy.buy_quote import Quote, quote
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import loan_terms, loans
from plugins.sharing.slot import for_ever, who

ANSWER_WITHIN = timedelta(hours=48)
"""An owner who has not answered by then has let the request lapse."""

TRIES = 3
UNANSWERED = ("requested", "paying", "clearing")


def request(listing_id: int, member_id: int, nonce: str, *, note: str = "") -> Agreement:
    """Ask to buy one unit of an item: agreed or kept at once where the item's rules say so, else its owner answers.

    Sent twice with one `nonce`, or asked again while the first waits, it is one purchase. Raises NotToBeHad (why no unit can
    be had), SlotTaken, Refused, InvalidInput, NotFound.
    """
    for left in reversed(range(TRIES)):
        try:
            return once(
                lambda: _known(listing_id, member_id, nonce), lambda: _request(listing_id, member_id, nonce, note)
            )
        except IntegrityError:  # another that counts the same rent, at the same moment
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def _known(listing_id: int, member_id: int, nonce: str) -> Agreement | None:
    """Give what this form made already, or what this member has asked for and waits for."""
    found = select(Agreement).join(Purchase, Purchase.agreement_id == Agreement.id)
    same = db.session.scalars(found.where(Purchase.member_id == member_id, Purchase.nonce == nonce)).one_or_none()
    return same if same is not None else waiting(listing_id, member_id)


def waiting(listing_id: int, member_id: int) -> Agreement | None:
    """Give the purchase of an item that a member has asked for and that is not agreed yet."""
    mine = (Purchase.member_id == member_id, Purchase.item_id == listing_id, Agreement.state.in_(UNANSWERED))
    found = select(Agreement).join(Purchase, Purchase.agreement_id == Agreement.id).where(*mine)
    return db.session.scalars(found.order_by(Agreement.id).limit(1)).one_or_none()


def offered(listing_id: int) -> tuple[Item, Listing]:
    """Give an item that can be bought and its listing; raises NotFound, Refused (code "not_on_offer", "not_for_sale")."""
    item, listing = loans.open_item(listing_id)
    if "buy" not in item.arrangements or item.buy_minor is None:
        raise Refused(_("This can't be bought."), code="not_for_sale")
    return item, listing


def _request(listing_id: int, member_id: int, nonce: str, note: str) -> Agreement:
    offered(listing_id)
    listings.locked(listing_id)  # before the new agreement refers to it: two who did both could not lock it any more
    item, listing = offered(listing_id)
    why = who.of_item(item, listing.owner_id, member_id)
    if why is not None:
        raise Refused(str(why), code=why.code)
    if not nonce or len(nonce) > 64:
        raise InvalidInput({"nonce": _("Please send the form again.")})
    for_ever.look(listing_id, member_id)
    asked = quote(item, member_id)
    agreement = agreements.create(
        "purchase",
        listing=listing,
        member_id=member_id,
        amount=None if asked.free else asked.total,
        terms=_terms(asked, note),
        actor=Actor(member_id, Role.MEMBER),
        waits_until=clock.now() + ANSWER_WITHIN,
    )
    _write(agreement, item, nonce, asked)
    if all(rule.met for rule in loans.instant_rules(item, member_id)):
        agreements.transition(agreement.id, accepting(agreement), Actor.system())
    else:
        buy_news.tell_owner(agreement, "buy_requested")
    return agreement


def _terms(asked: Quote, note: str) -> dict[str, object]:
    return {
        "price_minor": asked.price.minor,
        "rented_minor": asked.rented.minor,
        "rent_percent": asked.percent,
        "rent_days": asked.days,
        "counted_minor": asked.counted.minor,
        "total_minor": asked.total.minor,
        "currency": asked.price.currency,
        "note": note.strip()[:1000],
        "fee": payments.fee_rule(loan_terms.FEE, asked.price.currency).freeze(),
    }


def _write(agreement: Agreement, item: Item, nonce: str, asked: Quote) -> None:
    side = Purchase(
        agreement_id=agreement.id, item_id=item.listing_id, member_id=agreement.member_id, nonce=nonce, currency=item.currency
    )  # fmt: skip
    db.session.add(side)
    db.session.flush()
    if asked.counted.minor:
        counted = (
            CountedRent(payment_id=number, purchase_id=agreement.id, kept_minor=kept) for number, kept in asked.rents
        )
        db.session.add_all(counted)
        db.session.flush()


def side_of(agreement: Agreement) -> Purchase:
    """Give an agreement's purchase."""
    return db.session.get_one(Purchase, agreement.id)


def forget_counted(agreement: Agreement) -> None:
    """Let the rent that counted towards a purchase that came to nothing count towards another."""
    gone = delete(CountedRent).where(CountedRent.purchase_id == agreement.id)
    db.session.execute(gone.execution_options(synchronize_session=False))


def needs_money(agreement: Agreement) -> bool:
    """Tell whether the site takes money for it before it is agreed; without payments the two settle it between them."""
    return agreement.amount is not None and payments.payments_enabled()


def accepting(agreement: Agreement) -> str:
    """Name the move by which this request is accepted."""
    return "accept_to_pay" if needs_money(agreement) else "accept"


def accept(agreement_id: int, actor: Actor, note: str = "") -> Agreement:
    """Say yes to a request; raises NotToBeHad when no unit can be had any more, InvalidTransition, Refused."""
    with transaction():
        agreement = agreements.locked(agreement_id)
        return agreements.transition(agreement_id, accepting(agreement), actor, note=note)
