"""The API of who belongs to a circle: starting, inviting, joining, keeping, leaving, closing; the pages' use cases."""

from __future__ import annotations

from dataclasses import asdict

from flask import url_for

from marketplace.api import User, api_v1
from plugins.sharing.circle import circle_api_shapes as api_shapes
from plugins.sharing.circle import circle_feeds, circle_reads, circles, invitations
from plugins.sharing.circle import circle_people_shapes as shapes
from plugins.sharing.circle.circle_api_part import CIRCLES, PEOPLE, READ, part
from plugins.sharing.circle.circle_api_shapes import CircleOut
from plugins.sharing.circle.circle_models import KEEPER
from plugins.sharing.circle.circle_people_shapes import (
    CircleChanges,
    CircleFacts,
    CirclePeople,
    FeedOut,
    InvitationOut,
    JoinWith,
    NewCircle,
    NewInvitation,
    PersonMove,
)
from plugins.sharing.circle.circles import About

MAILS_A_MINUTE = 3
"""Each invitation is a mail to somebody who did not ask for it."""

JOINS_A_MINUTE = 10
"""Somebody who knows where the way in is needs one; each that asks is news for the keepers."""

NAMES = ("name", "place", "about", "call_hours", "link_joins")


def _facts(circle_id: int, user: User) -> CircleFacts:
    return shapes.facts(*circles.of_member(circle_id, user))


@part.operation(
    "POST", "/sharing/circles", tag=CIRCLES, scopes=PEOPLE, body=NewCircle, returns=CircleFacts, status=201, errors=(409,),
    idempotency="required",
)  # fmt: skip
def start_circle(call: api_v1.Call[NewCircle, api_v1.Query]) -> api_v1.Reply:
    """Start a circle, of which the caller becomes the first keeper."""
    made = circles.start(call.user, About(**{name: getattr(call.body, name) for name in NAMES}))
    location = url_for("sharing_circle_api.get_circle", circle_id=made.id)
    return api_v1.Reply(_facts(made.id, call.user), location=location)


@part.operation("GET", "/sharing/circles/{circle_id}", tag=CIRCLES, scopes=READ, returns=CircleFacts, errors=(404,))
def get_circle(call: api_v1.Call[None, api_v1.Query], circle_id: int) -> CircleFacts:
    """Give a circle to one who belongs to it."""
    return _facts(circle_id, call.user)


@part.operation(
    "PATCH", "/sharing/circles/{circle_id}", tag=CIRCLES, scopes=PEOPLE, body=CircleChanges, returns=CircleFacts,
    errors=(403, 404), idempotency="optional",
)  # fmt: skip
def change_circle(call: api_v1.Call[CircleChanges, api_v1.Query], circle_id: int) -> CircleFacts:
    """Change what is said of a circle, as a keeper."""
    circle, _row = circles.of_member(circle_id, call.user)
    now = About(**{name: getattr(circle, name) for name in NAMES})
    circles.change(circle_id, call.user, About(**{**asdict(now), **api_v1.given(call.body, *NAMES)}))
    return _facts(circle_id, call.user)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/close", tag=CIRCLES, scopes=PEOPLE, returns=CircleFacts, errors=(403, 404),
    idempotency="optional",
)  # fmt: skip
def close_circle(call: api_v1.Call[None, api_v1.Query], circle_id: int) -> CircleFacts:
    """Close a circle for good, as a keeper; its members can still read it."""
    circles.close(circle_id, call.user)
    return _facts(circle_id, call.user)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/leave", tag=CIRCLES, scopes=PEOPLE, status=204, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def leave_circle(call: api_v1.Call[None, api_v1.Query], circle_id: int) -> None:
    """Leave a circle; what the caller had taken on is free again. The last keeper can't."""
    circles.leave(circle_id, call.user)


@part.operation(
    "GET", "/sharing/circles/{circle_id}/people", tag=CIRCLES, scopes=READ, returns=CirclePeople, errors=(404,)
)
def list_circle_people(call: api_v1.Call[None, api_v1.Query], circle_id: int) -> CirclePeople:
    """Give who belongs to a circle and who asks to; keepers also see invitations that are under way."""
    return _people(circle_id, call.user)


