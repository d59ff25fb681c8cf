"""Members: the list, one member with everything about them, and what operators do with an account."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import aliased

from marketplace import clock
from marketplace.admin import audit, books
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.forms import MemberReasonForm
from marketplace.admin.paging import chips, one_of, paged, word
from marketplace.admin.words import MEMBER, ROLE, options
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.listings.models import Listing
from marketplace.messages.models import MessageReport
from marketplace.payments.models import Payment
from marketplace.payments.payout_accounts import account_of
from marketplace.users import accounts, moderation
from marketplace.users.models import User, UserSession

NEWEST = 8


@blueprint.get("/members")
def members() -> Any:
    """List members, the newest first."""
    state, role, q = one_of("state", MEMBER), one_of("role", ROLE), word()
    listed = select(User.id, User.name, User.email, User.place, User.state, User.role, User.created_at,
                    User.email_confirmed_at)  # fmt: skip
    if state:
        listed = listed.where(User.state == state)
    if role:
        listed = listed.where(User.role == role)
    if q:
        listed = listed.where(
            or_(User.email.contains(q.lower(), autoescape=True), User.name.icontains(q, autoescape=True))
        )
    return render_template(
        "operator/members.html",
        page=paged(listed, User.id),
        states=chips("state", options("member")),
        roles=chips("role", options("role"), _("Everybody")),
        q=q,
        kept={"state": state, "role": role},
    )


@blueprint.get("/members/<int:member_id>")
def member(member_id: int) -> Any:
    """Show a member: what they have here, their newest agreements and payments, and what operators did."""
    user = _member(member_id)
    return render_template(
        "operator/member.html",
        person=user,
        counts=_counts(member_id),
        agreements=db.session.execute(_agreements(member_id)).all(),
        payments=db.session.execute(_payments(member_id)).all(),
        balances=books.member_balances(member_id),
        account=account_of(member_id),
        entries=audit.entries(subject=("user", member_id), limit=NEWEST),
        mine=member_id == me().id,
    )


def _member(member_id: int) -> User:
    user = db.session.get(User, member_id)
    if user is None:
        raise NotFound(_("There is no such member."))
    return user


def _counts(member_id: int) -> Any:
    """Count what a member has, by one statement over indexes."""

    def count(key: Any, *where: Any) -> Any:
        return select(func.count(key)).where(*where).scalar_subquery()

    open_session = (UserSession.user_id == member_id, UserSession.revoked_at.is_(None))
    return db.session.execute(
        select(
            count(Listing.id, Listing.owner_id == member_id).label("listings"),
            count(Agreement.id, Agreement.member_id == member_id).label("taken"),
            count(Agreement.id, Agreement.owner_id == member_id).label("given"),
            count(Payment.id, Payment.payer_id == member_id).label("paid"),
            count(Payment.id, Payment.payee_id == member_id).label("received"),
            count(UserSession.id, *open_session, UserSession.expires_at > clock.now()).label("sessions"),
            count(MessageReport.id, MessageReport.reporter_id == member_id).label("reports"),
        )
    ).one()


def _agreements(member_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Agreement.id, Agreement.kind, Agreement.phase, Agreement.amount_minor, Agreement.currency,
            Agreement.created_at, Agreement.owner_id, Listing.title,
        )
        .join(Listing, Listing.id == Agreement.listing_id)
        .where(or_(Agreement.member_id == member_id, Agreement.owner_id == member_id))
        .order_by(Agreement.id.desc())
        .limit(NEWEST)
    )  # fmt: skip


def _payments(member_id: int) -> Select[*tuple[Any, ...]]:
    payer, payee = aliased(User), aliased(User)
    return (
        select(
            Payment.id, Payment.state, Payment.amount_minor, Payment.currency, Payment.created_at, Payment.payer_id,
            payer.name.label("payer"), payee.name.label("payee"),
        )
        .join(payer, payer.id == Payment.payer_id)
        .join(payee, payee.id == Payment.payee_id)
        .where(or_(Payment.payer_id == member_id, Payment.payee_id == member_id))
        .order_by(Payment.id.desc())
        .limit(NEWEST)
    )  # fmt: skip


@blueprint.route("/members/<int:member_id>/<any(block, unblock, promote, demote):act>", methods=["GET", "POST"])
def member_act(member_id: int, act: str) -> Any:
    """Block, unblock, make or unmake an operator: asked once more, with a reason."""
    name = {"name": _member(member_id).name}
    done = {
        "block": _("%(name)s is blocked.", **name),
        "unblock": _("%(name)s can log in again.", **name),
        "promote": _("%(name)s is an operator now.", **name),
        "demote": _("%(name)s is a member now.", **name),
    }

    def carry_out(reason: str) -> object:
        if act == "block":
            return moderation.block(member_id, actor_id=me().id, reason=reason)
        if act == "unblock":
            return moderation.unblock(member_id, actor_id=me().id, reason=reason)
        role = "operator" if act == "promote" else "member"
        return moderation.set_role(member_id, role, actor_id=me().id, reason=reason)

    question = _question(act, name, url_for("operator.member", member_id=member_id))
    return asked(question, carry_out, done[act], MemberReasonForm() if act == "block" else None)


def _question(act: str, name: dict[str, str], back: str) -> Question:
    """Say what an act means for the member."""
    if act == "block":
        return Question(
            _("Block %(name)s", **name),
            _("Every log-in ends at once and none works any more. Listings and agreements stay as they are."),
            _("Block"), back, danger=True, icon="user-x",
        )  # fmt: skip
    if act == "unblock":
        return Question(
            _("Unblock %(name)s", **name), _("The member can log in again."), _("Unblock"), back, icon="user-check"
        )
    if act == "promote":
        return Question(
            _("Make %(name)s an operator", **name),
            _("An operator sees everybody's agreements and payments, and can do everything that you can do here."),
            _("Make operator"), back, icon="shield-check",
        )  # fmt: skip
    return Question(
        _("%(name)s is no operator any more", **name), _("The account becomes that of a member."), _("Make member"), back,
        icon="user",
    )  # fmt: skip


@blueprint.post("/members/<int:member_id>/resend")
def member_resend(member_id: int) -> Any:
    """Mail the confirming link again; a few times an hour at most, as for the member."""
    user = _member(member_id)
    if user.email_confirmed_at is not None or user.state != "active":
        raise Refused(_("There is nothing to confirm for this account."))
    with transaction():
        audit.record(me().id, "user.confirmation_resent", "user", member_id)
    accounts.resend(user.email)
    flash(_("If the hourly limit allows it, the link is on its way."), "success")
    return redirect(url_for("operator.member", member_id=member_id))
