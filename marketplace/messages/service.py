"""Conversations: opening one, writing in it, and having read it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import case, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.access import rule
from marketplace.agreements.models import Agreement
from marketplace.database import db, is_sqlite, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.listings.models import Listing
from marketplace.messages.models import LONGEST_BODY, MemberBlock, Message, MessageReport, Participant, Thread
from marketplace.notifications.kinds import MESSAGE
from marketplace.notifications.reading import read_about
from marketplace.notifications.service import notify
from marketplace.users.models import User


@dataclass(frozen=True, slots=True)
class Party:
    """One member of a conversation."""

    user_id: int
    name: str
    state: str
    unread: int


@rule("thread.see")
def _parties_see(user: object, thread: object) -> bool:
    """Parties see a conversation; operators only when a message in it was reported to them."""
    if user is None or not isinstance(user, User) or not isinstance(thread, Thread):
        return False
    if is_party(thread.id, user.id):
        return True
    if not user.is_operator:
        return False
    reported = select(MessageReport.id).join(Message, Message.id == MessageReport.message_id)
    return db.session.scalar(reported.where(Message.thread_id == thread.id).limit(1)) is not None


def is_party(thread_id: int, user_id: int) -> bool:
    """Tell whether a member takes part in a conversation."""
    found = select(Participant.user_id).where(Participant.thread_id == thread_id, Participant.user_id == user_id)
    return db.session.scalar(found) is not None


def path_of(thread_id: int) -> str:
    """Give the address of a conversation."""
    return f"/messages/{thread_id}"


def fresh_key() -> str:
    """Make the random text that a form carries, so that a form sent twice makes one message."""
    return secrets.token_urlsafe(18)


def parties(thread_id: int, *, lock: bool = False) -> Sequence[Party]:
    """List who takes part, by one statement; `lock` keeps their rows until the transaction ends."""
    statement = (
        select(Participant.user_id, User.name, User.state, Participant.unread)
        .join(User, User.id == Participant.user_id)
        .where(Participant.thread_id == thread_id)
        .order_by(Participant.user_id)
    )
    if lock:
        statement = statement.with_for_update(of=Participant)
    return [Party(*row) for row in db.session.execute(statement)]


def about_listing(listing: Listing, asker_id: int) -> Thread:
    """Give the conversation in which a member asks a listing's owner, made when there is none; raises Refused to the owner."""
    if listing.owner_id == asker_id:
        raise Refused(_("This is your own listing."), code="own_listing")
    key = f"listing:{listing.id}:{asker_id}"
    return _open(key, listing.title, (listing.owner_id, asker_id), listing_id=listing.id)


def about_agreement(agreement: Agreement) -> Thread:
    """Give the conversation between an agreement's parties, made when there is none."""
    title = db.session.scalar(select(Listing.title).where(Listing.id == agreement.listing_id)) or ""
    people = (agreement.owner_id, agreement.member_id)
    return _open(f"agreement:{agreement.id}", title, people, listing_id=agreement.listing_id, agreement_id=agreement.id)


def find(key: str) -> int | None:
    """Give the id of the conversation of that key, such as "agreement:12", or None before the first message."""
    return db.session.scalar(select(Thread.id).where(Thread.key == key))


def _open(key: str, subject: str, people: Sequence[int], **about: int) -> Thread:
    """Find or make a conversation; of two who make it at once, one makes it and both get it."""
    dialect = sqlite if is_sqlite() else postgresql
    row = {"key": key, "subject": subject[:120], "created_at": clock.now(), **about}
    with transaction() as session:
        made = dialect.insert(Thread).values(row).on_conflict_do_nothing(index_elements=[Thread.key])
        thread_id = session.scalar(made.returning(Thread.id))
        if thread_id is not None:
            rows = [{"thread_id": thread_id, "user_id": person} for person in dict.fromkeys(people)]
            session.execute(insert(Participant), rows)
        return session.scalars(select(Thread).where(Thread.key == key)).one()


