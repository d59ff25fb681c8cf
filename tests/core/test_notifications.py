"""What members are told: in their list, in their language, and by mail when they want it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from marketplace.database import db, transaction
from marketplace.hooks.types import NotificationKind
from marketplace.jobs.models import Job
from marketplace.money import Money
from marketplace.notifications import choices, reading, service
from marketplace.notifications.facts import encode, readable
from marketplace.notifications.kinds import sentence
from marketplace.runtime import runtime
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.mailbox import Mailbox
from marketplace.testing.people import Auth
from marketplace.users.models import User

KINDS = (
    NotificationKind("test.paid", "%(who)s paid %(amount)s by %(at)s", group="payments", icon="coins"),
    NotificationKind("test.quiet", "A quiet word about %(what)s", mail=False),
    NotificationKind("test.needed", "Your bank wants you to confirm %(amount)s", group="payments", required=True),
)
PARAMS = {"who": "Zoë & Co", "amount": Money(1850, "EUR"), "at": datetime(2026, 5, 1, 10, 0, tzinfo=UTC)}


@pytest.fixture(autouse=True)
def kinds(app: Flask) -> None:
    """Register kinds of our own beside the app's."""
    here = runtime(app)
    known = {**here.registry.notifications, **{kind.name: kind for kind in KINDS}}
    here.registry = dataclasses.replace(here.registry, notifications=known)


def test_a_notification_is_put_into_words_when_it_is_read(app: Flask, factories: Factories) -> None:
    member = factories.user()
    service.notify(member.id, "test.paid", params=PARAMS, url="/agreements/1")
    with force_locale("en"):
        (line,) = reading.page(member.id)
        assert line.text == "Zoë & Co paid €18.50 by 1 May 2026, 12:00"
    with force_locale("nl"):
        assert "€ 18,50" in reading.page(member.id)[0].text.replace("\N{NO-BREAK SPACE}", " ")
    assert (line.icon, line.url, line.unread) == ("coins", "/agreements/1", True)


def test_facts_keep_their_meaning_as_json(app: Flask) -> None:
    facts = encode({"n": 3, "list": [Money(100, "EUR")], "day": date(2026, 5, 1), "none": None, "lazy": KINDS[0].group})
    assert facts["n"] == 3
    with force_locale("en"):
        shown = readable(facts)
    assert shown["list"] == ["€1"]
    assert shown["day"] == "1 May 2026"
    assert shown["lazy"] == "payments"
    with pytest.raises(ValueError, match="zone"):
        encode({"at": datetime(2026, 5, 1)})  # noqa: DTZ001 - the naive time is the point


def test_a_fact_that_is_missing_leaves_a_gap_and_an_unknown_kind_a_sentence(app: Flask) -> None:
    assert sentence("test.paid", {"who": "Zoë"}).startswith("Zoë paid … by")
    assert "switched off" in sentence("gone.kind", {})


def test_an_unknown_kind_and_a_foreign_address_are_refused(app: Flask, factories: Factories) -> None:
    member = factories.user()
    with pytest.raises(service.UnknownNotification):
        service.notify(member.id, "nothing", params={}, url="/")
    for url in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        with pytest.raises(ValueError, match="path of this site"):
            service.notify(member.id, "test.quiet", params={}, url=url)


def test_a_notification_of_a_transaction_that_rolls_back_never_was(
    app: Flask, factories: Factories, mailbox: Mailbox
) -> None:
    member = factories.user()

    def fail() -> None:
        with transaction():
            service.notify(member.id, "test.paid", params=PARAMS, url="/agreements/1")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert mailbox.deliver() == []
    assert reading.page(member.id) == []


def test_telling_many_members_costs_two_statements(
    app: Flask, factories: Factories, mailbox: Mailbox, statements: Callable[[], Any]
) -> None:
    people = [factories.user() for _number in range(5)]
    with statements() as seen:
        ids = [*(person.id for person in people), people[0].id]
        service.notify_many(ids, "test.paid", params=PARAMS, url="/agreements/1")
    assert len(seen) == 2
    mailbox.deliver()
    assert sorted(str(mail["To"]) for mail in mailbox.messages) == sorted(person.email for person in people)
    with statements() as seen:
        service.notify_many([], "test.paid", params=PARAMS, url="/")
    assert len(seen) == 0


