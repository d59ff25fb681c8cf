"""What can be done with a listing: draft, change, publish, close, reopen, remove. Each is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from flask_babel import gettext as _
from sqlalchemy import func, select

import marketplace.listings.rules  # noqa: F401 - registers who may do what
from marketplace import access, clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import Conflict, NotFound, Refused
from marketplace.hooks.types import ListingKind
from marketplace.listings import facts as facts_of
from marketplace.listings.facts import ListingFacts
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.notifications import service as notifications
from marketplace.runtime import announce, listing_kind, runtime
from marketplace.settings import service as settings
from marketplace.users.models import User

LEAST_BODY = 20
"""Characters that a text needs before it is published."""


class NotReady(Refused):
    """A listing can't be published yet; `problems` says everything that is missing."""

    code = "not_ready"

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems, each a sentence for the owner."""
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


def kind_of(name: str) -> ListingKind:
    """Give a kind's descriptor; raises Refused while its plugin is switched off."""
    kind = listing_kind(name)
    if kind is None:
        raise Refused(_("This is not offered here at the moment."), code="plugin_off")
    return kind


def locked(listing_id: int) -> Listing:
    """Give the listing with its row locked for this transaction, fresh from the database; raises NotFound."""
    statement = select(Listing).where(Listing.id == listing_id).with_for_update()
    listing = db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
    if listing is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    return listing


def visible(listing_id: int, viewer: Any) -> Listing:
    """Give a listing that `viewer` (a User, or a guest) may see; raises NotFound."""
    listing = db.session.get(Listing, listing_id)
    if listing is None:
        raise NotFound(_("This page does not exist, or is not for you."))
    access.require(viewer, "listing.see", listing)
    return listing


def create_draft(kind: str, *, owner: User, **facts: Unpack[ListingFacts]) -> Listing:
    """Make a draft of a registered kind with these facts; raises Refused, InvalidInput.

    A place without `lat` and `lon` is looked up by its name. The currency is the site's.
    """
    kind_of(kind)
    if not owner.is_active:
        raise Refused(_("Your account can't do this at the moment."))
    at = clock.now()
    with transaction() as session:
        _refuse_too_many(owner)
        listing = Listing(
            kind=kind,
            owner_id=owner.id,
            state="draft",
            title=_("Untitled"),
            slug="listing",
            body_md="",
            body_html="",
            place="",
            currency=runtime().settings.currency,
            version=1,
            created_at=at,
            updated_at=at,
        )
        session.add(listing)
        session.flush()  # the public point depends on the number
        facts_of.apply(listing, {"title": "", **facts})
        session.flush()
        announce("listing_changed", listing=listing, change="created", actor=owner)
    return listing


def update(listing_id: int, *, actor: Any, version: int | None = None, **facts: Unpack[ListingFacts]) -> Listing:
    """Change what is said; only the given facts. `actor` None is the marketplace itself.

    With `version`, raises Conflict when somebody changed the listing since that version was read. Raises InvalidInput,
    Forbidden and NotFound.
    """
    with transaction() as session:
        listing = _for(listing_id, actor, "listing.edit")
        if version is not None and version != listing.version:
            raise Conflict(_("This was changed in another window meanwhile. Look at the newest text before you save."))
        facts_of.apply(listing, facts)
        _touch(listing)
        if listing.state == "published" and (found := core_problems(listing)):
            raise NotReady(found)
        session.flush()
        announce("listing_changed", listing=listing, change="updated", actor=actor)
    return listing


def show_price(listing: Listing, price: Money | None, unit: str | None = None) -> None:
    """Put onto a locked listing what its kind's own prices come to, so that cards, filters and orders know it.

    Raises InvalidInput. Joins the caller's transaction.
    """
    facts_of.apply(listing, {"price": price, "price_unit": unit})
    _touch(listing)
    db.session.flush()
    announce("listing_changed", listing=listing, change="updated", actor=None)


def publish(listing_id: int, *, actor: Any) -> Listing:
    """Show a draft to everybody; raises NotReady with everything that is missing, Refused, Forbidden, NotFound."""
    with transaction() as session:
        listing = _for(listing_id, actor, "listing.publish")
        kind = kind_of(listing.kind)
        if listing.state != "draft":
            raise Refused(_("This is published already."), code="not_a_draft")
        _refuse_problems(listing)
        listing.state = "published"
        listing.published_at = clock.now()
        _touch(listing)
        session.flush()
        if kind.on_publish:
            kind.on_publish(listing)
        announce("listing_changed", listing=listing, change="published", actor=actor)
        session.flush()
    return listing


