"""Members: oneself, and what anybody may know of the others."""

from __future__ import annotations

from typing import Annotated, Any

from flask import url_for

from marketplace.api_v1.core_part import core
from marketplace.api_v1.operations import Call
from marketplace.api_v1.paging import absolute
from marketplace.api_v1.shapes import (
    UNSET,
    Id,
    Input,
    LinkText,
    Meta,
    NoQuery,
    Output,
    Time,
    UnsetType,
    given,
)
from marketplace.notifications import choices
from marketplace.notifications.kinds import GROUPS
from marketplace.notifications.reading import count_unread
from marketplace.users import export, people, profile, todo
from marketplace.users.models import User
from marketplace.users.profile import Profile

TAG = "Members"
Name = Annotated[str, Meta(min_length=1, max_length=80, examples=["Fenna de Wit"])]
About = Annotated[str, Meta(max_length=2000, examples=["I repair bikes."])]
PlaceName = Annotated[str, Meta(max_length=80, examples=["Utrecht"])]


class Member(Output):
    """What anybody may know of a member."""

    id: Id
    name: Name
    about: About
    place: PlaceName
    member_since: Time
    url: LinkText


class Unread(Output):
    """How much is new."""

    notifications: Annotated[int, Meta(ge=0)]
    threads: Annotated[int, Meta(ge=0)]


class Me(Output):
    """The member whose token this is."""

    id: Id
    name: Name
    about: About
    place: PlaceName
    email: Annotated[str, Meta(examples=["fenna@example.org"])]
    email_confirmed: bool
    locale: Annotated[str, Meta(examples=["nl"])]
    role: Annotated[str, Meta(examples=["member"])]
    member_since: Time
    mail_groups: Annotated[list[str], Meta(description="Which notifications also come by mail.")]
    unread: Unread
    scopes: Annotated[list[str], Meta(description="What this token may do.", examples=[["profile:read"]])]
    url: LinkText


class MeChanges(Input):
    """What to change; what is left out stays as it is."""

    name: Name | UnsetType = UNSET
    about: About | UnsetType = UNSET
    place: PlaceName | UnsetType = UNSET
    locale: Annotated[str, Meta(max_length=8, examples=["nl"])] | UnsetType = UNSET
    mail_groups: list[Annotated[str, Meta(max_length=40, examples=["messages"])]] | UnsetType = UNSET


class TodoLine(Output):
    """One thing that waits for the member."""

    text: Annotated[str, Meta(examples=["Finish and publish “Cargo bike”"])]
    url: LinkText
    due: Time | None


class TodoList(Output):
    """Everything that waits, what is due first on top."""

    data: list[TodoLine]


def shown(call: Call[Any, Any], user: User) -> Me:
    """Give the caller as the API shows it, by one statement for what is unread."""
    unread = count_unread(user.id)
    off = choices.unwanted(user.mail_choices or "")
    return Me(
        id=user.id,
        name=user.name,
        about=user.about,
        place=user.place,
        email=user.email,
        email_confirmed=user.email_confirmed_at is not None,
        locale=user.locale,
        role=user.role,
        member_since=user.created_at,
        mail_groups=[group for group in GROUPS if group not in off],
        unread=Unread(notifications=unread.notifications, threads=unread.threads),
        scopes=sorted(call.caller.scopes) if call.caller else [],
        url=absolute(url_for("users.profile", user_id=user.id)),
    )


@core.operation("GET", "/me", tag=TAG, scopes=("profile:read",), returns=Me)
def get_me(call: Call[None, NoQuery]) -> Me:
    """Give the member whose token this is."""
    return shown(call, call.user)


@core.operation("PATCH", "/me", tag=TAG, scopes=("profile:write",), body=MeChanges, returns=Me, idempotency="optional")
def change_me(call: Call[MeChanges, NoQuery]) -> Me:
    """Change the own profile."""
    user = profile.owned(call.user.id)
    sent = given(call.body, "name", "about", "place", "locale")
    if sent:
        sent = {name: text.strip() for name, text in sent.items()}
        kept = {name: getattr(user, name) for name in ("name", "about", "place", "locale")}
        user = profile.update(user.id, Profile(lat=user.lat, lon=user.lon, **{**kept, **sent}))
    if call.body.mail_groups is not UNSET:
        choices.choose(user.id, call.body.mail_groups)
        user = profile.owned(user.id)
    return shown(call, user)


@core.operation("GET", "/me/todo", tag=TAG, scopes=("profile:read", "agreements:read"), returns=TodoList)
def list_todo(call: Call[None, NoQuery]) -> TodoList:
    """List what waits for the member."""
    found = todo.items(call.user)
    return TodoList(data=[TodoLine(text=str(item.text), url=absolute(item.url), due=item.due) for item in found])


@core.operation(
    "GET",
    "/me/export",
    tag=TAG,
    scopes=("profile:read", "agreements:read", "payments:read", "messages:read"),
    returns=dict[str, Any],
)
def export_me(call: Call[None, NoQuery]) -> dict[str, Any]:
    """Give everything that is kept about the member."""
    return export.everything(call.user)


@core.operation("GET", "/members/{member_id}", tag=TAG, public=True, returns=Member, errors=(404,))
def get_member(call: Call[None, NoQuery], member_id: int) -> Member:
    """Give what anybody may know of a member."""
    found = people.public(member_id)
    return Member(
        id=found.id,
        name=found.name,
        about=found.about,
        place=found.place,
        member_since=found.created_at,
        url=absolute(url_for("users.profile", user_id=found.id)),
    )
