"""What forms say of themselves is Dutch on Dutch pages, whatever wtforms' own catalogue lacks."""

import ast
from pathlib import Path

import wtforms
from flask import Flask
from flask_babel import force_locale
from wtforms import DateField, IntegerField, RadioField, SelectMultipleField, StringField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange

from marketplace.form_words import SAID
from marketplace.forms import Form

WORDS = Form.Meta.words


def said_by_wtforms() -> list[tuple[str, ...]]:
    """Read from its code every text that wtforms may say: one, or one thing and several."""
    found = set()
    for path in Path(wtforms.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node.func, "attr", "") if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name in ("gettext", "ngettext"):
                found.add(tuple(str(one.value) for one in node.args if isinstance(one, ast.Constant)))
    return sorted(texts for texts in found if texts)


def test_every_text_that_wtforms_may_say_is_found_in_dutch(app: Flask) -> None:
    texts = said_by_wtforms()
    assert len(texts) > 30
    with app.test_request_context(), force_locale("nl"):
        english = [one for one in texts if len(one) == 1 and WORDS.gettext(one[0]) == one[0]]
        english += [one for one in texts if len(one) == 2 for number in (1, 2) if WORDS.ngettext(*one, number) in one]
    assert english == []


def test_what_the_site_says_in_its_own_words_is_what_wtforms_says() -> None:
    assert {text for texts in said_by_wtforms() for text in texts} >= set(SAID), (
        "a text that wtforms no longer has is never found"
    )


class Filled(Form):
    """One field of each kind that people get wrong."""

    name = StringField(validators=[InputRequired()])
    short = StringField(validators=[Length(max=3)])
    kind = RadioField(choices=[SelectChoice("a", "A")])
    several = SelectMultipleField(choices=[SelectChoice("a", "A")])
    number = IntegerField(validators=[NumberRange(min=1, max=9)])
    whole = IntegerField()
    day = DateField()
    moment = TimeField()


TYPED = {
    "name": "", "short": "four", "kind": "theft", "several": ["b"], "number": "10", "whole": "many", "day": "soon",
    "moment": "later",
}  # fmt: skip


def test_what_is_typed_wrongly_is_answered_in_the_readers_language(app: Flask) -> None:
    found = {}
    for language in ("nl", "en"):
        with app.test_request_context("/", method="POST", data=TYPED), force_locale(language):
            form = Filled(meta={"csrf": False})
            assert not form.validate()
            found[language] = {name: str(texts[0]) for name, texts in form.errors.items()}
    assert found["nl"] == {
        "name": "Vul dit in.", "short": "Gebruik hoogstens 3 tekens.", "kind": "Kies een van deze.",
        "several": "“b” staat er niet bij. Kies uit de mogelijkheden.",
        "number": "Kies een getal van 1 tot en met 9.", "whole": "Dit is geen heel getal.", "day": "Dit is geen datum.",
        "moment": "Dit is geen tijd. Schrijf bijvoorbeeld 17:30.",
    }  # fmt: skip
    assert found["en"] == {
        "name": "Fill this in.", "short": "Use at most 3 characters.", "kind": "Choose one of these.",
        "several": "“b” is not on the list. Choose from what is there.", "number": "Choose a number from 1 to 9.",
        "whole": "This is not a whole number.", "day": "This is not a date.",
        "moment": "This is not a time. Write it like 17:30.",
    }  # fmt: skip
