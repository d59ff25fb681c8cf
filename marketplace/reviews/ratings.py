"""Averages from kept totals: how many reviews a person or a thing has, and the sum of their stars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, case, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from marketplace.database import db, is_sqlite
from marketplace.reviews.descriptors import LEAST
from marketplace.reviews.models import ITEM, Rating, Review
from marketplace.settings import service as settings


@dataclass(frozen=True, slots=True)
class Stars:
    """How many reviews there are, and their average; None while they are too few to say anything."""

    number: int
    average: float | None


def count(about: str, subject_id: int | None, stars: int) -> None:
    """Count a review of a person or a thing, in the caller's transaction; safe when two do it at once."""
    table = cast(Table, Rating.__table__)
    insert = sqlite.insert(table) if is_sqlite() else postgresql.insert(table)
    adding = insert.values(about=about, subject_id=subject_id, number=1, stars=stars)
    db.session.execute(
        adding.on_conflict_do_update(
            index_elements=["about", "subject_id"], set_={"number": table.c.number + 1, "stars": table.c.stars + stars}
        )
    )


def discount(about: str, subject_id: int | None, stars: int) -> None:
    """Count a review no longer that was counted before, in the caller's transaction."""
    taken = update(Rating).where(Rating.about == about, Rating.subject_id == subject_id)
    db.session.execute(
        taken.values(number=Rating.number - 1, stars=Rating.stars - stars),
        execution_options={"synchronize_session": False},
    )


def stars_of(about: str, subject_id: int) -> Stars:
    """Give the stars of a person or a thing by one statement."""
    wanted = select(Rating.number, Rating.stars).where(Rating.about == about, Rating.subject_id == subject_id)
    row = db.session.execute(wanted).one_or_none()
    if row is None or not row.number:
        return Stars(0, None)
    enough = row.number >= settings.get(LEAST)
    return Stars(row.number, row.stars / row.number if enough else None)


def drift() -> list[tuple[str, int]]:
    """Give every person ("person", id) and thing ("item", id) whose kept totals are not those of the reviews that are shown."""
    subject = case((Review.about == ITEM, Review.listing_id), else_=Review.user_id)
    shown = (Review.revealed_at.is_not(None), Review.hidden.is_(False))
    counted = {
        (row.about, row.subject): (row.number, row.stars)
        for row in db.session.execute(
            select(
                Review.about,
                subject.label("subject"),
                func.count().label("number"),
                func.sum(Review.stars).label("stars"),
            )
            .where(*shown)
            .group_by(Review.about, subject)
        )
    }
    kept = {
        (row.about, row.subject_id): (row.number, row.stars)
        for row in db.session.execute(select(Rating.about, Rating.subject_id, Rating.number, Rating.stars))
        if row.number
    }
    return sorted(key for key in counted.keys() | kept.keys() if counted.get(key) != kept.get(key))
