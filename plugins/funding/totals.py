"""A campaign's kept totals: changed in the same transaction as the pledge, and provable at any time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select, update

from marketplace.api import Refused, db
from plugins.funding.models import Campaign, Pledge
from plugins.funding.placing import raise_total


@dataclass(frozen=True, slots=True)
class Drift:
    """A campaign whose kept totals differ from its pledges: amounts in minor units of the campaign's currency."""

    campaign_id: int
    kept_minor: int
    counted_minor: int
    kept_backers: int
    counted_backers: int


def add(campaign_id: int, amount_minor: int, backers: int, *, also: Sequence[str] = ()) -> None:
    """Change a live campaign's total by an amount and a number of backers; raises Refused once it is closed.

    `also` names further states in which it may still change: for money that was on its way when the campaign closed.
    """
    if not (
        _add_also(campaign_id, amount_minor, backers, also) if also else raise_total(campaign_id, amount_minor, backers)
    ):
        raise Refused(_("This campaign has ended."), code="campaign_ended")


def _add_also(campaign_id: int, amount_minor: int, backers: int, also: Sequence[str]) -> bool:
    changed = db.session.execute(
        update(Campaign)
        .where(Campaign.listing_id == campaign_id, Campaign.state.in_(("live", *also)))
        .values(pledged_minor=Campaign.pledged_minor + amount_minor, backers=Campaign.backers + backers)
        .returning(Campaign.listing_id)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None


def collected(campaign_id: int, amount_minor: int) -> None:
    """Add to what has been collected after a successful end."""
    _charged(campaign_id, collected_minor=Campaign.collected_minor + amount_minor)


def dropped(campaign_id: int, amount_minor: int) -> None:
    """Add to what could not be collected."""
    _charged(campaign_id, dropped_minor=Campaign.dropped_minor + amount_minor)


def disputed(campaign_id: int, change_minor: int) -> None:
    """Change what banks took back from pledges, by an amount that is below zero when they gave it back."""
    _charged(campaign_id, disputed_minor=Campaign.disputed_minor + change_minor)


def _charged(campaign_id: int, **values: object) -> None:
    db.session.execute(
        update(Campaign)
        .where(Campaign.listing_id == campaign_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def drift() -> list[Drift]:
    """Count every campaign's pledges anew and give those whose kept totals differ."""
    counted = (
        select(
            Pledge.campaign_id,
            func.sum(Pledge.amount_minor).label("amount"),
            func.count().label("backers"),
        )
        .where(Pledge.counted)
        .group_by(Pledge.campaign_id)
        .subquery()
    )
    amount, backers = func.coalesce(counted.c.amount, 0), func.coalesce(counted.c.backers, 0)
    rows = db.session.execute(
        select(Campaign.listing_id, Campaign.pledged_minor, amount, Campaign.backers, backers)
        .outerjoin(counted, counted.c.campaign_id == Campaign.listing_id)
        .where((Campaign.pledged_minor != amount) | (Campaign.backers != backers))
    )
    return [
        Drift(campaign, int(kept), int(real), int(people), int(there)) for campaign, kept, real, people, there in rows
    ]
