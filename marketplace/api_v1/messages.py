"""Conversations: the inbox, one conversation, writing, and not wanting to hear from somebody."""

from __future__ import annotations

from typing import Annotated

from flask_babel import gettext as _

from marketplace import access
from marketplace.api_v1 import agreements, paging
from marketplace.api_v1.core_part import core
from marketplace.api_v1.operations import Call
from marketplace.api_v1.shapes import Id, Input, Meta, NoQuery, Output, Page, PageQuery, Person, Time
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.listings import service as listings
from marketplace.messages import inbox, moderation, service
from marketplace.messages.models import Thread
from marketplace.users import people
from marketplace.users.models import User

TAG = "Messages"
READ, WRITE = ("messages:read",), ("messages:write",)


class ThreadOut(Output):
    """A conversation; `preview` is the beginning of its newest message."""

    id: Id
    subject: Annotated[str, Meta(examples=["Cordless drill"])]
    other_name: str
    preview: str
    own: Annotated[bool, Meta(description="The newest message is the caller's.")]
    unread: Annotated[int, Meta(ge=0)]
    at: Time


class MessageOut(Output):
    """A message; `body` is empty where an operator removed it."""

    id: Id
    sender: Person
    body: str
    removed: bool
    at: Time


class NewMessage(Input):
    """A message to write."""

    body: Annotated[str, Meta(min_length=1, max_length=4000, examples=["Is the drill free on Saturday?"])]


class Sent(Output):
    """Where the message stands."""

    id: Id
    thread_id: Id


class MessageReport(Input):
    """What is wrong with a message."""

    reason: Annotated[str, Meta(min_length=1, max_length=1000, examples=["He wants to be paid outside the site."])]


@core.operation("GET", "/threads", tag=TAG, scopes=READ, query=PageQuery, returns=Page[ThreadOut])
def list_threads(call: Call[None, PageQuery]) -> Page[ThreadOut]:
    """List the member's conversations, the newest message first."""
    before, limit = paging.read_id(call.query.cursor), call.query.limit
    rows = inbox.threads(call.user.id, before=before, limit=limit + 1)
    return paging.page(rows, limit, _thread, lambda row: row.last_message_id)


def _thread(row: inbox.ThreadLine) -> ThreadOut:
    return ThreadOut(
        id=row.id, subject=row.subject, other_name=row.other, preview=row.preview, own=row.own, unread=row.unread,
        at=row.at,
    )  # fmt: skip


def _seen(thread_id: int, user: User) -> Thread:
    thread = db.session.get(Thread, thread_id)
    if thread is None:
        raise NotFound(_("There is no such conversation."))
    access.require(user, "thread.see", thread)
    return thread


@core.operation(
    "GET",
    "/threads/{thread_id}/messages",
    tag=TAG,
    scopes=READ,
    query=PageQuery,
    returns=Page[MessageOut],
    errors=(404,),
)
def list_messages(call: Call[None, PageQuery], thread_id: int) -> Page[MessageOut]:
    """List a conversation's messages, the newest first. Reading here does not mark them as read."""
    _seen(thread_id, call.user)
    before, limit = paging.read_id(call.query.cursor), call.query.limit
    rows = list(reversed(inbox.messages(thread_id, before=before, limit=limit + 1)))
    return paging.page(rows, limit, _message, lambda row: row.id)


def _message(row: inbox.MessageLine) -> MessageOut:
    sender = Person(id=row.sender_id, name=row.sender)
    return MessageOut(id=row.id, sender=sender, body=row.body, removed=row.removed, at=row.at)


def _post(call: Call[NewMessage, NoQuery], thread_id: int) -> Sent:
    access.require(call.user, "member.take_part")
    sent = service.post(thread_id, call.user.id, call.body.body, form_key=call.key)
    return Sent(id=sent, thread_id=thread_id)


@core.operation(
    "POST", "/threads/{thread_id}/messages", tag=TAG, scopes=WRITE, body=NewMessage, returns=Sent, status=201,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def write_message(call: Call[NewMessage, NoQuery], thread_id: int) -> Sent:
    """Write in a conversation."""
    return _post(call, thread_id)


@core.operation(
    "POST", "/listings/{listing_id}/messages", tag=TAG, scopes=WRITE, body=NewMessage, returns=Sent, status=201,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def ask_about_listing(call: Call[NewMessage, NoQuery], listing_id: int) -> Sent:
    """Ask a listing's owner something; opens the conversation when there is none."""
    listing = listings.visible(listing_id, call.user)
    if listing.state not in ("published", "closed"):
        raise NotFound(_("This page does not exist, or is not for you."))
    return _post(call, service.about_listing(listing, call.user.id).id)


@core.operation(
    "POST", "/agreements/{agreement_id}/messages", tag=TAG, scopes=WRITE, body=NewMessage, returns=Sent, status=201,
    errors=(404, 409), idempotency="optional",
)  # fmt: skip
def write_about_agreement(call: Call[NewMessage, NoQuery], agreement_id: int) -> Sent:
    """Write to the other party of an agreement; opens the conversation when there is none."""
    agreement = agreements.seen(agreement_id, call.user)
    return _post(call, service.about_agreement(agreement).id)


@core.operation("POST", "/threads/{thread_id}/read", tag=TAG, scopes=WRITE, status=204, errors=(404,))
def read_thread(call: Call[None, NoQuery], thread_id: int) -> None:
    """Mark a conversation as read."""
    _seen(thread_id, call.user)
    service.mark_read(thread_id, call.user.id)


@core.operation(
    "POST", "/messages/{message_id}/reports", tag=TAG, scopes=WRITE, body=MessageReport, status=204, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def report_message(call: Call[MessageReport, NoQuery], message_id: int) -> None:
    """Tell the operators about a message that one got."""
    moderation.report(message_id, call.user.id, call.body.reason)


@core.operation("PUT", "/me/blocks/{member_id}", tag=TAG, scopes=WRITE, status=204, errors=(404, 409))
def block_member(call: Call[None, NoQuery], member_id: int) -> None:
    """Take no messages from a member any more."""
    moderation.block(call.user.id, people.public(member_id).id)


@core.operation("DELETE", "/me/blocks/{member_id}", tag=TAG, scopes=WRITE, status=204)
def unblock_member(call: Call[None, NoQuery], member_id: int) -> None:
    """Take messages from a member again."""
    moderation.unblock(call.user.id, member_id)
