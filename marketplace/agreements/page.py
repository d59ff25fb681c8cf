"""What the page of an agreement shows, gathered with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace import clock
from marketplace.agreements import service
from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.agreements.service import AMENDED, CREATED, Actor
from marketplace.database import db
from marketplace.display import money
from marketplace.hooks.types import AgreementKind, PriceLine, TermLine, TodoItem
from marketplace.lifecycle import ENDED, InvalidTransition, Phase, Role, Transition
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.payments.models import Payment
from marketplace.payments.wording import WAITS_FOR_PAYER
from marketplace.runtime import agreement_kind, decide, listing_kind, runtime
from marketplace.users.models import User

MOST_EVENTS = 100
AT_ONCE = timedelta(seconds=1)
"""What the system does so soon after an agreement was made belongs to its making."""
AGREED = (Phase.AGREED, Phase.ACTIVE, Phase.COMPLETED)
TONES = {"completed": "good", "active": "info", "agreed": "info", "proposed": "warm", "failed": "bad", "cancelled": ""}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline; `time` is UTC, `state` is done, current or todo."""

    text: Any
    time: datetime | None
    state: str
    note: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What the agreement is about and who the parties are."""

    listing_id: int
    title: str
    url: str
    owner_id: int
    owner_name: str
    member_id: int
    member_name: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything the template shows; without `kind` its plugin is off, and the page only reads."""

    agreement: Agreement
    actor: Actor
    kind: AgreementKind | None
    subject: Subject
    label: Any
    state: Any
    tone: str
    ended: bool
    waiting: TodoItem | None
    terms: Sequence[TermLine]
    prices: Sequence[PriceLine]
    total: Money | None
    steps: Sequence[Step]
    moves: Sequence[Transition]
    was_agreed: bool

    @property
    def title(self) -> str:
        """Give the page's heading."""
        return f"{self.label}: {self.subject.title}"

    @property
    def overdue(self) -> bool:
        """Tell whether the moment of what is to be done has passed."""
        return self.waiting is not None and self.waiting.due is not None and bool(self.waiting.due <= clock.now())

    @property
    def moves_first(self) -> bool:
        """Tell whether the moves themselves are what is to be done now, so that they stand on top and not beside."""
        waiting = self.waiting
        if waiting is None or waiting.waits or self.ended or self.actor.role == Role.OPERATOR:
            return False
        return waiting.url.partition("#")[0] == f"/agreements/{self.agreement.id}"

    @property
    def other(self) -> tuple[int, str]:
        """Give id and name of whom the viewer deals with; operators look at it from the owner's side."""
        if self.actor.role == Role.MEMBER:
            return self.subject.owner_id, self.subject.owner_name
        return self.subject.member_id, self.subject.member_name


def gathered(agreement: Agreement, viewer: User, made: Sequence[Payment] = ()) -> Page:
    """Gather what `viewer`, who may see the agreement, gets to see; `made` are its payments."""
    kind = agreement_kind(agreement.kind)
    actor = service.actor_for(viewer, agreement)
    ended = agreement.phase in ENDED
    lines = price_lines(agreement) if kind is not None else []
    subject = _subject(agreement)
    events = _events(agreement)
    return Page(
        agreement=agreement,
        actor=actor,
        kind=kind,
        subject=subject,
        label=kind.label if kind is not None else _("Agreement"),
        state=state_label(kind, agreement.state),
        tone=TONES[agreement.phase],
        ended=ended,
        waiting=_waiting(agreement, kind, actor, made, viewer, subject),
        terms=kind.describe(agreement) if kind is not None and kind.describe is not None else (),
        prices=lines,
        total=_sum(lines),
        steps=_steps(agreement, events, kind, viewer, ended=ended),
        moves=service.possible(agreement, actor),
        was_agreed=any(_phase(kind, row.to_state) in AGREED for row in events),
    )


def _waiting(
    agreement: Agreement,
    kind: AgreementKind | None,
    actor: Actor,
    made: Sequence[Payment],
    viewer: User,
    subject: Subject,
) -> TodoItem | None:
    """Say what waits for the viewer: what the kind asks, or what money asks; what waits for the other side comes last."""
    ended = agreement.phase in ENDED
    asked = owed(agreement, made, viewer, subject.title) if ended else _todo(agreement, kind, actor)
    return asked if asked is not None and not asked.waits else cash_to_confirm(made, viewer, subject) or asked


def cash_to_confirm(made: Iterable[Payment], viewer: User, subject: Subject) -> TodoItem | None:
    """Lead whoever is paid in cash to where it is confirmed: until then it does not count."""
    mine = (one for one in made if one.payee_id == viewer.id and one.cash_awaited)
    payment = next(mine, None)
    if payment is None:
        return None
    payer = subject.member_name if payment.payer_id == subject.member_id else subject.owner_name
    text = _("%(name)s pays you in cash: confirm it here once you have it", name=payer)
    url = url_for("payments.cash_received", payment_id=payment.id)
    return TodoItem(text, url, icon="hand-coins", action=_("I received the cash"))


def _todo(agreement: Agreement, kind: AgreementKind | None, actor: Actor) -> TodoItem | None:
    return kind.todo(agreement, str(actor.role)) if kind is not None and kind.todo is not None else None


