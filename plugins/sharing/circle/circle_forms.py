"""The forms of circles: what it is about, what is to be done, and whom to invite."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, IntegerField, SelectField, StringField, TextAreaField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from marketplace.api import Form, InvalidInput, clock
from plugins.sharing.circle.circle_models import MOST_PEOPLE
from plugins.sharing.circle.circles import About
from plugins.sharing.circle.moments import Plan

CLOCK = "%H:%M"
BEFORE = ((24, _l("a day")), (48, _l("two days")), (96, _l("four days")), (168, _l("a week")))
CHOICES = [SelectChoice(hours, words) for hours, words in BEFORE]


class CircleForm(Form):
    """What is said of a circle. Only its members read it."""

    name = StringField(
        _l("Name"),
        [DataRequired(_l("Give it a name.")), Length(min=2, max=80)],
        description=_l("For example: around Oma Riet. Only members of the circle see it."),
    )
    about = TextAreaField(
        _l("What the others should know"),
        [Length(max=2000)],
        description=_l("Who it is about, what helps, whom to call. Only members of the circle read it."),
        render_kw={"rows": 4},
    )
    place = StringField(
        _l("Place"),
        [DataRequired(_l("Say where it is: a town or a neighbourhood.")), Length(max=80)],
        description=_l("A town or a neighbourhood. Shown to others only when you ask the neighbours."),
        render_kw={"list": "places", "autocomplete": "off"},
    )
    call_hours = SelectField(
        _l("If somebody is missing, tell everybody"),
        coerce=int,
        choices=[SelectChoice(hours, words) for hours, words in BEFORE],
        default=48,
    )
    link_joins = BooleanField(
        _l("Who has the invitation link joins at once"), description=_l("Otherwise a keeper says yes first.")
    )

    def said(self) -> About:
        """Give what was filled in."""
        return About(
            self.name.data or "", self.place.data or "", self.about.data or "", self.call_hours.data or 0,
            bool(self.link_joins.data),
        )  # fmt: skip

    def keep(self, hours: int) -> None:
        """Offer also what stands already, where a program chose it."""
        if hours not in dict(BEFORE):
            self.call_hours.choices = [*self.call_hours.choices, SelectChoice(hours, str(hours))]


class LookForm(Form):
    """Why an operator looks into a circle."""

    reason = TextAreaField(
        _l("Why do you look?"),
        [DataRequired(_l("Say why.")), Length(max=1000)],
        description=_l("It is kept in the audit trail with your name."),
        render_kw={"rows": 2},
    )


class AgainForm(Form):
    """What neighbours read when they are asked again."""

    title = StringField(_l("What is to be done"), [DataRequired(_l("Say what is to be done.")), Length(min=3, max=120)])
    body_md = TextAreaField(
        _l("What neighbours should know"),
        [DataRequired(_l("Say a few words.")), Length(max=2000)],
        description=_l("Everybody can read this, so name nobody of the circle."),
        render_kw={"rows": 4},
    )


class PlanForm(Form):
    """Something that is to be done, once or every week."""

    title = StringField(
        _l("What is to be done?"),
        [DataRequired(_l("Give it a title.")), Length(min=3, max=120)],
        description=_l("For example: shopping, a walk, cooking."),
    )
    note = TextAreaField(
        _l("What one should know"), [Length(max=2000)], description=_l("Only members of the circle read it."),
        render_kw={"rows": 3},
    )  # fmt: skip
    day = DateField(_l("Day"), [InputRequired()])
    since = TimeField(_l("From"), [InputRequired()], format=CLOCK)
    until = TimeField(_l("Until"), [InputRequired()], format=CLOCK)
    weekly = BooleanField(_l("Every week at this time"))
    until_day = DateField(
        _l("The last time"), [Optional()], description=_l("Leave it empty when it goes on until further notice.")
    )
    people = IntegerField(_l("How many people"), [InputRequired(), NumberRange(min=1, max=MOST_PEOPLE)], default=1)

    def suggest(self, zone: str, now: datetime) -> None:
        """Fill in a morning the day after tomorrow."""
        self.day.data = clock.local(now, zone).date() + timedelta(days=2)
        self.since.data, self.until.data = time(10), time(11)

    def plan(self) -> Plan:
        """Give what was filled in; raises InvalidInput when it ends before it begins."""
        since, until = (at.hour * 60 + at.minute for at in (self.since.data, self.until.data))
        until = until or 1440  # midnight is the end of the day
        if until <= since:
            raise InvalidInput({"until": _("The end must be after the start.")})
        weekly = bool(self.weekly.data)
        return Plan(
            self.title.data or "", self.day.data, since, until, self.people.data or 0, self.note.data or "", weekly,
            self.until_day.data if weekly else None,
        )  # fmt: skip


class InviteForm(Form):
    """Whom to invite by mail."""

    email = StringField(
        _l("E-mail address"),
        [DataRequired(_l("Give an e-mail address.")), Length(max=254)],
        render_kw={"type": "email", "autocomplete": "off"},
    )


class HandOverForm(Form):
    """Who might come instead."""

    to = SelectField(_l("Who could come instead?"), coerce=int)

    def offer(self, members: Any) -> None:
        """Offer those who are not coming anyway."""
        self.to.choices = [SelectChoice(row.member_id, row.name) for row in members]
