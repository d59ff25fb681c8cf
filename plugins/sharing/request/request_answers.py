"""Answering a request, and choosing one answer, of which a loan comes; each use case is one transaction."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace.api import (
    Agreement,
    Conflict,
    Forbidden,
    InvalidInput,
    Listing,
    NotFound,
    Refused,
    User,
    clock,
    db,
    listings,
    payments,
    runtime,
    settings,
    transaction,
)
from plugins.sharing.item import units
from plugins.sharing.item.item_models import Item
from plugins.sharing.loan import loans
from plugins.sharing.loan.quoting import Quote
from plugins.sharing.request import request_news, requests
from plugins.sharing.request.request_models import Answer, Request
from plugins.sharing.slot.windows import Window

HIGHEST_FEE = 1_000_000
"""In minor units; whoever wants more rents the thing out by its own prices."""

MOST = 50
"""The largest number of answers to one request that wait at the same time."""


def may_cost() -> bool:
    """Tell whether an answer may ask for a fee here."""
    return payments.payments_enabled() and not settings.get("sharing.requests_free")


def offer(
    request_id: int, user: User, *, words: str = "", item_id: int | None = None, fee_minor: int = 0, address: str = ""
) -> Answer:
    """Answer a request with an item of one's own or just words, free or for `fee_minor` of the site's currency.

    A second answer of the same member replaces what the first said. Raises SlotTaken when the item is not free then,
    InvalidInput, Refused, Forbidden, NotFound.
    """
    try:
        with transaction() as session:
            listing, row = requests.locked(request_id)
            _check(listing, row, user, words, fee_minor)
            if item_id is not None:
                _check_item(item_id, user, row, listing.owner_id)
            answer = _standing(request_id, user.id)
            first = answer is None
            if answer is None:
                _refuse_too_many(request_id)
                answer = Answer(
                    request_id=request_id,
                    member_id=user.id,
                    currency=runtime().settings.currency,
                    created_at=clock.now(),
                )
                session.add(answer)
            answer.words, answer.item_id, answer.fee_minor, answer.address = (
                words.strip(),
                item_id,
                fee_minor,
                address.strip(),
            )
            session.flush()
            if first:
                request_news.tell([listing.owner_id], "request_answered", listing, row, person=user.name)
            return answer
    except IntegrityError as error:  # the same form twice at the same moment: the unique index lets one through
        raise Conflict(_("Your answer is there already.")) from error


def _check(listing: Listing, row: Request, user: User, words: str, fee_minor: int) -> None:
    if not user.is_active:
        raise Forbidden(_("Your account can't do this at the moment."))
    if listing.owner_id == user.id:
        raise Refused(_("This is your own request."), code="own_listing")
    if row.state != "open" or listing.state != "published" or row.starts_at <= clock.now():
        raise Refused(_("This request takes no answers any more."), code="not_open")
    faults = {}
    if not words.strip():
        faults["words"] = _("Say a few words: what you have, and how to get it.")
    elif len(words) > 2000:
        faults["words"] = _("At most 2000 characters.")
    if not 0 <= fee_minor <= HIGHEST_FEE:
        faults["fee"] = _("This amount can't be right.")
    elif fee_minor and not may_cost():
        faults["fee"] = _("Here things are lent free. Empty this field to lend it so.")
    elif fee_minor and fee_minor < payments.least(runtime().settings.currency).minor:
        faults["fee"] = _("This is less than can be paid here. Lend it free, or ask for more.")
    if faults:
        raise InvalidInput(faults)


def _check_item(item_id: int, user: User, row: Request, asker_id: int) -> None:
    item, listing = loans.open_item(item_id)
    if listing.owner_id != user.id:
        raise NotFound(_("There is no such item."))
    loans.check_free(item.listing_id, Window(row.starts_at, row.ends_at), asker_id, 1)


def _standing(request_id: int, member_id: int) -> Answer | None:
    return db.session.scalars(
        select(Answer)
        .where(Answer.request_id == request_id, Answer.member_id == member_id, Answer.state == "offered")
        .execution_options(populate_existing=True)
    ).one_or_none()


def _refuse_too_many(request_id: int) -> None:
    waiting = select(Answer.id).where(Answer.request_id == request_id, Answer.state == "offered").limit(MOST)
    if len(db.session.scalars(waiting).all()) >= MOST:
        raise Refused(_("There are enough answers already. Thank you!"), code="enough")


def withdraw(answer_id: int, user: User) -> Answer:
    """Take an answer back that was not chosen yet; raises Refused, NotFound."""
    with transaction():
        answer, _listing, _row = _locked(answer_id)
        if answer.member_id != user.id:
            raise NotFound(_("This page does not exist, or is not for you."))
        if answer.state != "offered":
            raise Refused(_("This answer can't be taken back any more."), code="not_offered")
        answer.state = "withdrawn"
        db.session.flush()
    return answer


def _locked(answer_id: int) -> tuple[Answer, Listing, Request]:
    request_id = db.session.scalar(select(Answer.request_id).where(Answer.id == answer_id))
    if request_id is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    listing, row = requests.locked(request_id)
    return db.session.get_one(Answer, answer_id, populate_existing=True), listing, row


def choose(answer_id: int, user: User) -> Agreement:
    """Take one answer: a loan comes of it, agreed at once where it costs nothing, else once it is paid.

    The others are thanked and released when the loan is agreed. Chosen twice, it is one loan. Raises SlotTaken when the
    item was taken meanwhile, Refused, NotFound.
    """
    with transaction():
        answer, listing, row = _locked(answer_id)
        if listing.owner_id != user.id:
            raise NotFound(_("This page does not exist, or is not for you."))
        if answer.state == "chosen" and answer.agreement_id is not None:
            return db.session.get_one(Agreement, answer.agreement_id)
        if answer.state != "offered" or row.state != "open" or row.starts_at <= clock.now():
            raise Refused(_("This answer can't be chosen any more."), code="not_open")
        agreement = _lend(answer, listing, row)
        answer.state, answer.agreement_id = "chosen", agreement.id
        row.state, row.next_at, row.told_after = "chosen", None, None
        db.session.flush()
        url = f"/agreements/{agreement.id}"
        request_news.tell([answer.member_id], "answer_chosen", listing, row, url, person=user.name)
        if agreement.phase != "proposed":
            requests.settle(listing, row)
    return agreement


def _lend(answer: Answer, listing: Listing, row: Request) -> Agreement:
    if answer.item_id is None:
        answer.item_id = _thing(answer, listing, row)
    item = db.session.get_one(Item, answer.item_id)
    its_listing = db.session.get_one(Listing, answer.item_id)
    lines: tuple[dict[str, Any], ...] = ()
    if answer.fee_minor:
        lines = ({"key": "contribution", "kind": "fixed", "amount": answer.fee_minor, "facts": {}, "count": 1},)
    quote = Quote(answer.currency, lines)
    window = Window(row.starts_at, row.ends_at)
    arrangement = "rent" if answer.fee_minor else "borrow"
    return loans.lend(
        item, its_listing, window, listing.owner_id, arrangement, f"answer-{answer.id}", quote, answer.words[:1000]
    )


def _thing(answer: Answer, request: Listing, row: Request) -> int:
    """Make an item of what was offered in words: closed, so that nobody else finds it; its owner may offer it later."""
    owner = db.session.get_one(User, answer.member_id)
    facts: dict[str, Any] = {"title": request.title, "category": request.category}
    if owner.place and owner.lat is not None:
        facts |= {"place": owner.place, "lat": owner.lat, "lon": owner.lon}
    try:
        listing = listings.create_draft("item", owner=owner, **facts)
    except Refused as refused:  # what is said there is meant for its owner
        raise Refused(_("This answer can't be chosen at the moment."), code=refused.code) from refused
    listing.state, listing.published_at = "closed", clock.now()
    db.session.add(
        Item(
            listing_id=listing.id,
            zone=row.zone,
            currency=answer.currency,
            arrangements=["borrow"],
            cancellation="flexible",
        )
    )
    db.session.flush()
    units.add(listing.id, request.title[:80], place=answer.address)
    return listing.id


def on_loan(agreement: Agreement, transition: str) -> None:
    """Follow the loan that came of an answer: agreed on, the request is settled; come to nothing, it is taken up again."""
    if transition in ("created", "amended"):
        return
    found = select(Answer.id).where(Answer.agreement_id == agreement.id, Answer.state == "chosen")
    answer_id = db.session.scalar(found)
    if answer_id is None:
        return
    answer, listing, row = _locked(answer_id)
    if agreement.state == "agreed" and row.state == "chosen":
        requests.settle(listing, row)
    elif agreement.phase == "cancelled" and row.state in ("chosen", "settled", "ended"):
        answer.state = "failed"
        db.session.flush()
        if row.state != "ended":
            requests.fall_back(listing, row)


def of_loan(agreement_id: int) -> Any:
    """Give for a loan that came of a request: its listing's id and title, and both addresses; None for other loans."""
    return db.session.execute(
        select(Listing.id, Listing.title, Request.address.label("asker"), Answer.address.label("lender"))
        .join(Request, Request.listing_id == Listing.id)
        .join(Answer, Answer.request_id == Request.listing_id)
        .where(Answer.agreement_id == agreement_id)
    ).one_or_none()
