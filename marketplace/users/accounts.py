"""Becoming a member and proving it: register, confirm, log in, and the ways back in."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.errors import InvalidInput, Refused
from marketplace.notifications.service import send_mail
from marketplace.runtime import announce, runtime
from marketplace.users import links, passwords, sessions, throttle
from marketplace.users.addresses import normalised
from marketplace.users.links import Purpose
from marketplace.users.models import User, UserSession


@dataclass(frozen=True, slots=True)
class NewMember:
    """What a person fills in to register."""

    name: str
    email: str
    password: str
    locale: str


def by_email(email: str) -> User | None:
    """Find an account by its address, however it is capitalised."""
    return db.session.scalars(select(User).where(User.email == email.strip().lower())).one_or_none()


def create(facts: NewMember, *, confirmed: bool = False, role: str = "member") -> User:
    """Make an account; raises InvalidInput for a bad address or password, and for an address that is taken."""
    email, kept = _checked(facts)
    try:
        with transaction():
            user = _added(facts, email, kept, confirmed=confirmed, role=role)
    except IntegrityError:  # two people sent the same address at the same moment
        user = None
    if user is None:
        raise taken()
    return user


def register(facts: NewMember, *, browser: str = "") -> User | None:
    """Make an account and mail the link that confirms it; to an address that has one, mail just that.

    The answer to the person must be the same in both cases, or the form would tell who is a member; it takes the same
    time, too. `browser` marks the browser that registered, so that the link can log it in. Gives the new account, or None.
    Raises InvalidInput for a bad address or password.
    """
    email, kept = _checked(facts)
    try:
        with transaction():
            user = _added(facts, email, kept)
            if user is not None:
                _mail_confirmation(user, browser)
    except IntegrityError:  # as above
        user = None
    if user is None:
        _greet_again(facts, email, kept, browser)
    return user


def _checked(facts: NewMember) -> tuple[str, str]:
    """Give the address to keep and the password's hash."""
    email = normalised(facts.email)
    _check_password(facts.password, facts.name, email)
    return email, passwords.hashed(facts.password)


def _added(facts: NewMember, email: str, kept: str, *, confirmed: bool = False, role: str = "member") -> User | None:
    """Add the account in the caller's transaction, unless the address has one."""
    if by_email(email) is not None:
        return None
    user = User(
        email=email,
        email_confirmed_at=clock.now() if confirmed else None,
        password_hash=kept,
        name=facts.name.strip(),
        locale=_known_locale(facts.locale),
        role=role,
        created_at=clock.now(),
    )
    db.session.add(user)
    db.session.flush()
    announce("user_changed", user=user, change="registered")
    db.session.flush()
    return user


def _greet_again(facts: NewMember, email: str, kept: str, browser: str) -> None:
    """Register an address anew that nobody ever confirmed, or tell its owner that there is an account already."""
    if not throttle.may_mail(email):
        return
    with transaction() as session:
        user = by_email(email)
        if user is None or user.state == "closed":
            return
        if _is_unproven(user):
            user.name, user.password_hash, user.locale = facts.name.strip(), kept, _known_locale(facts.locale)
            session.flush()
            _mail_confirmation(user, browser)
            return
        send_mail(user.email, "already_registered", ways_in(user.name), user.locale, user.id)


def _is_unproven(user: User) -> bool:
    if user.email_confirmed_at is not None or not runtime().settings.require_confirmed_mail:
        return False
    return not db.session.scalar(select(exists().where(UserSession.user_id == user.id)))


def resend(email: str) -> None:
    """Mail the confirming link again, a few times an hour at most; says nothing about who is a member."""
    if not throttle.may_mail(email):
        return
    with transaction():
        user = by_email(email)
        if user is not None and user.state == "active" and user.email_confirmed_at is None:
            _mail_confirmation(user, "")


def confirm(token: str) -> tuple[User, str]:
    """Confirm an address by the link that was mailed to it, and give the mark of the browser that registered.

    Raises links.LinkRefused.
    """
    with transaction() as session:
        user, facts = links.opened(Purpose.CONFIRM, token)
        user.email_confirmed_at = clock.now()
        session.flush()
        announce("user_changed", user=user, change="confirmed")
    return user, str(facts.get("b", ""))


