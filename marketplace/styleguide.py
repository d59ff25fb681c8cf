"""The style guide: every piece of the face with a live example, shown everywhere but in production."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, abort, render_template
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    FileField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length

from marketplace import clock
from marketplace.forms import Form, MoneyField
from marketplace.hooks.types import CardFacts
from marketplace.icons import known_icons
from marketplace.reviews.ratings import Stars

blueprint = Blueprint("styleguide", __name__)


class SampleForm(Form):
    """One field of every sort."""

    title = StringField(_l("Title"), [InputRequired(), Length(max=120)])
    email = EmailField(_l("E-mail address"), [InputRequired()], render_kw={"autocomplete": "email"})
    password = PasswordField(_l("Password"), [InputRequired()], render_kw={"autocomplete": "new-password"})
    price = MoneyField(_l("Price"), currency="EUR")
    day = DateField(_l("Pick-up day"))
    category = SelectField(
        _l("Category"), choices=[SelectChoice("tools", _l("Tools")), SelectChoice("bikes", _l("Bikes"))]
    )
    picture = FileField(_l("Picture"))
    story = TextAreaField(_l("Your story"), [InputRequired(), Length(max=400)])
    reward = RadioField(
        _l("Choose a reward"),
        choices=[
            SelectChoice("seeds", _l("A bag of seeds")),
            SelectChoice("bed", _l("A vegetable bed")),
            SelectChoice("party", _l("The harvest party")),
        ],
        default="bed",
    )
    rules = BooleanField(_l("I agree to the house rules"), [InputRequired()])


def _things() -> list[SimpleNamespace]:
    facts = [
        ("Cargo bike, 3 seats", "bikes", "Jordaan", 450, 1800, "day", "Fenna", 4.9, 87),
        ("Bosch hammer drill", "tools", "De Pijp", 900, 600, "day", "Ruben", 4.8, 41),
        ("Family tent for five", "outdoors", "Oost", 1400, 1500, "day", "Sanne", 4.7, 23),
        ("Sewing kit and machine", "crafts", "West", 2100, 500, "day", "Amira", 5.0, 12),
        ("Full HD projector", "electronics", "Noord", 2600, 1250, "day", "Joris", 4.6, 31),
        ("Book club box (12)", "books", "Centrum", 3100, 0, "once", "Lotte", 4.9, 9),
        ("Camping solar panel", "energy", "Zuid", 3600, 900, "day", "Daan", None, 0),
        ("Garden tool set", "garden", "IJburg", 14800, 700, "week", "Maud", 4.7, 28),
    ]
    names = (
        "title",
        "category",
        "place",
        "distance_m",
        "price_minor",
        "price_unit",
        "owner_name",
        "rating",
        "rating_count",
    )
    return [_row(number, **dict(zip(names, fact, strict=True))) for number, fact in enumerate(facts, 1)]


def _row(number: int, **facts: Any) -> SimpleNamespace:
    base = {
        "id": number,
        "kind": "thing",
        "url": "#",
        "currency": "EUR",
        "cover_url": None,
        "cover_alt": "",
        "facts": None,
    }
    nothing = {
        "distance_m": None,
        "price_minor": None,
        "price_unit": None,
        "rating": None,
        "rating_count": 0,
        "summary": "",
    }
    return SimpleNamespace(**{**base, **nothing, **facts})


def _campaigns() -> list[SimpleNamespace]:
    def facts(percent: int, raised: str, goal: str, backers: str, days: str, badge: str | None = None) -> CardFacts:
        return CardFacts(percent, ((raised, goal), (backers, "backers"), (days, "days left")), badge)

    return [
        _row(11, title="A shared garden behind the library", category="garden", place="Oost", owner_name="Maud",
             summary="Grow your own vegetables, together with forty neighbours.",
             facts=facts(75, "€ 18.743", "of € 25.000", "412", "11")),
        _row(12, title="Solar roof for the community centre", category="energy", place="Zuid", owner_name="Daan",
             summary="Ninety panels that pay for the heating of the hall.",
             facts=facts(108, "€ 43.120", "of € 40.000", "981", "3", "Funded")),
        _row(13, title="Ten cargo bikes for the street", category="bikes", place="West", owner_name="Fenna",
             summary="A fleet that every household can borrow by the hour.",
             facts=facts(34, "€ 6.125", "of € 18.000", "133", "24")),
    ]  # fmt: skip


def _events() -> list[SimpleNamespace]:
    now = clock.now()
    facts = [
        ("done", "You pledged € 25", now - timedelta(days=9), "A vegetable bed, to be delivered in May"),
        ("done", "Your card was saved", now - timedelta(days=9), ""),
        ("current", "The campaign is running", None, "Nothing is charged before the deadline"),
        ("todo", "Your card is charged", now + timedelta(days=11), "Only if the goal is reached"),
        ("todo", "You receive your reward", None, ""),
    ]
    return [SimpleNamespace(state=state, text=text, time=at, note=note, icon="") for state, text, at, note in facts]


def _reviews() -> list[SimpleNamespace]:
    now = clock.now()
    quiet = {"author_id": 1, "hidden": False, "may_reply": False, "may_hide": False, "replied_at": None, "reply": ""}
    told = {"reply": "Thank you, it is free again next week.", "replied_at": now - timedelta(days=1)}
    facts = [
        {"stars": 5, "author": "Ruben", "title": "Cargo bike, 3 seats", "body": "Clean, and the battery was full."}
        | told,
        {"stars": 3, "author": "Amira", "title": "Hammer drill", "body": ""},
    ]
    return [SimpleNamespace(**quiet | {"at": now - timedelta(days=2)} | fact) for fact in facts]


def _form(*, wrong: bool) -> SampleForm:
    form = SampleForm(
        formdata=None, data={"title": "A shared garden"} if wrong else None, prefix="wrong-" if wrong else ""
    )
    if wrong:
        form.email.errors = [_l("Write an address like name@example.org.")]
        form.price.errors = [_l("This is not an amount. Write it like 25 or 25,50.")]
        form.rules.errors = [_l("You can go on once you agree to the rules.")]
    return form


@blueprint.get("/styleguide")
def index() -> str:
    """Show every piece of the face."""
    return render_template(
        "styleguide.html",
        rows=_things(),
        campaigns=_campaigns(),
        events=_events(),
        form=_form(wrong=False),
        wrong=_form(wrong=True),
        now=clock.now(),
        reviews=_reviews(),
        average_stars=Stars(87, 4.9),
        todo=SimpleNamespace(
            text="Answer Ruben's request for the cargo bike",
            url="#",
            icon="bike",
            due=clock.now() + timedelta(hours=20),
        ),
        icons=sorted(known_icons()),
    )


@blueprint.get("/styleguide/swap")
def swap() -> str:
    """Answer htmx with the same part that the whole page includes."""
    return render_template("styleguide/swap.html", now=clock.now(), swapped=True)


@blueprint.get("/styleguide/error/<int:status>")
def error(status: int) -> tuple[str, int]:
    """Show an error page the way people meet it."""
    if not 400 <= status < 600:
        abort(404)
    return render_template("errors/error.html", status=status, message="", reference="7f3a-91c2"), status
