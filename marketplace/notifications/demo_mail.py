"""The demo's mail window: shows what was written into the mail folder, so that a visitor can confirm an address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from flask import Blueprint, abort, render_template
from markupsafe import Markup, escape

from marketplace.notifications.transport import server_of
from marketplace.runtime import runtime

blueprint = Blueprint("demo_mail", __name__, url_prefix="/demo/mail")

NEWEST = 50
NAME = re.compile(r"^[0-9A-Za-z-]+\.eml$")
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")


@dataclass(frozen=True, slots=True)
class Shown:
    """One mail as the window shows it; `sent_at` is UTC."""

    name: str
    subject: str
    sender: str
    to: str
    sent_at: datetime
    body: str


def folder() -> Path:
    """Give the mail folder; there is no such page outside demo and development, or with a real mail server."""
    settings = runtime().settings
    if settings.environment not in ("demo", "development"):
        abort(404)
    server = server_of(settings.mail_url)
    if server.scheme != "file":
        abort(404)
    return server.folder


def _read(path: Path) -> Shown:
    from email import message_from_bytes, policy  # the demo alone reads mail

    mail = message_from_bytes(path.read_bytes(), policy=policy.default)
    text = mail.get_body(("plain",))
    return Shown(
        path.name,
        str(mail["Subject"]),
        str(mail["From"]),
        str(mail["To"]),
        parsedate_to_datetime(str(mail["Date"])).astimezone(UTC),
        str(text.get_content()) if text is not None else "",
    )


def _mails() -> Iterator[Shown]:
    names = sorted((path.name for path in folder().glob("*.eml") if NAME.match(path.name)), reverse=True)
    for name in names[:NEWEST]:
        yield _read(folder() / name)


def paragraphs(text: str) -> list[Markup]:
    """Split a text at its empty lines and make the addresses in it clickable."""
    return [Markup("<br>").join(map(linked, part.split("\n"))) for part in re.split(r"\n\s*\n", text.strip())]


def linked(line: str) -> Markup:
    """Make addresses clickable; the demo's own lead to this very site, whatever its public address is."""
    own = runtime().settings.base_url.rstrip("/")
    parts, end = [], 0
    for found in LINK.finditer(line):
        address = found.group()
        target = (address.removeprefix(own) or "/") if address.startswith(own) else address
        parts += [escape(line[end : found.start()]), Markup('<a href="{}">{}</a>').format(target, address)]
        end = found.end()
    return Markup("").join([*parts, escape(line[end:])])


@blueprint.get("/")
def index() -> str:
    """List the newest mails."""
    return render_template("notifications/demo_mails.html", mails=list(_mails()))


@blueprint.get("/<name>")
def show(name: str) -> str:
    """Show one mail with clickable links."""
    path = folder() / name
    if not NAME.match(name) or not path.is_file():
        abort(404)
    mail = _read(path)
    return render_template("notifications/demo_mail.html", mail=mail, paragraphs=paragraphs(mail.body))
