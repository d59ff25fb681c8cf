"""Conversations: who may read and write, what counts as unread, and what a form sent twice does."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.admin import audit
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, NotFound, Refused
from marketplace.listings.models import Listing
from marketplace.messages import inbox, moderation, service
from marketplace.messages.models import LONGEST_BODY, Message, Participant, Thread
from marketplace.notifications import reading
from marketplace.testing.clients import MarketplaceClient, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.mailbox import Mailbox
from marketplace.testing.people import Auth
from marketplace.users.models import User


class Street:
    """An owner with a listing, and a neighbour who asks."""

    def __init__(self, factories: Factories) -> None:
        """Make them."""
        self.owner: User = factories.user(name="Fenna")
        self.asker: User = factories.user(name="Ruben")
        self.listing: Listing = factories.listing(self.owner, title="Cargo bike")

    def thread(self) -> Thread:
        """Give their conversation about the listing."""
        return service.about_listing(self.listing, self.asker.id)


@pytest.fixture
def street(factories: Factories) -> Street:
    """Give two neighbours."""
    return Street(factories)


def unread(user: User) -> int:
    db.session.rollback()
    return reading.count_unread(user.id).threads


class TestService:
    """Without pages."""

    def test_asking_twice_stays_one_conversation(self, street: Street) -> None:
        assert street.thread().id == street.thread().id
        assert service.find(f"listing:{street.listing.id}:{street.asker.id}") == street.thread().id

    def test_an_owner_does_not_ask_themselves(self, street: Street) -> None:
        with pytest.raises(Refused):
            service.about_listing(street.listing, street.owner.id)

    def test_a_message_is_unread_for_the_other_until_they_have_read_it(self, street: Street) -> None:
        thread = street.thread()
        service.post(thread.id, street.asker.id, "Is it free on Friday?")
        service.post(thread.id, street.asker.id, "Or on Saturday?")
        assert (unread(street.owner), unread(street.asker)) == (1, 0)
        assert reading.page(street.owner.id)[0].unread is True
        assert reading.count_unread(street.owner.id).notifications == 0, "counted once, as a conversation"
        assert inbox.threads(street.owner.id)[0].unread == 2
        service.mark_read(thread.id, street.owner.id)
        assert unread(street.owner) == 0
        assert reading.page(street.owner.id)[0].unread is False

    def test_one_notification_and_one_mail_per_conversation_until_it_is_read(
        self, street: Street, mailbox: Mailbox
    ) -> None:
        thread = street.thread()
        for number in range(3):
            service.post(thread.id, street.asker.id, f"Message {number}\nwith two lines")
        (mail,) = mailbox.deliver()
        assert mail["To"] == street.owner.email
        assert "Ruben" in str(mail["Subject"])
        assert "> Message 0\n> with two lines\n" in mailbox.text(mail)
        assert f"/messages/{thread.id}" in mailbox.text(mail)
        assert len(reading.page(street.owner.id)) == 1
        service.mark_read(thread.id, street.owner.id)
        service.post(thread.id, street.asker.id, "Message 3")
        assert len(mailbox.deliver()) == 2

    def test_a_form_sent_twice_makes_one_message(self, street: Street) -> None:
        thread, key = street.thread(), service.fresh_key()
        first = service.post(thread.id, street.asker.id, "Hello", form_key=key)
        assert service.post(thread.id, street.asker.id, "Hello", form_key=key) == first
        assert db.session.scalar(select(func.count()).select_from(Message)) == 1
        assert service.post(thread.id, street.owner.id, "Hello", form_key=key) != first, "another sender's key"

    @pytest.mark.parametrize("body", ["", "   \r\n ", "\0", "x" * (LONGEST_BODY + 1)])
    def test_an_empty_or_overlong_message_is_refused_beside_its_field(self, street: Street, body: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            service.post(street.thread().id, street.asker.id, body)
        assert "body" in refusal.value.errors

    def test_a_stranger_can_neither_write_nor_see(self, street: Street, factories: Factories) -> None:
        with pytest.raises(NotFound):
            service.post(street.thread().id, factories.user().id, "Let me in")

    def test_who_is_blocked_and_who_blocked_can_not_write(self, street: Street) -> None:
        thread = street.thread()
        moderation.block(street.owner.id, street.asker.id)
        moderation.block(street.owner.id, street.asker.id)
        with pytest.raises(Refused) as refusal:
            service.post(thread.id, street.asker.id, "Hello?")
        assert refusal.value.code == "blocked"
        with pytest.raises(Refused) as refusal:
            service.post(thread.id, street.owner.id, "And another thing")
        assert refusal.value.code == "blocked_by_you"
        moderation.unblock(street.owner.id, street.asker.id)
        assert service.post(thread.id, street.asker.id, "Hello again")
        with pytest.raises(Refused):
            moderation.block(street.owner.id, street.owner.id)

    @pytest.mark.parametrize(("state", "code"), [("closed", "nobody_there"), ("blocked", "nobody_there")])
    def test_nobody_writes_to_somebody_who_left(self, street: Street, state: str, code: str) -> None:
        thread = street.thread()
        with transaction() as session:
            session.get_one(User, street.owner.id).state = state
        with pytest.raises(Refused) as refusal:
            service.post(thread.id, street.asker.id, "Hello?")
        assert refusal.value.code == code
        with pytest.raises(Refused) as refusal:
            service.post(thread.id, street.owner.id, "I am back")
        assert refusal.value.code == "not_active"

    def test_the_parties_of_an_agreement_have_a_conversation(self, street: Street) -> None:
        at = clock.now()
        with transaction() as session:
            agreement = Agreement(
                kind="test", listing_id=street.listing.id, owner_id=street.owner.id, member_id=street.asker.id,
                state="open", phase="agreed", terms={}, created_at=at, updated_at=at,
            )  # fmt: skip
            session.add(agreement)
        thread = service.about_agreement(agreement)
        assert service.about_agreement(agreement).id == thread.id
        assert thread.subject == "Cargo bike"
        assert {party.name for party in service.parties(thread.id)} == {"Fenna", "Ruben"}

    def test_messages_of_both_at_once_are_all_counted(self, app: Flask, street: Street) -> None:
        thread = street.thread().id
        people = [street.owner.id, street.asker.id]

        def write(person: int) -> None:
            with app.app_context():
                for number in range(8):
                    service.post(thread, person, f"{number}")

        threads = [threading.Thread(target=write, args=(person,)) for person in people]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        db.session.rollback()
        rows = db.session.execute(select(Participant.unread, Participant.last_message_id)).all()
        newest = db.session.scalar(select(func.max(Message.id)))
        assert [tuple(row) for row in rows] == [(8, newest), (8, newest)]
        assert len(reading.page(street.owner.id)) == 1

    def test_the_inbox_is_sorted_by_the_newest_message_and_paged_by_one_statement(
        self, street: Street, factories: Factories, statements: Callable[[], Any]
    ) -> None:
        for number in range(5):
            listing = factories.listing(street.owner, title=f"Thing {number}")
            service.post(service.about_listing(listing, street.asker.id).id, street.asker.id, f"About {number}")
        service.about_listing(factories.listing(street.owner), street.asker.id)
        with statements() as seen:
            first = inbox.threads(street.owner.id, limit=3)
            rest = inbox.threads(street.owner.id, before=first[-1].last_message_id, limit=3)
        assert len(seen) == 2
        assert [line.subject for line in (*first, *rest)] == [f"Thing {number}" for number in (4, 3, 2, 1, 0)]
        assert (first[0].other, first[0].preview, first[0].own) == ("Ruben", "About 4", False)
        assert inbox.threads(street.asker.id)[0].own is True

    @pytest.mark.parametrize("body", ["''", f"substr('{'x' * 4001}', 1, 4001)"])
    def test_the_database_refuses_an_empty_or_overlong_message(self, street: Street, body: str) -> None:
        service.post(street.thread().id, street.asker.id, "Hello")
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(text(f"UPDATE message SET body = {body}"))


class TestReports:
    """Telling an operator."""

    def test_a_reported_message_is_seen_by_operators_and_removed_with_a_reason(
        self, street: Street, factories: Factories
    ) -> None:
        operator = factories.operator()
        thread = street.thread()
        message = service.post(thread.id, street.asker.id, "Rude words")
        moderation.report(message, street.owner.id, "This is rude")
        moderation.report(message, street.owner.id, "Still rude")
        (line,) = moderation.open_reports()
        assert (line.sender, line.reporter, line.body, line.reason) == ("Ruben", "Fenna", "Rude words", "This is rude")
        moderation.settle(line.id, operator.id, remove=True, reason="against the house rules")
        assert inbox.messages(thread.id)[0].removed is True
        assert inbox.messages(thread.id)[0].body == ""
        assert inbox.threads(street.owner.id)[0].preview == ""
        assert moderation.open_reports() == []
        assert audit.entries()[0].action == "message.removed"
        with pytest.raises(Refused):
            moderation.settle(line.id, operator.id, remove=False, reason="")
        with pytest.raises(NotFound):
            moderation.settle(99, operator.id, remove=False, reason="")

    def test_only_who_got_a_message_can_report_it_and_says_why(self, street: Street, factories: Factories) -> None:
        message = service.post(street.thread().id, street.asker.id, "Hello")
        for person in (street.asker, factories.user()):
            with pytest.raises(NotFound):
                moderation.report(message, person.id, "bad")
        for reason in ("", "  ", "x" * 1001):
            with pytest.raises(InvalidInput):
                moderation.report(message, street.owner.id, reason)


def form_key(page: Any) -> str:
    found = re.search(r'name="form_key"[^>]*value="([^"]+)"', page.get_data(as_text=True))
    assert found, page_text(page)
    return found.group(1)


class TestPages:
    """What people see."""

    def test_a_guest_is_sent_to_the_log_in(self, client: MarketplaceClient, street: Street) -> None:
        for path in ("/messages", f"/messages/{street.thread().id}", f"/messages/about-listing/{street.listing.id}"):
            answer = client.get(path)
            assert (answer.status_code, "/login" in answer.headers["Location"]) == (302, True)

    def test_a_first_message_opens_a_conversation_and_lands_in_it(
        self, client: MarketplaceClient, auth: Auth, street: Street
    ) -> None:
        auth.login(street.asker)
        path = f"/messages/about-listing/{street.listing.id}"
        page = client.get(path)
        assert "Cargo bike" in page_text(page)
        assert db.session.scalar(select(func.count()).select_from(Thread)) == 0
        sent = {"body": "Is it <free>?", "form_key": form_key(page)}
        for _turn in range(2):
            answer = client.post(path, data=sent, follow_redirects=True)
            assert answer.status_code == 200
        assert "Is it <free>?" in page_text(answer)
        assert b"<free>" not in answer.data
        assert db.session.scalar(select(func.count()).select_from(Message)) == 1
        assert client.get(path).headers["Location"].startswith("/messages/")

    def test_a_bad_message_comes_back_with_422_and_what_was_typed(
        self, client: MarketplaceClient, auth: Auth, street: Street
    ) -> None:
        auth.login(street.asker)
        path = f"/messages/about-listing/{street.listing.id}"
        empty = client.post(path, data={"body": " ", "form_key": "a" * 20})
        assert (empty.status_code, "Write something first." in page_text(empty)) == (422, True)
        long = client.post(path, data={"body": "long " * 1000, "form_key": "a" * 20})
        assert long.status_code == 422
        assert "long long long" in page_text(long)
        assert db.session.scalar(select(func.count()).select_from(Thread)) == 0
        service.post(street.thread().id, street.asker.id, "Hello")
        reply = client.post(f"/messages/{street.thread().id}", data={"body": "", "form_key": "a" * 20})
        assert reply.status_code == 422
        odd = client.post(f"/messages/{street.thread().id}", data={"body": "Hi", "form_key": "'; --"})
        assert odd.status_code == 422

    def test_a_reply_is_shown_and_reading_takes_the_count_away(
        self, client: MarketplaceClient, auth: Auth, street: Street
    ) -> None:
        thread = street.thread()
        service.post(thread.id, street.asker.id, "Is it free?")
        auth.login(street.owner)
        listed = client.get("/messages")
        assert "1 new" in page_text(listed)
        page = client.get(f"/messages/{thread.id}")
        assert "Is it free?" in page_text(page)
        assert unread(street.owner) == 0
        client.post(f"/messages/{thread.id}", data={"body": "It is.", "form_key": form_key(page)})
        assert unread(street.asker) == 1
        assert "It is." in page_text(client.get(f"/messages/{thread.id}"))

    def test_a_foreign_conversation_looks_as_if_it_did_not_exist(
        self, client: MarketplaceClient, auth: Auth, street: Street
    ) -> None:
        thread = street.thread()
        message = service.post(thread.id, street.asker.id, "A secret")
        auth.member()
        foreign, missing = client.get(f"/messages/{thread.id}"), client.get("/messages/9999")
        assert (foreign.status_code, missing.status_code) == (404, 404)
        assert "A secret" not in page_text(foreign)
        assert client.post(f"/messages/{thread.id}", data={"body": "Hi", "form_key": "a" * 20}).status_code == 404
        assert client.get(f"/messages/{thread.id}/report/{message}").status_code == 404
        assert client.post(f"/messages/{thread.id}/block").status_code == 404
        assert client.get("/messages/about-agreement/1").status_code == 404
        assert client.get("/messages/about-listing/9999").status_code == 404

    def test_an_operator_sees_a_conversation_only_once_a_message_is_reported(
        self, client: MarketplaceClient, auth: Auth, street: Street
    ) -> None:
        thread = street.thread()
        message = service.post(thread.id, street.asker.id, "Rude words")
        auth.operator()
        assert client.get(f"/messages/{thread.id}").status_code == 404
        moderation.report(message, street.owner.id, "rude")
        page = client.get(f"/messages/{thread.id}")
        assert "was reported" in page_text(page)
        assert b'name="form_key"' not in page.data
        assert unread(street.owner) == 1, "an operator's look is no reading"

    def test_a_draft_can_not_be_asked_about(self, client: MarketplaceClient, auth: Auth, factories: Factories) -> None:
        draft = factories.listing(state="draft")
        auth.member()
        assert client.get(f"/messages/about-listing/{draft.id}").status_code == 404

    def test_the_owner_is_told_that_the_listing_is_their_own(
        self, client: MarketplaceClient, auth: Auth, street: Street
    ) -> None:
        auth.login(street.owner)
        path = f"/messages/about-listing/{street.listing.id}"
        answer = client.post(path, data={"body": "Hello me", "form_key": "a" * 20})
        assert (answer.status_code, "your own listing" in page_text(answer)) == (422, True)

    def test_a_message_is_reported_and_its_sender_blocked(
        self, client: MarketplaceClient, auth: Auth, street: Street
    ) -> None:
        thread = street.thread()
        message = service.post(thread.id, street.asker.id, "Rude words")
        auth.login(street.owner)
        path = f"/messages/{thread.id}/report/{message}"
        assert "Rude words" in page_text(client.get(path))
        assert client.post(path, data={"reason": ""}).status_code == 422
        told = client.post(path, data={"reason": "It is rude"}, follow_redirects=True)
        assert "An operator will look at it" in page_text(told)
        assert client.post(f"/messages/{thread.id}/block", csrf=False).status_code == 400
        blocked = client.post(f"/messages/{thread.id}/block", follow_redirects=True)
        assert "Unblock Ruben" in page_text(blocked)
        again = client.post(f"/messages/{thread.id}/unblock", follow_redirects=True)
        assert "Send" in page_text(again)

    def test_a_long_conversation_shows_its_end_and_leads_to_the_start(
        self, client: MarketplaceClient, auth: Auth, street: Street, statements: Callable[[], Any]
    ) -> None:
        thread = street.thread()
        service.post(thread.id, street.asker.id, "Message number 0.")
        auth.login(street.owner)
        client.get(f"/messages/{thread.id}")
        with statements() as few:
            client.get(f"/messages/{thread.id}")
        for number in range(1, 60):
            service.post(thread.id, street.owner.id, f"Message number {number}.")
        with statements() as many:
            page = client.get(f"/messages/{thread.id}")
        assert len(many) == len(few), f"{few!r} {many!r}"
        assert "Message number 59." in page_text(page)
        assert "Message number 0." not in page_text(page)
        earlier = re.search(r'href="(/messages/\d+\?before=\d+)"', page.get_data(as_text=True))
        assert earlier
        start = page_text(client.get(earlier.group(1)))
        assert "Message number 0." in start
        assert "Message number 19." in start
        assert "Message number 20." not in start

    def test_the_inbox_costs_the_same_whatever_its_length(
        self, client: MarketplaceClient, auth: Auth, street: Street, factories: Factories,
        statements: Callable[[], Any],
    ) -> None:  # fmt: skip
        auth.login(street.owner)
        assert "No messages yet" in page_text(client.get("/messages"))
        service.post(street.thread().id, street.asker.id, "One")
        client.get("/messages")
        with statements() as few:
            client.get("/messages")
        for number in range(inbox.PAGE + 3):
            asker = factories.user(name=f"Neighbour {number}")
            service.post(service.about_listing(street.listing, asker.id).id, asker.id, f"Question {number}")
        with statements() as many:
            page = client.get("/messages")
        assert len(many) == len(few)
        older = re.search(r'href="(/messages\?before=\d+)"', page.get_data(as_text=True))
        assert older
        assert "Ruben" in page_text(client.get(older.group(1)))