def _people(circle_id: int, user: User) -> CirclePeople:
    _circle, row = circles.of_member(circle_id, user)
    invited = invitations.open_of(circle_id) if row.role == KEEPER else ()
    return CirclePeople(
        data=[shapes.person(one) for one in circle_reads.members(circle_id)],
        invitations=[shapes.invitation(one) for one in invited],
    )


@part.operation(
    "POST", "/sharing/circles/{circle_id}/people/{member_id}/moves", tag=CIRCLES, scopes=PEOPLE, body=PersonMove,
    returns=CirclePeople, errors=(403, 404, 409), idempotency="optional",
)  # fmt: skip
def move_circle_person(call: api_v1.Call[PersonMove, api_v1.Query], circle_id: int, member_id: int) -> CirclePeople:
    """Let in who asks or not, make somebody a keeper or a member, or take somebody out, as a keeper."""
    circles.of_member(circle_id, call.user)
    circles.move(circle_id, member_id, call.user, call.body.move)
    return _people(circle_id, call.user)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/invitations", tag=CIRCLES, scopes=PEOPLE, body=NewInvitation,
    returns=InvitationOut, status=201, errors=(403, 404, 409), idempotency="required",
)  # fmt: skip
def invite_to_circle(call: api_v1.Call[NewInvitation, api_v1.Query], circle_id: int) -> InvitationOut:
    """Invite somebody by mail, as a keeper; invited again, the former invitation is replaced."""
    api_v1.often(f"circle invitations {call.user.id}", MAILS_A_MINUTE)
    circles.of_member(circle_id, call.user)
    return shapes.invitation(invitations.invite(circle_id, call.user, call.body.email))


@part.operation(
    "DELETE", "/sharing/circles/{circle_id}/invitations/{invitation_id}", tag=CIRCLES, scopes=PEOPLE, status=204,
    errors=(403, 404),
)  # fmt: skip
def take_invitation_back(call: api_v1.Call[None, api_v1.Query], circle_id: int, invitation_id: int) -> None:
    """Take an invitation back, as a keeper; one that was used, or is no more, changes nothing."""
    circles.of_member(circle_id, call.user)
    invitations.take_back(circle_id, invitation_id, call.user)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/link", tag=CIRCLES, scopes=PEOPLE, returns=CircleFacts, errors=(403, 404),
    idempotency="optional",
)  # fmt: skip
def renew_circle_link(call: api_v1.Call[None, api_v1.Query], circle_id: int) -> CircleFacts:
    """Make another link by which others join; the old one leads nowhere from now on."""
    circles.renew_link(circle_id, call.user)
    return _facts(circle_id, call.user)


@part.operation(
    "POST", "/sharing/circles/join", tag=CIRCLES, scopes=PEOPLE, body=JoinWith, returns=CircleOut, errors=(404, 409),
    idempotency="optional",
)  # fmt: skip
def join_circle(call: api_v1.Call[JoinWith, api_v1.Query]) -> CircleOut:
    """Join by an invitation or a link; the state is “asked” where a keeper has to say yes first."""
    api_v1.often(f"circle joins {call.user.id}", JOINS_A_MINUTE)
    row = invitations.join(call.body.token, call.user)
    found = next(one for one in circle_reads.mine(call.user.id) if one.id == row.circle_id)
    return api_shapes.circle(found)


def _feed(circle_id: int, user: User, *, renew: bool) -> FeedOut:
    circles.of_member(circle_id, user)
    token = circle_feeds.token_of(circle_id, user, renew=renew)
    return FeedOut(url=api_v1.absolute(url_for("sharing_circle_people.feed", token=token)))


@part.operation(
    "PUT", "/sharing/circles/{circle_id}/feed", tag=CIRCLES, scopes=PEOPLE, returns=FeedOut, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def get_circle_feed(call: api_v1.Call[None, api_v1.Query], circle_id: int) -> FeedOut:
    """Give the secret address of one's own calendar feed, made when it is first asked for."""
    return _feed(circle_id, call.user, renew=False)


@part.operation(
    "POST", "/sharing/circles/{circle_id}/feed", tag=CIRCLES, scopes=PEOPLE, returns=FeedOut, errors=(404,),
    idempotency="optional",
)  # fmt: skip
def renew_circle_feed(call: api_v1.Call[None, api_v1.Query], circle_id: int) -> FeedOut:
    """Give the feed another address; the old one leads nowhere from now on."""
    return _feed(circle_id, call.user, renew=True)
