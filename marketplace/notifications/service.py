"""Telling members what happened: a line in their list, and a mail that a job sends after the commit."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.hooks.types import NotificationKind
from marketplace.jobs.quiet import is_quiet
from marketplace.jobs.service import enqueue, enqueue_many
from marketplace.notifications.facts import encode
from marketplace.notifications.models import Notification
from marketplace.prepared import Prepared
from marketplace.runtime import runtime

MAIL_JOB = "notifications.mail"
_LINE = ("user_id", "kind", "params", "url", "created_at")
_table = cast(Table, Notification.__table__)
_ONE = Prepared(insert(_table), *_LINE)
_TWO = Prepared(
    insert(_table).values(
        [{name: bindparam(name + number, type_=_table.c[name].type) for name in _LINE} for number in ("", "_2")]
    )
)


class UnknownNotification(LookupError):
    """Nobody registered a notification of that kind; the text names it."""


def kind_of(name: str) -> NotificationKind:
    """Give the descriptor of a kind; raises UnknownNotification when nobody that is switched on registered it."""
    try:
        return runtime().registry.notifications[name]
    except KeyError:
        raise UnknownNotification(f"no notification of kind {name!r} is registered") from None


def notify(
    user_id: int,
    kind: str,
    *,
    params: Mapping[str, Any],
    url: str,
    mail: bool = True,
    mail_params: Mapping[str, Any] | None = None,
) -> None:
    """Tell one member, in the caller's transaction: `notify_many` for one."""
    notify_many([user_id], kind, params=params, url=url, mail=mail, mail_params=mail_params)


def notify_many(
    user_ids: Sequence[int],
    kind: str,
    *,
    params: Mapping[str, Any],
    url: str,
    mail: bool = True,
    mail_params: Mapping[str, Any] | None = None,
) -> None:
    """Write a line into each member's list and a mail job for each, all in the caller's transaction.

    `params` are the facts that the kind's text and its mail template name; `Money` and UTC instants are shown in the
    reader's language. `mail_params` are facts for the mail alone, which the list does not keep. `url` is a path of this
    site. The mail is not sent to members who chose against it or whose account is closed, which is found out when it is
    due; quiet work (`jobs.quiet`) writes the line and no mail. Raises UnknownNotification, and ValueError for an address
    elsewhere.
    """
    people = list(dict.fromkeys(user_ids))
    notify_all([(person, kind, mail) for person in people], params=params, url=url, mail_params=mail_params)


def notify_all(
    told: Sequence[tuple[int, str, bool]],
    *,
    params: Mapping[str, Any],
    url: str,
    mail_params: Mapping[str, Any] | None = None,
) -> None:
    """Tell several members the same facts, each by a kind of their own: `told` names member, kind, and whether to mail.

    Otherwise as `notify_many`, and raises what it raises.
    """
    if not url.startswith("/") or url.startswith("//"):
        raise ValueError(f"a notification leads to a path of this site, not to {url!r}")
    kinds = {kind: kind_of(kind) for _person, kind, _mail in told}
    if not told:
        return
    facts, at = encode(params), clock.now()
    with transaction():
        _write([{"user_id": person, "kind": kind, "params": facts, "url": url, "created_at": at}
                for person, kind, _mail in told])  # fmt: skip
        mailed = [(person, kind) for person, kind, mail in told if mail and kinds[kind].mail]
        if mailed and not is_quiet():
            also = {**facts, **encode(mail_params or {})}
            enqueue_many(MAIL_JOB, [_mail(kinds[kind].template or kind, also, user_id=person, kind=kind, url=url)
                                    for person, kind in mailed])  # fmt: skip


def _write(rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the lines of the lists; one or two at a time is what a busy site does all day."""
    match rows:
        case [row]:
            _ONE.run(**row)
        case [first, second]:
            _TWO.run(**first, **{f"{name}_2": value for name, value in second.items()})
        case _:
            db.session.execute(insert(Notification), rows)


def send_mail(to: str, template: str, params: Mapping[str, Any], locale: str, user_id: int | None = None) -> None:
    """Write the job that mails `templates/email/<template>.txt` to an address, in the caller's transaction.

    `locale` is the reader's language. With `user_id`, nothing is sent once that account is closed. Choices of the member
    do not matter here: this is for mail that was asked for, such as a password reset. Quiet work sends none.
    """
    if is_quiet():
        return
    enqueue(MAIL_JOB, _mail(template, encode(params), to=to, locale=locale, user_id=user_id), priority=1)


def _mail(template: str, facts: Any, **more: Any) -> dict[str, Any]:
    """Describe one mail; its token becomes the message id, by which a second delivery of the same job is recognised."""
    about = {name: value for name, value in more.items() if value is not None}
    written = {"template": template, "params": facts, "token": secrets.token_hex(12), "at": clock.now().isoformat()}
    return {**written, **about}