def owed(agreement: Agreement, made: Iterable[Payment], viewer: User, title: str) -> TodoItem | None:
    """Say what an agreement that is over still wants of `viewer`, as the to-do list does: the first payment they owe."""
    mine = (one for one in made if one.payer_id == viewer.id and one.state in WAITS_FOR_PAYER)
    payment = next(mine, None) if agreement.phase == Phase.COMPLETED else None
    if payment is None:
        return None
    words = {"amount": money(payment.amount_minor, payment.currency, exact=True), "title": title}
    url = url_for("payments.pay", payment_id=payment.id)
    if payment.state == "action_required":
        text = _("Your bank asks you to approve %(amount)s for “%(title)s”", **words)
        return TodoItem(text, url, icon="credit-card", action=_("Approve it"))
    return TodoItem(_("Pay %(amount)s for “%(title)s”", **words), url, icon="credit-card", action=_("Pay"))


def state_label(kind: AgreementKind | None, state: str) -> Any:
    """Give a state's label, or its bare name while the plugin that knows it is off."""
    try:
        return kind.machine.state(state).label if kind is not None else state.replace("_", " ")
    except InvalidTransition:
        return state.replace("_", " ")


def foreseen(agreement: Agreement, move: Transition, role: str) -> str:
    """Say in figures what a move that has to be confirmed would mean now; "" where its kind has nothing to add."""
    kind = agreement_kind(agreement.kind)
    if kind is None or kind.foresee is None or not move.confirm:
        return ""
    return kind.foresee(agreement, move.name, role)


def price_lines(agreement: Agreement) -> list[PriceLine]:
    """List what the agreement costs: the agreed amount, and what plugins add to it."""
    if agreement.amount is None:
        return []
    added = [line for lines in decide("price_lines", agreement=agreement) for line in lines]
    return [PriceLine(_("Agreed amount"), agreement.amount), *added]


def _sum(lines: Sequence[PriceLine]) -> Money | None:
    if not lines:
        return None
    total = lines[0].amount
    for line in lines[1:]:
        total += line.amount
    return total


def _subject(agreement: Agreement) -> Subject:
    owner, member = aliased(User), aliased(User)
    row = db.session.execute(
        select(Listing.kind, Listing.title, Listing.slug, owner.name.label("owner"), member.name.label("member"))
        .select_from(Listing)
        .join(owner, owner.id == agreement.owner_id)
        .join(member, member.id == agreement.member_id)
        .where(Listing.id == agreement.listing_id)
    ).one()
    kind = listing_kind(row.kind)
    endpoint = kind.endpoint if kind is not None else None
    url = url_for(endpoint, listing_id=agreement.listing_id, slug=row.slug) if endpoint else ""
    return Subject(agreement.listing_id, row.title, url, agreement.owner_id, row.owner, agreement.member_id, row.member)


def _phase(kind: AgreementKind | None, state: str) -> Phase | None:
    try:
        return kind.machine.state(state).phase if kind is not None else None
    except InvalidTransition:
        return None


def _events(agreement: Agreement) -> Sequence[Any]:
    """Read the newest part of the history, the newest first."""
    return db.session.execute(
        select(
            AgreementEvent.transition, AgreementEvent.to_state, AgreementEvent.actor_id, AgreementEvent.note,
            AgreementEvent.at, AgreementEvent.actor_role, User.name,
        )
        .outerjoin(User, User.id == AgreementEvent.actor_id)
        .where(AgreementEvent.agreement_id == agreement.id)
        .order_by(AgreementEvent.seq.desc())
        .limit(MOST_EVENTS)
    ).all()  # fmt: skip


def _steps(
    agreement: Agreement, rows: Sequence[Any], kind: AgreementKind | None, viewer: User, *, ended: bool
) -> list[Step]:
    """Tell the history, the oldest first, and what the present state waits for; `rows` are the newest first."""
    steps = []
    for row, author in _told(rows[::-1]):
        text = _("Terms changed") if row.transition == AMENDED else state_label(kind, row.to_state)
        who = _("You") if author.actor_id == viewer.id else author.name or runtime().settings.site_name
        latest = row is rows[0]
        steps.append(
            Step(text, row.at, "current" if latest and not ended else "done", _note(who, row.note), _icon(author))
        )
    if agreement.waits_until is not None and not ended:
        steps.append(Step(_by_itself(agreement, kind), agreement.waits_until, "todo", icon="hourglass"))
    return steps


def _told(rows: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Pair what happened, the oldest first, with who did it: a first state that the system left at once never waited for anybody.

    What came of it is then told as the deed of whoever made the agreement.
    """
    found = [(row, row) for row in rows]
    while len(found) > 1:
        (first, author), (second, _itself) = found[:2]
        if author.transition != CREATED or second.actor_role != Role.SYSTEM or second.at - first.at > AT_ONCE:
            break
        found[:2] = [(second, author)]
    return found


def _by_itself(agreement: Agreement, kind: AgreementKind | None) -> str:
    """Say what happens by itself when the wait is over: it ends, or it goes on with a move of its own, as a plan does."""
    expires_by = kind.machine.state(agreement.state).expires_by if kind is not None else None
    move = next((one for one in kind.machine.transitions if one.name == expires_by), None) if kind is not None else None
    if kind is None or move is None or kind.machine.state(move.target).phase not in ("proposed", "agreed", "active"):
        return _("Ends by itself if nothing happens")
    return str(move.label)


def _note(who: str, note: str) -> str:
    return f"{who}: {note}" if note else who


def _icon(row: Any) -> str:
    return {CREATED: "handshake", AMENDED: "pencil"}.get(row.transition, "")
