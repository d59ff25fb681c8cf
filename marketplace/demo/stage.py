"""What plugins get to build their part of the demo with: people, days gone by, pictures, and the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from flask import Flask
from sqlalchemy import update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.demo import bank_visit, pictures
from marketplace.demo.people import DOMAIN, OPERATOR, PASSWORD, PEOPLE, Person
from marketplace.jobs.worker import drain
from marketplace.listings import pictures as uploads
from marketplace.payments import payees
from marketplace.payments.methods import Returns, begin_setup, look_at_setup, methods_of
from marketplace.payments.models import PaymentPace
from marketplace.reviews import service as reviews
from marketplace.runtime import runtime
from marketplace.users import accounts
from marketplace.users.models import User

BACK = "http://127.0.0.1/"


class Demo:
    """The demo in the making; `rng` always rolls the same, `now` is when it began (UTC)."""

    def __init__(self, app: Flask, step: Callable[[], None]) -> None:
        """Build on an empty, migrated database; `step` is called once per thing made."""
        self.app, self.step = app, step
        self.rng = Random(20)  # noqa: S311 - a story, not secrets
        self.now = clock.now()
        self._ids: dict[str, int] = {}

    @contextmanager
    def days_ago(self, days: float) -> Iterator[datetime]:
        """Let everything inside happen that long ago; a negative number is the future."""
        with clock.frozen(self.now - timedelta(days=days)) as at:
            yield at

    def work(self) -> None:
        """Let the worker do what is due at the present (perhaps frozen) time."""
        db.session.remove()
        with (
            transaction() as session
        ):  # stories go back in time: no call of a later day may hold up those of an earlier one
            now = clock.now()
            session.execute(update(PaymentPace).where(PaymentPace.next_at > now).values(next_at=now))
        drain(self.app)
        db.session.remove()

    def user(self, key: str) -> User:
        """Give a person of the neighbourhood."""
        return db.session.get_one(User, self._ids[key])

    @property
    def keys(self) -> tuple[str, ...]:
        """Name all members but the operator."""
        return tuple(person.key for person in PEOPLE)

    def people(self) -> None:
        """Register everybody, each on their day."""
        for person in (OPERATOR, *PEOPLE):
            with self.days_ago(person.days), transaction():
                role = "operator" if person is OPERATOR else "member"
                facts = accounts.NewMember(person.name, f"{person.key}@{DOMAIN}", PASSWORD, person.locale)
                user = accounts.create(facts, confirmed=True, role=role)
                user.about, user.place = person.about, person.place
                self._ids[person.key] = user.id
            self.step()

    def picture(self, listing_id: int, owner: User, motif: str, alt: str) -> None:
        """Draw a picture and upload it as the listing's owner."""
        data = pictures.draw(motif, listing_id)
        uploads.add(listing_id, actor=owner, data=data, alt=alt)

    def review(self, agreement_id: int, key: str, stars: int, words: str, item_stars: int = 0) -> None:
        """Let a person write about the other side of what has ended, and with `item_stars` about the thing too."""
        item = reviews.Words(item_stars, words) if item_stars else None
        reviews.write(agreement_id, self._ids[key], reviews.Words(stars, words), item)

    def card(self, person: Person | str) -> int | None:
        """Give the id of a member's saved card, saved at the sandbox's own page first; None where no cards are taken."""
        if not runtime().settings.takes("stripe"):
            return None
        known = next(each for each in PEOPLE if each.key == person) if isinstance(person, str) else person
        user = self.user(known.key)
        if not methods_of(user.id):
            page = begin_setup(user, None, Returns(BACK, BACK))
            if not isinstance(page, str):
                raise RuntimeError(f"the payment sandbox did not open a page: {page}")
            bank_visit.save_card(page, known.card, known.name)
            look_at_setup(user.id, None)
        return methods_of(user.id)[0].id

    def payee(self, key: str) -> None:
        """Let a member open an account that can be paid out to."""
        user = self.user(key)
        page = payees.onboard(user, BACK, BACK)
        if not isinstance(page, str):
            raise RuntimeError(f"the payment sandbox did not open an account: {page}")
        bank_visit.answer_questions(page)
        payees.look_at_account(user.id)
