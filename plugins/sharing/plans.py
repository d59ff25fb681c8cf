"""Plans of a tariff that a member has with an owner: which one counts now."""

from __future__ import annotations

from sqlalchemy import select

from marketplace.api import Agreement, clock, db
from plugins.sharing.tariffs.model import Terms
from plugins.sharing.use_models import PlanMember


def of(member_id: int, owner_id: int, terms: Terms) -> str:
    """Give the key of the member's plan with this owner that this tariff knows, or "" for none."""
    if not terms.plans:
        return ""
    key = db.session.scalar(
        select(PlanMember.plan)
        .join(Agreement, Agreement.id == PlanMember.agreement_id)
        .where(PlanMember.member_id == member_id, PlanMember.owner_id == owner_id, PlanMember.paid_until > clock.now())
        .order_by(PlanMember.agreement_id.desc())
        .limit(1)
    )
    return key if key in {plan.key for plan in terms.plans} else ""
