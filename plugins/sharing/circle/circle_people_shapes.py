"""Who belongs to a circle, and ways into it, as the API shows them and takes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import url_for

from marketplace.api import api_v1
from plugins.sharing.circle import invitations
from plugins.sharing.circle.circle_api_shapes import CircleOut
from plugins.sharing.circle.circle_models import KEEPER, Circle, CircleInvitation, CircleMember

Id = api_v1.Id
Meta = api_v1.Meta
Time = api_v1.Time
UNSET = api_v1.UNSET
Name = Annotated[str, Meta(min_length=2, max_length=80, examples=["Around Oma Riet"])]
Place = Annotated[
    str, Meta(min_length=1, max_length=80, description="A town or a neighbourhood.", examples=["Utrecht"])
]
AboutText = Annotated[str, Meta(max_length=2000, description="Only members read it.", examples=["She likes tea."])]
CallHours = Annotated[
    int,
    Meta(ge=1, le=336, description="So many hours before it, all are told that somebody is missing.", examples=[48]),
]
LinkJoins = Annotated[
    bool, Meta(description="Who has the link joins at once; else a keeper says yes first.", examples=[False])
]


class NewCircle(api_v1.Input):
    """A circle around somebody; only its members see what is in it."""

    name: Name
    place: Place
    about: AboutText = ""
    call_hours: CallHours = 48
    link_joins: LinkJoins = False


class CircleChanges(api_v1.Input):
    """What to say otherwise of a circle; what is left out stays."""

    name: Name | api_v1.UnsetType = UNSET
    place: Place | api_v1.UnsetType = UNSET
    about: AboutText | api_v1.UnsetType = UNSET
    call_hours: CallHours | api_v1.UnsetType = UNSET
    link_joins: LinkJoins | api_v1.UnsetType = UNSET


class CircleFacts(CircleOut):
    """A circle to one who belongs to it; only keepers see the link by which others join."""

    about: AboutText
    call_hours: CallHours
    link_joins: LinkJoins
    join_url: Annotated[str | None, Meta(examples=[None])]


class CirclePerson(api_v1.Output):
    """Who belongs to a circle, or with the state “asked” waits for a keeper's answer."""

    member_id: Id
    name: Annotated[str, Meta(examples=["Ben"])]
    role: Annotated[str, Meta(examples=["member"])]
    state: Annotated[str, Meta(examples=["in"])]
    since: Time


class InvitationOut(api_v1.Output):
    """An invitation by mail that nobody has used."""

    id: Id
    email: Annotated[str, Meta(examples=["ben@example.org"])]
    expires_at: Time


class CirclePeople(api_v1.Output):
    """Who belongs to a circle, keepers first; only keepers see invitations."""

    data: list[CirclePerson]
    invitations: list[InvitationOut]


class NewInvitation(api_v1.Input):
    """Whom to invite."""

    email: Annotated[str, Meta(min_length=3, max_length=254, examples=["ben@example.org"])]


class JoinWith(api_v1.Input):
    """The last part of the address by which one was invited."""

    token: Annotated[str, Meta(min_length=1, max_length=64, examples=["x7Qk2mB9Wq1z"])]


class PersonMove(api_v1.Input):
    """What a keeper does: answer who asks, make a keeper or a member, or take somebody out."""

    move: Literal["welcome", "refuse", "keeper", "member", "remove"]


class FeedOut(api_v1.Output):
    """The secret address of one's own feed of the circle's calendar."""

    url: api_v1.LinkText


def facts(circle: Circle, row: CircleMember) -> CircleFacts:
    """Give a circle to a member with this row."""
    inviting = row.role == KEEPER and circle.closed_at is None
    return CircleFacts(
        id=circle.id, name=circle.name, place=circle.place, role=row.role, state=row.state,
        closed=circle.closed_at is not None, about=circle.about, call_hours=circle.call_hours, link_joins=circle.link_joins,
        join_url=api_v1.absolute(invitations.path(circle.link_token)) if inviting else None,
        url=api_v1.absolute(url_for("sharing_circles.show", circle_id=circle.id)),
    )  # fmt: skip


def person(row: Any) -> CirclePerson:
    """Give somebody who belongs to a circle."""
    return CirclePerson(member_id=row.member_id, name=row.name, role=row.role, state=row.state, since=row.since)


def invitation(row: CircleInvitation) -> InvitationOut:
    """Give an invitation, without its secret: that is for who is invited."""
    return InvitationOut(id=row.id, email=row.email, expires_at=row.expires_at)