class TestMail:
    """The same by mail."""

    def test_it_is_written_in_the_readers_language_with_a_link(
        self, app: Flask, factories: Factories, mailbox: Mailbox
    ) -> None:
        member = factories.user(locale="nl", name="Sanne")
        service.notify(member.id, "test.paid", params=PARAMS, url="/agreements/1")
        (mail,) = mailbox.deliver()
        assert mail["To"] == member.email
        assert "€ 18,50" in str(mail["Subject"]).replace("\N{NO-BREAK SPACE}", " ")
        assert mail["Content-Language"] == "nl"
        assert "Sanne" in mailbox.text(mail)
        assert f"{runtime(app).settings.base_url}/agreements/1" in mailbox.text(mail)
        assert "/account/notifications" in mailbox.text(mail)
        assert "/account/notifications" in mail["List-Unsubscribe"]
        assert mail["Auto-Submitted"] == "auto-generated"

    def test_a_job_that_runs_twice_sends_a_mail_that_is_recognised(
        self, app: Flask, factories: Factories, mailbox: Mailbox
    ) -> None:
        service.notify(factories.user().id, "test.paid", params=PARAMS, url="/agreements/1")
        (first,) = mailbox.deliver()
        with transaction() as session:
            job = session.scalars(select(Job).where(Job.kind == service.MAIL_JOB)).one()
            job.state, job.finished_at = "queued", None
        (again,) = mailbox.deliver()
        assert again["Message-ID"] == first["Message-ID"]
        assert again["Date"] == first["Date"]

    @pytest.mark.parametrize(
        "facts",
        [{"mail_choices": "messages,payments"}, {"state": "closed"}, {"email_confirmed_at": None}],
    )
    def test_it_is_not_sent_to_who_does_not_want_it_or_has_left_or_never_confirmed(
        self, app: Flask, factories: Factories, mailbox: Mailbox, facts: dict[str, Any]
    ) -> None:
        member = factories.user(**facts)
        service.notify(member.id, "test.paid", params=PARAMS, url="/agreements/1")
        assert mailbox.deliver() == []
        assert len(reading.page(member.id)) == 1

    def test_what_is_required_is_mailed_whatever_the_member_chose(
        self, app: Flask, factories: Factories, mailbox: Mailbox
    ) -> None:
        member = factories.user(mail_choices="payments")
        service.notify(member.id, "test.needed", params=PARAMS, url="/pay/1")
        assert len(mailbox.deliver()) == 1

    def test_a_kind_without_mail_and_a_call_without_mail_send_none(
        self, app: Flask, factories: Factories, mailbox: Mailbox
    ) -> None:
        member = factories.user()
        service.notify(member.id, "test.quiet", params={"what": "it"}, url="/")
        service.notify(member.id, "test.paid", params=PARAMS, url="/", mail=False)
        assert mailbox.deliver() == []

    def test_asked_for_mail_goes_to_an_address_that_nobody_confirmed(self, app: Flask, mailbox: Mailbox) -> None:
        service.send_mail("new@example.org", "notification", {"text": "Welcome\r\nBcc: all@example.org"}, "nl")
        (mail,) = mailbox.deliver()
        assert (mail["To"], mail["Bcc"]) == ("new@example.org", None)
        assert "List-Unsubscribe" not in mail
        assert str(mail["Subject"]) == "Welcome"

    def test_asked_for_mail_is_not_sent_once_the_account_is_closed(
        self, app: Flask, factories: Factories, mailbox: Mailbox
    ) -> None:
        member = factories.user(state="closed")
        service.send_mail(member.email, "notification", {"text": "Hello"}, "en", member.id)
        assert mailbox.deliver() == []

    @pytest.mark.parametrize("address", ["not an address", "two@example.org\nBcc: all@example.org", ""])
    def test_an_address_that_no_mail_can_have_makes_a_dead_letter(
        self, app: Flask, mailbox: Mailbox, address: str
    ) -> None:
        service.send_mail(address, "notification", {"text": "Hello"}, "en")
        mailbox.deliver()
        assert mailbox.messages == []
        assert db.session.scalars(select(Job.state).where(Job.kind == service.MAIL_JOB)).all() == ["dead"]

    def test_an_unknown_language_falls_back_to_the_sites(self, app: Flask, mailbox: Mailbox) -> None:
        service.send_mail("new@example.org", "notification", {"text": "Hello"}, "tlh")
        assert len(mailbox.deliver()) == 1


class TestChoices:
    """Which groups come by mail."""

    def test_everything_is_mailed_until_the_member_says_otherwise(self, app: Flask, factories: Factories) -> None:
        member = factories.user()
        assert choices.wanted(member.id) == {"messages", "agreements", "listings", "payments", "community"}
        choices.choose(member.id, ["messages", "nonsense"])
        assert choices.wanted(member.id) == {"messages"}
        assert db.session.scalar(select(User.mail_choices)) == "agreements,listings,payments,community"