def post(thread_id: int, sender_id: int, body: str, *, form_key: str | None = None) -> int:
    """Write a message and tell the other parties, in one transaction; gives the message's id.

    The others get one notification and one mail per conversation until they have read it. The same `form_key` of the same
    sender gives the first message again. Raises NotFound for strangers, InvalidInput for an empty or overlong text, and
    Refused when the other party blocked the sender, was blocked by the sender, or left.
    """
    text = checked_body(body)
    key = form_key or fresh_key()
    with transaction() as session:
        people = parties(thread_id, lock=True)
        sender = next((party for party in people if party.user_id == sender_id), None)
        if sender is None:
            raise NotFound(_("This page does not exist, or is not for you."))
        others = [party for party in people if party.user_id != sender_id]
        _refuse_unwanted(sender, others)
        row = {"thread_id": thread_id, "sender_id": sender_id, "body": text, "form_key": key, "sent_at": clock.now()}
        dialect = sqlite if is_sqlite() else postgresql
        added = dialect.insert(Message).values(row).on_conflict_do_nothing(index_elements=["sender_id", "form_key"])
        message_id = session.scalar(added.returning(Message.id))
        if message_id is None:
            return _sent_before(sender_id, key)
        _count(thread_id, sender_id, message_id)
        subject = session.scalar(select(Thread.subject).where(Thread.id == thread_id))
        for party in others:
            if not party.unread:
                facts = {"sender": sender.name, "subject": subject}
                notify(party.user_id, MESSAGE, params=facts, url=path_of(thread_id), mail_params={"body": text})
    return int(message_id)


def checked_body(body: str) -> str:
    """Give a message's text without blanks around it; raises InvalidInput for the field `body`."""
    text = body.replace("\r\n", "\n").replace("\0", "").strip()
    if not text:
        raise InvalidInput({"body": _("Write something first.")})
    if len(text) > LONGEST_BODY:
        raise InvalidInput({"body": _("This is too long; at most %(count)s characters fit.", count=LONGEST_BODY)})
    return text


def _refuse_unwanted(sender: Party, others: Sequence[Party]) -> None:
    if sender.state != "active":
        raise Refused(_("Your account can't send messages."), code="not_active")
    if not any(party.state == "active" for party in others):
        raise Refused(_("This member has left, so nobody would read it."), code="nobody_there")
    ids = [party.user_id for party in others]
    blocks = select(MemberBlock.blocker_id).where(
        or_(
            MemberBlock.blocker_id.in_(ids) & (MemberBlock.blocked_id == sender.user_id),
            MemberBlock.blocked_id.in_(ids) & (MemberBlock.blocker_id == sender.user_id),
        )
    )
    blockers = set(db.session.scalars(blocks))
    if sender.user_id in blockers:
        raise Refused(_("You blocked this member. Unblock them to write again."), code="blocked_by_you")
    if blockers:
        raise Refused(_("This member does not take messages from you."), code="blocked")


def _sent_before(sender_id: int, key: str) -> int:
    known = select(Message.id).where(Message.sender_id == sender_id, Message.form_key == key)
    return int(db.session.scalars(known).one())


def _count(thread_id: int, sender_id: int, message_id: int) -> None:
    """Keep the figures by which inboxes are sorted and counted; never backwards when two write at once."""
    db.session.execute(
        update(Participant)
        .where(Participant.thread_id == thread_id)
        .values(
            last_message_id=case(
                (Participant.last_message_id < message_id, message_id), else_=Participant.last_message_id
            ),
            unread=case((Participant.user_id == sender_id, Participant.unread), else_=Participant.unread + 1),
        )
        .execution_options(synchronize_session=False)
    )
    db.session.execute(
        update(Thread)
        .where(Thread.id == thread_id, Thread.last_message_id < message_id)
        .values(last_message_id=message_id)
        .execution_options(synchronize_session=False)
    )


def mark_read(thread_id: int, user_id: int) -> None:
    """Note that a member has read a conversation, and with it the notification about it; costs nothing when there is none."""
    own = (Participant.thread_id == thread_id, Participant.user_id == user_id, Participant.unread > 0)
    if db.session.scalar(select(Participant.unread).where(*own)) is None:
        return
    with transaction() as session:
        session.execute(update(Participant).where(*own).values(unread=0, read_at=clock.now()))
        read_about(user_id, path_of(thread_id))
