"""What the member was told."""

from __future__ import annotations

from typing import Annotated

from marketplace.api_v1 import paging
from marketplace.api_v1.core_part import core
from marketplace.api_v1.operations import Call
from marketplace.api_v1.shapes import Id, LinkText, Meta, NoQuery, Output, Page, PageQuery, Time
from marketplace.notifications import reading

TAG = "Notifications"


class NotificationOut(Output):
    """One notification, in the member's language."""

    id: Id
    text: Annotated[str, Meta(examples=["Somebody pledged to “A cargo bike for the street”."])]
    unread: bool
    at: Time
    url: LinkText


@core.operation(
    "GET", "/notifications", tag=TAG, scopes=("notifications:read",), query=PageQuery, returns=Page[NotificationOut]
)
def list_notifications(call: Call[None, PageQuery]) -> Page[NotificationOut]:
    """List what the member was told, the newest first."""
    before, limit = paging.read_id(call.query.cursor), call.query.limit
    rows = reading.page(call.user.id, before=before, limit=limit + 1)
    return paging.page(rows, limit, _line, lambda row: row.id)


def _line(row: reading.Line) -> NotificationOut:
    return NotificationOut(id=row.id, text=row.text, unread=row.unread, at=row.at, url=paging.absolute(row.url))


@core.operation("POST", "/notifications/read", tag=TAG, scopes=("notifications:write",), status=204)
def read_notifications(call: Call[None, NoQuery]) -> None:
    """Mark everything as read."""
    reading.read_all(call.user.id)


@core.operation(
    "POST", "/notifications/{notification_id}/read", tag=TAG, scopes=("notifications:write",), status=204, errors=(404,)
)
def read_notification(call: Call[None, NoQuery], notification_id: int) -> None:
    """Mark one as read."""
    reading.open_one(call.user.id, notification_id)
