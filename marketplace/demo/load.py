"""Loading the demo: people, notices, a few conversations, then what each plugin adds."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from sqlalchemy import select

from marketplace.database import db
from marketplace.demo.notices import NOTICES, Notice
from marketplace.demo.people import PEOPLE
from marketplace.demo.stage import Demo
from marketplace.demo.talk import TALKS
from marketplace.listings import service as listings
from marketplace.listings.models import Listing
from marketplace.messages import service as messages
from marketplace.money import Money
from marketplace.runtime import announce, runtime
from marketplace.settings import service as settings
from marketplace.users.models import User

BY_HAND = {
    "offline.account": "NL91ABNA0417164300", "offline.holder": "Stichting Buurtdeel", "offline.between_members": "on",
    "offline.desk": "Library, Tuesdays 10:00 to 12:00",
}  # fmt: skip
"""Settings of a site without a provider; the account number is the example of the IBAN registry (SWIFT, ISO 13616)."""

CORE_STEPS = 1 + len(PEOPLE) + len(NOTICES) + len(TALKS)


def is_loaded() -> bool:
    """Tell whether anybody lives here yet."""
    return db.session.scalar(select(User.id).limit(1)) is not None


def load(app: Flask, step: Callable[[], None] = lambda: None) -> None:
    """Make the whole demo through the site's own services; `step` is called once per thing made."""
    with app.app_context(), app.test_request_context(base_url=runtime(app).settings.base_url):
        demo = Demo(app, step)
        demo.people()
        _ways_to_pay()
        for notice in NOTICES:
            _publish(demo, notice)
            step()
        for talk in TALKS:
            _talk(demo, *talk)
            step()
        announce("load_demo", demo=demo)
        demo.work()


def _ways_to_pay() -> None:
    """Open the ways to pay by hand where they are the only ones, so that such a site can be tried as well."""
    if runtime().settings.takes("offline") and not runtime().settings.takes("stripe"):
        for key, value in BY_HAND.items():
            settings.set_value(key, value, None)


def _publish(demo: Demo, notice: Notice) -> None:
    owner = demo.user(notice.owner)
    place = next(person.place for person in PEOPLE if person.key == notice.owner)
    price = None if notice.price is None else Money(notice.price, runtime().settings.currency)
    with demo.days_ago(notice.days):
        listing = listings.create_draft(
            "notice",
            owner=owner,
            title=notice.title,
            body_md=notice.text,
            category=notice.category,
            place=place,
            price=price,
            price_unit=notice.unit,
        )
        if notice.alt:
            demo.picture(listing.id, owner, notice.motif, notice.alt)
        if notice.state != "draft":
            listings.publish(listing.id, actor=owner)
    if notice.state == "closed":
        with demo.days_ago(notice.days / 3):
            listings.close(listing.id, actor=owner)


def _talk(demo: Demo, asker: str, title: str, days: float, lines: tuple[str, ...]) -> None:
    listing = db.session.scalars(select(Listing).where(Listing.title == title)).one()
    with demo.days_ago(days):
        thread = messages.about_listing(listing, demo.user(asker).id)
    for number, line in enumerate(lines):
        sender = demo.user(asker).id if number % 2 == 0 else listing.owner_id
        with demo.days_ago(days - number / 10):
            messages.post(thread.id, sender, line)