def log_in(email: str, password: str, *, address: str | None) -> User:
    """Give the member that this address and password belong to.

    Raises throttle.TooManyAttempts after too many wrong tries, InvalidInput when they do not belong together (or the
    address was never confirmed: telling that apart would tell who is a member), Refused when an operator blocked the account.
    """
    made = throttle.attempt(email, address)
    user = by_email(email)
    right = passwords.fits(password, user.password_hash if user is not None else None)
    if user is None or not right or user.state == "closed" or not may_log_in(user):
        raise InvalidInput({"password": _("This address and password do not belong together.")})
    throttle.succeeded(made)
    if user.state == "blocked":
        raise Refused(
            _("This account is blocked. The reason given: %(reason)s", reason=user.blocked_reason), code="blocked"
        )
    if passwords.outdated(user.password_hash):
        kept = passwords.hashed(password)
        with transaction():
            user.password_hash = kept
    return user


def may_log_in(user: User) -> bool:
    """Tell whether the site wants a confirmed address, and this one is, or does not want one."""
    return user.email_confirmed_at is not None or not runtime().settings.require_confirmed_mail


def check_password(user: User, password: str, *, address: str | None, field: str = "password") -> None:
    """Ask a logged-in member for the password once more; raises InvalidInput, or TooManyAttempts as a log-in does."""
    made = throttle.attempt(user.email, address)
    if not passwords.fits(password, user.password_hash):
        raise InvalidInput({field: _("This is not your present password.")})
    throttle.succeeded(made)


def forgot(email: str) -> None:
    """Mail a link to choose a new password, if there is such an account; says nothing about who is a member."""
    if not throttle.may_mail(email):
        return
    with transaction():
        user = by_email(email)
        if user is None or user.state != "active":
            return
        link = links.address(Purpose.RESET, user, "users.reset")
        hours = int(links.LIVES[Purpose.RESET].total_seconds() // 3600)
        send_mail(
            user.email, "reset_password", {"person": user.name, "reset_url": link, "hours": hours}, user.locale, user.id
        )


def reset(token: str, password: str) -> User:
    """Choose a new password by a mailed link, and end every session; the link also proves the address.

    Raises links.LinkRefused, and InvalidInput for a weak password.
    """
    user, _facts = links.opened(Purpose.RESET, token)
    _check_password(password, user.name, user.email)
    kept = passwords.hashed(password)
    with transaction() as session:
        user, _facts = links.opened(Purpose.RESET, token)
        user.password_hash = kept
        proved = user.email_confirmed_at is None
        if proved:
            user.email_confirmed_at = clock.now()
        sessions.end_all(user.id)
        throttle.forgive(user.email)
        session.flush()
        if proved:
            announce("user_changed", user=user, change="confirmed")
    return user


def _mail_confirmation(user: User, browser: str) -> None:
    days = links.LIVES[Purpose.CONFIRM].days
    link = links.address(Purpose.CONFIRM, user, "users.confirm", b=browser)
    send_mail(
        user.email, "confirm_email", {"person": user.name, "confirm_url": link, "days": days}, user.locale, user.id
    )


def _check_password(password: str, name: str, email: str) -> None:
    if wrong := passwords.problem(password, name=name, email=email):
        raise InvalidInput({"password": wrong})


def taken() -> InvalidInput:
    """Say that an address belongs to another account; only for those who have proved to read its mail, or operators."""
    error = InvalidInput({"email": _("There is an account with this address already.")})
    error.code = "email_taken"
    return error


def _known_locale(locale: str) -> str:
    settings = runtime().settings
    return locale if locale in settings.locales else settings.locale


def ways_in(name: str) -> dict[str, str]:
    """Give the facts of the mail that tells somebody of the account they have."""
    base = runtime().settings.base_url.rstrip("/")
    return {"person": name, "login_url": base + url_for("users.login"), "reset_url": base + url_for("users.forgot")}
