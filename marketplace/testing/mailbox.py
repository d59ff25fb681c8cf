"""The mail that a test app sent: it lands in a folder instead of in somebody's inbox."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask

from marketplace.runtime import runtime
from marketplace.testing.clients import refresh


class Mailbox:
    """Everything sent so far, oldest first."""

    def __init__(self, app: Flask) -> None:
        """Read the mail of `app`, whose settings send it to a folder."""
        self._app = app
        self._folder = Path(urlsplit(runtime(app).settings.mail_url).path)

    def deliver(self) -> list[EmailMessage]:
        """Run every job that is due, mail among them, and return all mail."""
        from marketplace.jobs.worker import drain  # only tests that send mail need the worker

        drain(self._app)
        refresh()
        return self.messages

    @property
    def messages(self) -> list[EmailMessage]:
        """Return what was sent, without running any job."""
        files = sorted(self._folder.rglob("*.eml"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        return [BytesParser(policy=policy.default).parsebytes(file.read_bytes()) for file in files]

    def to(self, address: str) -> list[EmailMessage]:
        """Return what was sent to one address."""
        return [message for message in self.messages if address in str(message["To"])]

    @staticmethod
    def text(message: EmailMessage) -> str:
        """Return a message's plain text."""
        body = message.get_body(("plain",))
        return "" if body is None else str(body.get_content())

    def __len__(self) -> int:
        """Return how many messages were sent."""
        return len(self.messages)
