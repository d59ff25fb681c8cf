"""Handing a mail to a server (smtp, smtps) or, in the demo and in tests, writing it into a folder (file)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from marketplace.jobs.errors import GiveUp
from marketplace.runtime import runtime

if TYPE_CHECKING:
    from smtplib import SMTP

PORTS = {"smtp": 25, "smtps": 465}
TIMEOUT_SECONDS = 20


class _Subject(UnstructuredHeader, BaseHeader):
    """A subject that is encoded as a whole: word by word, as it is done otherwise, spaces between two of them get lost."""

    def fold(self, *, policy: Any) -> str:
        """Write the line for a mail, folded."""
        if self.isascii():
            return super().fold(policy=policy)
        words = Header(str(self), "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {words}{policy.linesep}"


_headers = HeaderRegistry()
_headers.map_to_type("subject", _Subject)
POLICY = EmailPolicy(header_factory=_headers)


class BadMailAddress(ValueError):
    """MARKETPLACE_MAIL_URL can't be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail goes. `starttls` is "auto" (when offered, except on this very machine), "require" or "off"."""

    scheme: str
    host: str
    port: int
    username: str
    password: str
    starttls: str
    folder: Path


def server_of(url: str) -> Server:
    """Read `smtp://user:password@host:port?starttls=auto|require|off`, `smtps://…` or `file:///dir`; raises BadMailAddress."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Server("file", "", 0, "", "", "off", _folder(parts))
    if parts.scheme not in PORTS or not parts.hostname:
        raise BadMailAddress("expected smtp://host, smtps://host or file:///folder")
    try:
        port = parts.port or PORTS[parts.scheme]
    except ValueError:
        raise BadMailAddress("the port is no number") from None
    starttls = parse_qs(parts.query).get("starttls", ["auto"])[0]
    if starttls not in ("auto", "require", "off"):
        raise BadMailAddress("starttls is auto, require or off")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Server(parts.scheme, parts.hostname, port, user, password, starttls, Path())


def _folder(parts: SplitResult) -> Path:
    if parts.netloc or not parts.path.startswith("/"):
        raise BadMailAddress("a folder is written file:///with/three/slashes")
    return Path(unquote(parts.path))


def send(
    *,
    to: str,
    subject: str,
    body: str,
    locale: str,
    token: str,
    written_at: datetime,
    unsubscribe: str | None = None,
) -> None:
    """Send one mail in plain text; raises GiveUp when it is refused for good, and other errors when trying again may help.

    `token` makes the message id and, in a folder, with `written_at` (UTC) the file's name: a repeat replaces the first.
    """
    settings = runtime().settings
    server = server_of(settings.mail_url)
    host = parseaddr(settings.mail_from)[1].rpartition("@")[2] or "localhost"
    message = _addressed(settings.mail_from, to, subject)
    message["Date"] = format_datetime(written_at)
    message["Message-ID"] = f"<{token}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday reply should answer this
    if unsubscribe:
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
    message.set_content(body)
    message["Content-Language"] = locale
    if server.scheme == "file":
        _write(server.folder, f"{written_at:%Y%m%dT%H%M%S}-{token}.eml", message)
    else:
        _hand_over(server, message)


def _addressed(sender: str, to: str, subject: str) -> EmailMessage:
    """Begin a mail to exactly one reader; raises GiveUp when nobody can have that address."""
    message = EmailMessage(POLICY)
    try:
        message["From"], message["To"], message["Subject"] = sender, to, subject
        addresses = message["To"].addresses
    except (ValueError, IndexError) as error:
        raise GiveUp(f"no mail can be written to this address: {error}") from None
    if len(addresses) != 1 or not addresses[0].username or not addresses[0].domain:
        raise GiveUp("no mail can be written to this address")
    return message


def _write(folder: Path, name: str, message: EmailMessage) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_bytes(message.as_bytes())
    draft.replace(folder / name)


def _hand_over(server: Server, message: EmailMessage) -> None:
    """Talk to the mail server. A permanent refusal of the reader or the text (RFC 5321: 5yz) ends the matter."""
    import smtplib  # only workers send mail

    try:
        with _connected(server) as connection:
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as refusal:
        codes = {address: answer[0] for address, answer in refusal.recipients.items()}
        if all(code >= 500 for code in codes.values()):
            raise GiveUp(f"the mail server refuses the reader for good: {refusal.recipients}") from None
        raise
    except smtplib.SMTPDataError as refusal:
        if refusal.smtp_code >= 500:
            raise GiveUp(f"the mail server refuses the text for good: {refusal}") from None
        raise
    except smtplib.SMTPNotSupportedError as refusal:
        raise GiveUp(f"the mail server can't take this mail: {refusal}") from None


@contextmanager
def _connected(server: Server) -> Iterator[SMTP]:
    import smtplib  # as above
    import ssl

    if server.scheme == "smtps":
        context = ssl.create_default_context()
        link: SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=context)
    else:
        link = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)
    with link as connection:
        safe = server.scheme == "smtps"
        if not safe and _wants_starttls(server, connection):
            connection.starttls(context=ssl.create_default_context())
            safe = True
        if server.username:
            if not safe and not _on_this_machine(server.host):
                raise BadMailAddress("the mail server offers no encryption, so the password is not sent")
            connection.login(server.username, server.password)
        yield connection


def _wants_starttls(server: Server, connection: SMTP) -> bool:
    if server.starttls == "off":
        return False
    connection.ehlo_or_helo_if_needed()
    if server.starttls == "require":
        if not connection.has_extn("starttls"):
            raise BadMailAddress("the mail server offers no STARTTLS, and starttls=require")
        return True
    return connection.has_extn("starttls") and not _on_this_machine(server.host)


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
