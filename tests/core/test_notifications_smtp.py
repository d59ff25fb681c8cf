"""Mail against a real mail server: handed over, refused for now, refused for good, and encrypted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from flask import Flask
from sqlalchemy import select

from marketplace import clock
from marketplace.config import Settings
from marketplace.database import NetworkInsideTransaction, db, transaction
from marketplace.jobs.errors import GiveUp
from marketplace.jobs.models import Job
from marketplace.jobs.worker import drain
from marketplace.notifications import mail, transport
from marketplace.notifications.service import MAIL_JOB, send_mail
from marketplace.notifications.transport import BadMailAddress, server_of

Answers = dict[str, str]


class Desk:
    """What the mail server says, and what it took."""

    def __init__(self, answers: Answers) -> None:
        """Answer "250 OK" to every command that `answers` does not name."""
        self.answers = answers
        self.taken: list[EmailMessage] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names it
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Take or refuse a reader."""
        answer = self.answers.get("RCPT", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_MAIL(  # noqa: N802 - aiosmtpd names it
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Take or refuse a sender."""
        answer = self.answers.get("MAIL", "250 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd names it
        """Take or refuse a text."""
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            self.taken.append(BytesParser(_class=EmailMessage, policy=default).parsebytes(envelope.content))
        return answer


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def mail_server(answers: Answers, **options: Any) -> Iterator[tuple[Desk, int]]:
    """Run a mail server on a free port of this machine."""
    desk = Desk(answers)
    controller = Controller(desk, hostname="127.0.0.1", port=free_port(), ready_timeout=15, **options)
    controller.start()
    try:
        yield desk, controller.port
    finally:
        controller.stop()


def states() -> list[tuple[str, int]]:
    db.session.rollback()
    rows = db.session.execute(select(Job.state, Job.attempts).where(Job.kind == MAIL_JOB).order_by(Job.id))
    return [(row.state, row.attempts) for row in rows]


def send(app: Flask) -> None:
    with clock.frozen(clock.now()):  # the time until the next try does not pass while a slow machine is at the first
        send_mail("fenna@example.org", "notification", {"text": "Zoë says hello"}, "nl")
        drain(app)


def test_a_mail_reaches_the_server_as_it_was_written(make_app: Callable[..., Flask]) -> None:
    with mail_server({}) as (desk, port):
        app = make_app(mail_url=f"smtp://127.0.0.1:{port}", mail_from="Buurt <hello@buurt.example>")
        with app.app_context():
            send(app)
            assert states() == [("done", 1)]
    (taken,) = desk.taken
    assert (taken["To"], taken["From"]) == ("fenna@example.org", "Buurt <hello@buurt.example>")
    assert taken["Subject"] == "Zoë says hello"
    assert taken["Message-ID"].endswith("@buurt.example>")
    assert "Zoë says hello" in taken.get_content()


@pytest.mark.parametrize(
    "subject",
    ["“x” € verlengd week verlengd naar “x” “Deelauto “Deelauto is week", "naar € te Snap” “Deelauto huur “x” überhaupt week",
     "a" * 90 + " te laat", "“" + "lang " * 40 + "”"],
)  # fmt: skip
def test_a_subject_keeps_every_space_between_words_with_signs_of_their_own(
    make_app: Callable[..., Flask], subject: str
) -> None:
    with mail_server({}) as (desk, port):
        app = make_app(mail_url=f"smtp://127.0.0.1:{port}")
        facts = {"to": "a@example.org", "locale": "nl", "token": "t", "written_at": clock.now()}
        with app.app_context():
            transport.send(subject=subject.strip(), body="-", **facts)
    assert [taken["Subject"] for taken in desk.taken] == [subject.strip()]


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"RCPT": "550 5.1.1 no such person"}, "dead"),
        ({"DATA": "554 5.7.1 looks like spam"}, "dead"),
        ({"RCPT": "450 4.2.1 mailbox busy"}, "queued"),
        ({"DATA": "451 4.3.0 disk full"}, "queued"),
        ({"MAIL": "550 5.7.1 you may not send as that"}, "queued"),
    ],
)
def test_a_refusal_for_good_is_a_dead_letter_and_any_other_is_tried_again(
    make_app: Callable[..., Flask], answers: Answers, state: str
) -> None:
    with mail_server(answers) as (desk, port):
        app = make_app(mail_url=f"smtp://127.0.0.1:{port}")
        with app.app_context():
            send(app)
            assert states() == [(state, 1)]
    assert desk.taken == []


def test_a_server_that_is_down_is_tried_again(make_app: Callable[..., Flask]) -> None:
    app = make_app(mail_url=f"smtp://127.0.0.1:{free_port()}")
    with app.app_context():
        send(app)
        assert states() == [("queued", 1)]
        assert "refused" in db.session.scalars(select(Job.last_error).where(Job.kind == MAIL_JOB)).one()


def test_the_password_is_given_and_a_wrong_one_is_tried_again(make_app: Callable[..., Flask]) -> None:
    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, facts: Any) -> AuthResult:
        assert isinstance(facts, LoginPassword)
        good = (facts.login, facts.password) == (b"buurt", b"s:cret/")
        return AuthResult(success=good)

    options = {"authenticator": authenticate, "auth_require_tls": False}
    with mail_server({}, **options) as (desk, port):
        app = make_app(mail_url=f"smtp://buurt:s%3Acret%2F@127.0.0.1:{port}")
        with app.app_context():
            send(app)
            assert states() == [("done", 1)]
        app = make_app(mail_url=f"smtp://buurt:wrong@127.0.0.1:{port}")
        with app.app_context():
            send(app)
            assert states() == [("done", 1), ("queued", 1)]
    assert len(desk.taken) == 1


def test_required_encryption_that_is_not_offered_sends_nothing(make_app: Callable[..., Flask]) -> None:
    with mail_server({}) as (desk, port):
        app = make_app(mail_url=f"smtp://127.0.0.1:{port}?starttls=require")
        with app.app_context():
            send(app)
            assert states() == [("queued", 1)]
    assert desk.taken == []


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SSLContext:
    """Make a certificate for this machine that only this test trusts, and give the server's side of it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("way", ["smtp", "smtps"])
def test_mail_goes_over_an_encrypted_line(make_app: Callable[..., Flask], certified: SSLContext, way: str) -> None:
    options = {"ssl_context": certified} if way == "smtps" else {"tls_context": certified, "require_starttls": True}
    with mail_server({}, **options) as (desk, port):
        app = make_app(mail_url=f"{way}://127.0.0.1:{port}?starttls=require")
        with app.app_context():
            send(app)
            assert states() == [("done", 1)]
    assert len(desk.taken) == 1


def test_a_server_with_a_certificate_that_nobody_vouches_for_gets_nothing(
    make_app: Callable[..., Flask], certified: SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_server({}, tls_context=certified) as (desk, port):
        app = make_app(mail_url=f"smtp://127.0.0.1:{port}?starttls=require")
        with app.app_context():
            send(app)
            assert states() == [("queued", 1)]
            assert "certificate" in db.session.scalars(select(Job.last_error).where(Job.kind == MAIL_JOB)).one()
    assert desk.taken == []


def test_mail_is_not_sent_inside_a_transaction(app: Flask) -> None:
    with transaction(), pytest.raises(NetworkInsideTransaction):
        mail.deliver({"to": "fenna@example.org"})


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "smtp://",
        "smtp://host:port",
        "smtp://host?starttls=perhaps",
        "file://relative/folder",
        "",
    ],
)
def test_a_mail_address_that_makes_no_sense_is_refused(url: str) -> None:
    with pytest.raises(BadMailAddress):
        server_of(url)


def test_a_mail_address_is_read(make_settings: Callable[..., Settings]) -> None:
    server = server_of("smtps://me%40x:p%2Fw@mail.example:4650")
    assert (server.scheme, server.host, server.port) == ("smtps", "mail.example", 4650)
    assert (server.username, server.password, server.starttls) == ("me@x", "p/w", "auto")
    assert server_of("smtp://mail.example").port == 25
    assert server_of("smtps://mail.example").port == 465
    assert str(server_of("file:///var/spool/the%20mail").folder) == "/var/spool/the mail"


def test_the_text_of_a_mail_can_have_every_sign(app: Flask, tmp_path: Any) -> None:
    facts = {"to": "a@example.org", "locale": "en", "token": "t", "written_at": clock.now()}
    transport.send(subject="Ünïcödé 🚲 " * 20, body="Ünïcödé 🚲\n.\nend", **facts)
    with pytest.raises(GiveUp):
        transport.send(subject="x\ny", body="", **facts)