def close(listing_id: int, *, actor: Any) -> Listing:
    """Take a published listing out of the offer; it stays readable. Raises Refused, Forbidden, NotFound."""
    with transaction() as session:
        listing = _for(listing_id, actor, "listing.close")
        if listing.state != "published":
            raise Refused(_("Only what is published can be closed."), code="not_published")
        listing.state = "closed"
        _touch(listing)
        kind = listing_kind(listing.kind)
        if kind and kind.on_close:
            kind.on_close(listing)
        session.flush()
        announce("listing_changed", listing=listing, change="closed", actor=actor)
    return listing


def reopen(listing_id: int, *, actor: Any) -> Listing:
    """Offer a closed listing again, under its former date, unless its kind objects.

    Raises NotReady, Refused, Forbidden, NotFound.
    """
    with transaction() as session:
        listing = _for(listing_id, actor, "listing.publish")
        kind = kind_of(listing.kind)
        if listing.state != "closed":
            raise Refused(_("Only what is closed can be opened again."), code="not_closed")
        _refuse_problems(listing)
        listing.state = "published"
        _touch(listing)
        session.flush()
        if kind.on_publish:  # a campaign that ended refuses here: it goes live once
            kind.on_publish(listing)
        announce("listing_changed", listing=listing, change="reopened", actor=actor)
    return listing


def remove(listing_id: int, *, actor: Any, reason: str) -> Listing:
    """Take a listing off the site as an operator, with a reason that its owner is told and the audit trail keeps."""
    reason = " ".join(reason.split())
    if not reason:
        raise Refused(_("Give a reason; the owner will read it."), field="reason")
    with transaction() as session:
        listing = _for(listing_id, actor, "listing.remove")
        if listing.state == "removed":
            raise Refused(_("This was removed already."), code="removed")
        before = listing.state
        listing.state = "removed"
        listing.published_at = listing.published_at or clock.now()
        _touch(listing)
        audit.record(actor.id if actor else None, "listing.removed", "listing", listing.id, reason, {"state": before})
        notifications.notify(
            listing.owner_id,
            "listing_removed",
            params={"title": listing.title, "reason": reason},
            url=f"/listings/{listing.id}-{listing.slug}",
        )
        session.flush()
        announce("listing_changed", listing=listing, change="removed", actor=actor)
    return listing


def core_problems(listing: Listing) -> list[str]:
    """Name what every listing needs before it may be public and this one lacks."""
    found = []
    owner = db.session.get(User, listing.owner_id)
    if owner is None or not owner.is_active:
        found.append(_("The owner's account can't do this at the moment."))
    elif runtime().settings.require_confirmed_mail and owner.email_confirmed_at is None:
        found.append(_("Confirm your e-mail address first; the link is in your mail."))
    if len(listing.body_md) < LEAST_BODY:
        found.append(_("Tell a little more: the text needs at least %(least)s characters.", least=LEAST_BODY))
    if not listing.place:
        found.append(_("Say where it is: a town or a neighbourhood."))
    return found


def problems(listing: Listing) -> list[str]:
    """Name what is missing before a listing may be published: the core's rules first, then its kind's."""
    check = kind_of(listing.kind).publish_problems
    return [*core_problems(listing), *(check(listing) if check else ())]


def _refuse_problems(listing: Listing) -> None:
    if found := problems(listing):
        raise NotReady(found)


def _for(listing_id: int, actor: Any, action: str) -> Listing:
    """Lock the listing for an action of `actor`; a stranger learns nothing about what is not public."""
    listing = locked(listing_id)
    if actor is not None:
        access.require(actor, "listing.see", listing)
        access.require(actor, action, listing)
    return listing


def _touch(listing: Listing) -> None:
    listing.version += 1
    listing.updated_at = clock.now()


def _refuse_too_many(owner: User) -> None:
    most = settings.get("listings.most_open")
    counted = select(func.count()).where(Listing.owner_id == owner.id, Listing.state.in_(("draft", "published")))
    # Locks the owner's row, so that two windows can't both make the last one.
    db.session.execute(select(User.id).where(User.id == owner.id).with_for_update())
    if db.session.scalar(counted) >= most:
        raise Refused(
            _("You have %(most)s open listings, which is the limit. Close one first.", most=most), code="quota"
        )
