"""The demo's help: asked, offered, given and thanked for, and one circle with its calendar; by the use cases of the site."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from marketplace.api import User, agreements, clock, db, runtime, transaction
from plugins.sharing.circle import circles, moments, neighbours, turns
from plugins.sharing.circle.circle_models import IN, CircleMoment
from plugins.sharing.help import help_answers, help_listings, thanks
from plugins.sharing.help.help_hooks import ASKED, OFFERED
from plugins.sharing.slot.windows import Window, wall

TALK = "Samen praten op woensdag"
DOG = "Wie laat Bruno uit?"
SHELVES = "Two hands for heavy shelves"


def load(demo: Any) -> None:
    """Let neighbours help one another."""
    _thanked(demo)
    with demo.days_ago(2):
        dog = _help(demo, "maud", ASKED, DOG, "Bruno is klein en vriendelijk en wil elke dag naar het park. Mijn enkel heeft "
                    "nog twee weken nodig, zegt de dokter.", days=4, hour=8, weeks=2, address="Haveneiland 3")  # fmt: skip
        _help(demo, "eline", OFFERED, TALK, "Nederlands oefenen bij de thee, met de krant van gisteren. Alle niveaus; "
              "fouten maken is de bedoeling.", days=5, hour=19, weeks=8, people=3, first_come=True)  # fmt: skip
    with demo.days_ago(1):
        help_answers.answer(dog, demo.user("hugo"), "Ik loop er toch elke ochtend langs, en mis mijn eigen hond.")
    _circle(demo)


def _help(
    demo: Any, who: str, kind: str, title: str, words: str, *, days: int, hour: int, weeks: int = 0, **more: Any
) -> int:
    owner, zone = demo.user(who), runtime().settings.timezone
    day = clock.local(demo.now, zone).date() + timedelta(days=days)
    window = Window(wall(day, hour * 60, zone), wall(day, hour * 60 + 60, zone))
    facts = {"title": title, "body_md": words, "category": "help", "place": owner.place}
    until = day + timedelta(days=7 * weeks) if weeks else None
    listing = help_listings.publish(kind, owner, facts=facts, when=help_listings.When(window, until), **more)
    return int(listing.id)


def _thanked(demo: Any) -> None:
    """Show help that is over, with thanks."""
    with demo.days_ago(12):
        number = _help(demo, "lotte", ASKED, SHELVES, "Three bookshelves have to go up one narrow staircase. I make lunch, and "
                       "you may take a book along.", days=-10, hour=11, address="Herengracht 40, third floor")  # fmt: skip
        agreement = help_answers.answer(number, demo.user("tom"), "I have a strap for that, and a free Saturday.")
    with demo.days_ago(11):
        agreements.transition(agreement.id, "choose", _actor(agreement, demo.user("lotte")))
    with demo.days_ago(9):
        agreements.transition(agreement.id, "member_done", _actor(agreement, demo.user("tom")))
        agreements.transition(agreement.id, "owner_agrees", _actor(agreement, demo.user("lotte")))
        thanks.give(agreement.id, demo.user("lotte"), "They stand, they are full, and nobody fell. Thank you, Tom!")
        demo.work()


def _actor(agreement: Any, user: User) -> Any:
    return agreements.actor_for(user, agreement)


def _circle(demo: Any) -> None:
    """Show a circle around somebody: some come, somebody is missing, and the neighbours are asked."""
    keeper = demo.user("sanne")
    with demo.days_ago(20):
        about = circles.About(
            "Rond Oma Riet", keeper.place, "Oma Riet woont op nummer 8, eerste verdieping. Ze hoort slecht: bel twee keer. "
            "Thee zonder suiker, en praat over vroeger.", link_joins=False,
        )  # fmt: skip
        circle = circles.start(keeper, about)
        for key in ("noor", "amira", "daan"):
            with transaction():
                circles.admit(circles.locked(circle.id), demo.user(key), IN)
    with demo.days_ago(1):
        today = clock.local(demo.now, circle.zone).date()
        plans = (
            moments.Plan("Boodschappen", today + timedelta(days=2), 600, 690, note="Het lijstje hangt klaar.", weekly=True),
            moments.Plan("Samen eten", today + timedelta(days=3), 1050, 1140, people=2, weekly=True),
            moments.Plan("Naar de oogarts", today + timedelta(days=6), 840, 960, note="Het pasje ligt in de la."),
        )  # fmt: skip
        tasks = [moments.add(circle.id, keeper, plan) for plan in plans]
        for task, key in ((tasks[0], "noor"), (tasks[1], "amira"), (tasks[1], "daan")):
            turns.sign_up(circle.id, _first(task.id), demo.user(key))
        neighbours.ask(circle.id, _first(tasks[2].id), keeper)


def _first(task_id: int) -> int:
    found = select(CircleMoment.id).where(CircleMoment.task_id == task_id).order_by(CircleMoment.day).limit(1)
    return db.session.scalars(found).one()
