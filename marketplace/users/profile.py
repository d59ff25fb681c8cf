"""What a member changes about the own account: profile, password, address, and choices about mail."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput
from marketplace.listings import places
from marketplace.notifications.service import send_mail
from marketplace.runtime import announce, runtime
from marketplace.users import accounts, links, passwords, sessions, throttle
from marketplace.users.addresses import normalised
from marketplace.users.links import Purpose
from marketplace.users.models import User


@dataclass(frozen=True, slots=True)
class Profile:
    """What others see of a member, and from where distances are counted (degrees, WGS 84; both or neither)."""

    name: str
    about: str
    place: str
    lat: float | None
    lon: float | None
    locale: str


def owned(user_id: int) -> User:
    """Give an account with its row locked for this transaction, fresh from the database."""
    return db.session.get_one(User, user_id, with_for_update=True, populate_existing=True)


def update(user_id: int, facts: Profile) -> User:
    """Change what others see; a known place without coordinates gets its own.

    Raises InvalidInput when only one coordinate is given or one is not on the globe.
    """
    _check_place(facts)
    with transaction() as session:
        user = owned(user_id)
        lat, lon = facts.lat, facts.lon
        if facts.place != user.place and (lat, lon) == (user.lat, user.lon):
            lat = lon = None  # moved, and the coordinates in the form are those of the former place
        if lat is None and facts.place:
            place = places.find(facts.place)
            lat, lon = (place.lat, place.lon) if place is not None else (None, None)
        user.name, user.about, user.place = facts.name, facts.about, facts.place
        user.lat, user.lon = lat, lon
        if facts.locale in runtime().settings.locales:
            user.locale = facts.locale
        session.flush()
        announce("user_changed", user=user, change="updated")
    return user


def choose_language(user_id: int, code: str) -> None:
    """Change the language of pages and mails; one that the site does not speak changes nothing."""
    if code not in runtime().settings.locales:
        return
    with transaction():
        user = owned(user_id)
        user.locale = code
        db.session.flush()
        announce("user_changed", user=user, change="updated")


def _check_place(facts: Profile) -> None:
    if (facts.lat is None) != (facts.lon is None):
        missing = "lat" if facts.lat is None else "lon"
        raise InvalidInput({missing: _("Give both coordinates, or neither.")})
    if facts.lat is not None and not -90 <= facts.lat <= 90:
        raise InvalidInput({"lat": _("A latitude lies between -90 and 90.")})
    if facts.lon is not None and not -180 <= facts.lon <= 180:
        raise InvalidInput({"lon": _("A longitude lies between -180 and 180.")})


def change_password(user: User, present: str, new: str, *, address: str | None) -> None:
    """Replace the password and end every other session; the caller starts a new one for this browser.

    Raises InvalidInput for a wrong present password or a weak new one, TooManyAttempts as a log-in does.
    """
    accounts.check_password(user, present, address=address, field="present")
    if wrong := passwords.problem(new, name=user.name, email=user.email):
        raise InvalidInput({"password": wrong})
    kept = passwords.hashed(new)
    with transaction():
        owned(user.id).password_hash = kept
        sessions.end_all(user.id)


def ask_new_email(user: User, password: str, email: str, *, address: str | None) -> str:
    """Mail a confirming link to a new address; nothing changes before it is opened. Gives the address as written to.

    An address that belongs to another account gets a mail that says so, and the page answers the same.
    Raises InvalidInput for a wrong password or what is no address, TooManyAttempts as a log-in does.
    """
    new = normalised(email)
    if new == user.email:
        raise InvalidInput({"email": _("This is your address already.")})
    accounts.check_password(user, password, address=address)
    if not throttle.may_mail(new):
        return new
    with transaction():
        other = accounts.by_email(new)
        if other is not None:
            send_mail(new, "already_registered", accounts.ways_in(other.name), other.locale, other.id)
            return new
        link = links.address(Purpose.NEW_EMAIL, user, "users.new_email", m=new)
        days = links.LIVES[Purpose.NEW_EMAIL].days
        send_mail(new, "confirm_email", {"person": user.name, "confirm_url": link, "days": days}, user.locale)
    return new


def confirm_new_email(token: str) -> User:
    """Take the new address into use by the link that was mailed to it, and tell the former one.

    Raises links.LinkRefused, and InvalidInput when another account has taken the address meanwhile.
    """
    with transaction() as session:
        user, facts = links.opened(Purpose.NEW_EMAIL, token)
        new, former = str(facts["m"]), user.email
        if accounts.by_email(new) is not None:
            raise accounts.taken()
        user.email, user.email_confirmed_at = new, clock.now()
        session.flush()
        send_mail(former, "email_changed", {"person": user.name, "email": new}, user.locale, user.id)
        announce("user_changed", user=user, change="email_changed")
    return user
