"""Agreements of every kind, and everything that happened to one."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import aliased

from marketplace.admin import timeline
from marketplace.admin.door import blueprint, me
from marketplace.admin.paging import chips, mark, one_of, paged, word
from marketplace.admin.words import PHASE, options
from marketplace.agreements import page as pages
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import NotFound
from marketplace.listings.models import Listing
from marketplace.payments import service as payments
from marketplace.runtime import agreement_kind, runtime
from marketplace.users.models import User


@blueprint.get("/agreements")
def agreements() -> Any:
    """List agreements, the newest first."""
    phase, kind, q, member_id = one_of("phase", PHASE), word("kind"), word(), mark(word("member"))
    owner, member = aliased(User), aliased(User)
    listed = (
        select(
            Agreement.id, Agreement.kind, Agreement.state, Agreement.phase, Agreement.amount_minor, Agreement.currency,
            Agreement.created_at, Listing.title, Agreement.owner_id, owner.name.label("owner"), Agreement.member_id,
            member.name.label("member"),
        )
        .join(Listing, Listing.id == Agreement.listing_id)
        .join(owner, owner.id == Agreement.owner_id)
        .join(member, member.id == Agreement.member_id)
    )  # fmt: skip
    if phase:
        listed = listed.where(Agreement.phase == phase)
    if kind:
        listed = listed.where(Agreement.kind == kind)
    if member_id:
        listed = listed.where((Agreement.owner_id == member_id) | (Agreement.member_id == member_id))
    if q:
        listed = listed.where(Listing.title.icontains(q, autoescape=True))
    kinds = [(name, one.label) for name, one in runtime().registry.agreement_kinds.items()]
    return render_template(
        "operator/agreements.html",
        page=paged(listed, Agreement.id),
        phases=chips("phase", options("phase")),
        kinds=chips("kind", kinds, _("Every kind")) if len(kinds) > 1 else [],
        q=q,
        kept={"phase": phase, "kind": kind, "member": member_id or ""},
        state_of=lambda row: pages.state_label(agreement_kind(row.kind), row.state),
    )


@blueprint.get("/agreements/<int:agreement_id>")
def agreement(agreement_id: int) -> Any:
    """Show an agreement with its whole history: moves, money, the gateway's raw events, bookings, acts of operators."""
    found = db.session.get(Agreement, agreement_id)
    if found is None:
        raise NotFound(_("There is no such agreement."))
    return render_template(
        "operator/agreement.html",
        page=pages.gathered(found, me()),
        payments=payments.payments_of(found),
        moments=timeline.of_agreement(found),
    )
