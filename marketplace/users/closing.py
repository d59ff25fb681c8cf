"""Closing an account: what stands in the way, and what remains afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from flask import url_for
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, or_, select, update

from marketplace import clock
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import Refused
from marketplace.hooks.types import Obstacle
from marketplace.lifecycle import ENDED
from marketplace.listings import service as listings
from marketplace.listings.models import Listing
from marketplace.notifications.models import Notification
from marketplace.notifications.service import send_mail
from marketplace.payments import open_ends
from marketplace.payments.billing.models import BillingDetails
from marketplace.runtime import agreement_kind, announce, decide, runtime
from marketplace.users import accounts, sessions
from marketplace.users.models import User, UserSession
from marketplace.users.passwords import UNUSABLE
from marketplace.users.profile import owned

FORMER_MEMBER = _l("Former member")
"""Kept instead of the name, in the site's main language, because everybody reads it."""

SHOWN = 20


class NotYet(Refused):
    """The account still has open ends; `obstacles` lists them."""

    code = "account_in_use"

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        """Keep what stands in the way."""
        super().__init__(_("Your account can't be closed yet."))
        self.obstacles = obstacles


def obstacles(user_id: int) -> list[Obstacle]:
    """List what a member has to finish first: agreements, payments, money, and what plugins know of."""
    own = [*_open_agreements(user_id), *_open_payments(user_id), *_money(user_id)]
    answers = decide("closing_objections", user=db.session.get_one(User, user_id))
    return [*own, *(each for answer in answers for each in answer)]


def close(user: User, password: str, *, address: str | None) -> None:
    """Close an account for good: sessions end, what tells who the person was is erased, the row stays without a name.

    Agreements, history and books stay, because they are the other party's too. Raises NotYet with the obstacles,
    InvalidInput for a wrong password, TooManyAttempts as a log-in does, Refused when a listing can't be closed.
    """
    accounts.check_password(user, password, address=address)
    with transaction() as session:
        account = owned(user.id)
        if found := obstacles(account.id):
            raise NotYet(found)
        _close_listings(account)
        send_mail(account.email, "account_closed", {"person": account.name}, account.locale)
        announce("erase_member", user=account)
        _anonymise(account)
        session.execute(delete(UserSession).where(UserSession.user_id == account.id))
        session.execute(delete(Notification).where(Notification.user_id == account.id))
        session.execute(delete(BillingDetails).where(BillingDetails.user_id == account.id))
        session.flush()
        announce("user_changed", user=account, change="closed")


def _anonymise(account: User) -> None:
    sessions.end_all(account.id)
    account.email = f"closed-{account.id}-{secrets.token_hex(4)}@closed.invalid"
    with force_locale(runtime().settings.locale):
        account.name = str(FORMER_MEMBER)
    account.password_hash = UNUSABLE
    account.about = account.place = account.mail_choices = account.blocked_reason = ""
    account.lat = account.lon = account.email_confirmed_at = None
    account.role = "member"
    account.state = "closed"
    account.closed_at = clock.now()


def _open_agreements(user_id: int) -> list[Obstacle]:
    ended = tuple(str(phase) for phase in ENDED)
    rows = db.session.execute(
        select(Agreement.id, Agreement.kind, Agreement.state, Listing.title)
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(or_(Agreement.member_id == user_id, Agreement.owner_id == user_id), Agreement.phase.not_in(ended))
        .order_by(Agreement.id)
        .limit(SHOWN)
    )
    return [
        Obstacle(_not_ended(row.kind, row.state, row.title), url_for("agreements.show", agreement_id=row.id))
        for row in rows
    ]


def _not_ended(kind: str, state: str, title: str) -> str:
    """Say how an agreement stands, where its kind is known."""
    known = agreement_kind(kind)
    if known is None:
        return _("“%(title)s” has not ended yet.", title=title)
    return _("“%(title)s” has not ended yet: %(state)s.", title=title, state=known.machine.state(state).label)


def _open_payments(user_id: int) -> list[Obstacle]:
    count = open_ends.unfinished(user_id)
    if not count:
        return []
    return [Obstacle(ngettext("%(num)s payment is not finished.", "%(num)s payments are not finished.", count))]


def _money(user_id: int) -> list[Obstacle]:
    waiting, owing = _("Money is waiting to be paid out to you."), _("You still owe money.")
    return [
        Obstacle(waiting if balance.owed_to_member else owing, money=balance.amount)
        for balance in open_ends.balances(user_id)
    ]


def _close_listings(account: User) -> None:
    """Take the member's listings out of the offer, empty the drafts, and forget where all of them exactly were."""
    own = Listing.owner_id == account.id
    published = db.session.scalars(select(Listing.id).where(own, Listing.state == "published").order_by(Listing.id))
    for listing_id in published.all():
        listings.close(listing_id, actor=None)
    empty = {"title": _("Removed"), "slug": "removed", "summary": "", "body_md": "", "body_html": "", "place": ""}
    db.session.execute(update(Listing).where(own, Listing.state == "draft").values(empty))
    db.session.execute(update(Listing).where(own).values(lat=None, lon=None))
