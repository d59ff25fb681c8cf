"""The job that turns one mail row into words in the reader's language and hands it to the mail server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import current_app
from flask_babel import force_locale
from sqlalchemy import Table, bindparam, select

from marketplace.database import db, reading, refuse_inside_transaction
from marketplace.logs import log_of
from marketplace.notifications import transport
from marketplace.notifications.choices import wants_mail
from marketplace.notifications.facts import readable
from marketplace.notifications.kinds import group_of, sentence
from marketplace.prepared import Prepared
from marketplace.runtime import runtime
from marketplace.users.models import User

log = log_of(__name__)

_user = cast(Table, User.__table__).c
_MEMBER = Prepared(
    select(_user.email, _user.locale, _user.name, _user.state, _user.mail_choices, _user.email_confirmed_at)
    .where(_user.id == bindparam("user"))
)  # fmt: skip

LONGEST_SUBJECT = 150
CHOICES_PATH = "/account/notifications"


@dataclass(frozen=True, slots=True)
class Reader:
    """Who gets a mail: address, language, and the name, which is empty when we only know an address."""

    address: str
    locale: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail in words."""

    subject: str
    body: str


def absolute(path: str) -> str:
    """Give the public address of a path of this site."""
    return runtime().settings.base_url.rstrip("/") + path


def deliver(payload: dict[str, Any]) -> None:
    """Send the mail that `payload` describes, unless its reader no longer wants it; a repeat has the same message id."""
    refuse_inside_transaction("sending mail")
    reader = _reader(payload)
    db.session.commit()  # no connection is held while the mail server takes its time
    if reader is None:
        return
    letter = compose(payload, reader)
    transport.send(
        to=reader.address,
        subject=letter.subject,
        body=letter.body,
        locale=reader.locale,
        token=payload["token"],
        written_at=datetime.fromisoformat(payload["at"]),
        unsubscribe=absolute(CHOICES_PATH) if payload.get("kind") else None,
    )
    log.info("mail_sent", template=payload["template"], token=payload["token"])


def _reader(payload: dict[str, Any]) -> Reader | None:
    """Find out who gets this mail now: accounts close, addresses change, and members choose."""
    user_id, to = payload.get("user_id"), payload.get("to")
    if user_id is None:
        return Reader(str(to), payload["locale"])
    reading()
    member = _MEMBER.one(user=user_id)
    if member is None or member.state == "closed":
        return None
    if to is not None:
        return Reader(to, payload["locale"], member.name)
    group = group_of(payload["kind"])
    if member.email_confirmed_at is None or not wants_mail(member.mail_choices, group):
        return None
    return Reader(member.email, member.locale, member.name)


def compose(payload: dict[str, Any], reader: Reader) -> Letter:
    """Write a mail in the reader's language: the first line of the template is the subject."""
    settings = runtime().settings
    locale = reader.locale if reader.locale in settings.locales else settings.locale
    kind = payload.get("kind")
    templates: list[Any] = [f"email/{payload['template']}.txt", *(["email/notification.txt"] if kind else [])]
    with force_locale(locale):
        facts: dict[str, Any] = {
            **readable(payload["params"]),
            "link": absolute(payload.get("url", "/")),
            "name": reader.name,
            "absolute": absolute,
            **({"text": sentence(kind, payload["params"])} if kind else {}),
        }
        text = current_app.jinja_env.get_or_select_template(templates).render(facts)
        subject, _line, body = text.lstrip().partition("\n")
        choices = absolute(CHOICES_PATH) if kind else ""
        framed = current_app.jinja_env.get_template("email/layout.txt").render(body=body.strip(), choices=choices)
    return Letter(" ".join(subject.split())[:LONGEST_SUBJECT], framed.strip() + "\n")