class TestPages:
    """The member's list."""

    def test_a_guest_is_sent_to_the_log_in(self, client: MarketplaceClient) -> None:
        answer = client.get("/notifications")
        assert answer.status_code == 302
        assert "/login" in answer.headers["Location"]

    def test_an_empty_list_says_so(self, client: MarketplaceClient, auth: Auth) -> None:
        auth.member()
        assert "Nothing to tell you yet" in page_text(client.get("/notifications"))

    def test_the_list_shows_escaped_sentences_newest_first(self, client: MarketplaceClient, auth: Auth) -> None:
        member = auth.member()
        service.notify(member.id, "test.quiet", params={"what": "<b>one</b>"}, url="/agreements/1")
        service.notify(member.id, "test.quiet", params={"what": "two"}, url="/agreements/2")
        answer = client.get("/notifications")
        assert b"<b>one</b>" not in answer.data
        text = page_text(answer)
        assert text.index("about two") < text.index("about <b>one</b>")

    def test_following_one_marks_it_read_and_leads_there(self, client: MarketplaceClient, auth: Auth) -> None:
        member = auth.member()
        service.notify(member.id, "test.quiet", params={"what": "it"}, url="/agreements/1")
        assert reading.count_unread(member.id).notifications == 1
        (line,) = reading.page(member.id)
        answer = client.get(f"/notifications/{line.id}")
        assert answer.headers["Location"] == "/agreements/1"
        assert reading.count_unread(member.id).notifications == 0

    def test_another_members_notification_is_not_there(
        self, client: MarketplaceClient, auth: Auth, factories: Factories
    ) -> None:
        other = factories.user()
        service.notify(other.id, "test.quiet", params={"what": "a secret"}, url="/agreements/1")
        (line,) = reading.page(other.id)
        auth.member()
        assert client.get(f"/notifications/{line.id}").status_code == 404
        assert client.get("/notifications/999").status_code == 404
        assert reading.count_unread(other.id).notifications == 1

    def test_everything_can_be_marked_read_with_a_token_only(self, client: MarketplaceClient, auth: Auth) -> None:
        member = auth.member()
        service.notify(member.id, "test.quiet", params={"what": "it"}, url="/")
        assert client.post("/notifications/read", csrf=False).status_code == 400
        assert reading.count_unread(member.id).notifications == 1
        assert client.post("/notifications/read").status_code == 302
        db.session.rollback()
        assert reading.count_unread(member.id).notifications == 0

    def test_pages_cost_the_same_whatever_their_length(
        self, client: MarketplaceClient, auth: Auth, statements: Callable[[], Any]
    ) -> None:
        member = auth.member()
        service.notify(member.id, "test.quiet", params={"what": "0"}, url="/")
        client.get("/notifications")
        with statements() as few:
            client.get("/notifications")
        for number in range(40):
            service.notify(member.id, "test.quiet", params={"what": str(number)}, url="/", mail=False)
        with statements() as many:
            answer = client.get("/notifications")
        assert len(many) == len(few)
        assert "about 39" in page_text(answer)
        older = client.get(f"/notifications?before={reading.page(member.id)[-1].id}")
        assert "about 0" in page_text(older)
        assert client.get("/notifications?before=nonsense").status_code == 200


class TestDemoMail:
    """The demo's window on its mail."""

    def test_a_visitor_reads_the_mail_and_can_follow_its_link(
        self, make_app: Callable[..., Flask], mailbox: Mailbox
    ) -> None:
        demo = make_app(environment="demo")
        with demo.app_context():
            service.send_mail("new@example.org", "notification", {"text": "Confirm <now>"}, "en")
        mailbox.deliver()
        client = demo.test_client()
        listed = client.get("/demo/mail/")
        assert b"Confirm &lt;now&gt;" in listed.data
        name = next(part for part in listed.get_data(as_text=True).split('"') if part.endswith(".eml"))
        shown = client.get(name).get_data(as_text=True)
        assert "<now>" not in shown
        assert '<a href="/">' in shown

    def test_names_that_are_no_mail_are_not_there(self, make_app: Callable[..., Flask]) -> None:
        client = make_app(environment="demo").test_client()
        for name in ("nothing.eml", "..%2Fsecret_key", "%2e%2e%2fsecret_key", "x.txt"):
            assert client.get(f"/demo/mail/{name}").status_code == 404

    def test_there_is_no_such_page_in_production_or_with_a_mail_server(
        self, make_app: Callable[..., Flask], client: MarketplaceClient
    ) -> None:
        assert client.get("/demo/mail/").status_code == 404
        served = make_app(environment="demo", mail_url="smtp://localhost:2525")
        assert served.test_client().get("/demo/mail/").status_code == 404
        live = make_app(environment="production")
        assert live.test_client().get("/demo/mail/").status_code == 404
