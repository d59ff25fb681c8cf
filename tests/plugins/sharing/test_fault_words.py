"""What the tariff engine says is wrong: every sentence of it is known, and has a Dutch one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from plugins.sharing import tariffs
from plugins.sharing.price import fault_words, price_lists
from plugins.sharing.price.price_lists import TariffRefused
from tests.plugins.sharing.use_world import MINUTES

SAYS = {"Fault": 1, "fault": 1, "ValueError": 0, "UseInvalid": 0}
"""Who says something, and which argument it is."""


def _sentences() -> list[str]:
    found = set()
    for file in Path(tariffs.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            place = SAYS.get(name)
            if place is not None and len(node.args) > place:
                found |= set(_written(node.args[place]))
    return sorted(found)


def _written(node: ast.expr) -> list[str]:
    """Give what an expression may say, with a word for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.JoinedStr):
        return ["".join(part.value if isinstance(part, ast.Constant) else "x1" for part in node.values)]
    if isinstance(node, ast.BinOp):
        return [f"{left}{right}" for left in _written(node.left) for right in _written(node.right)]
    if isinstance(node, ast.IfExp):
        return _written(node.body) + _written(node.orelse)
    return []


def test_every_sentence_of_the_engine_is_known_and_none_is_too_much(app: Flask) -> None:
    said = [one for one in _sentences() if one not in ("x1 is no x1 of this tariff", "two x1s have the same key")]
    assert len(said) > 50
    with force_locale("nl"):
        same = [one for one in said if fault_words.translated(one) == one]
    assert same == []
    patterns = [fault_words._pattern(text) for text in fault_words.TEXTS]
    used = {
        text for one in said for text, found in zip(fault_words.TEXTS, patterns, strict=True) if found.fullmatch(one)
    }
    assert {text for text in fault_words.TEXTS if "of this tariff" not in text and not text.startswith("two ")} <= used


@pytest.mark.parametrize(("message", "dutch"), [
    ("'km' is no component of kind time of this tariff", "'km' is geen onderdeel van de soort tijd in dit tarief"),
    ("is no field of this table; did you mean 'price'?", "is geen veld van deze tabel; bedoelde je 'price'?"),
    ("must be 1", "moet 1 zijn"),
    ("something new", "something new"),
])  # fmt: skip
def test_it_is_said_in_dutch(app: Flask, message: str, dutch: str) -> None:
    with force_locale("nl"):
        assert fault_words.translated(message) == dutch
    with force_locale("en"):
        assert fault_words.translated(message) == message


def test_people_read_moments_by_the_site_s_clock_and_figures_in_their_own_way(app: Flask) -> None:
    fell = "register 'km' fell from 1050.5 to 990 at 2026-03-10T09:50:00+00:00"
    with force_locale("nl"):
        assert fault_words.for_people(fell) == "De meter (km) liep terug, van 1.050,5 naar 990 op 10 mrt 2026, 10:50."
        assert "2026-03-10T09:50:00+00:00" in fault_words.translated(fell), "programs read it as they write it"
    with force_locale("en"):
        assert fault_words.for_people(fell) == "The meter (km) ran back, from 1,050.5 to 990 at 10 Mar 2026, 10:50."


def test_an_example_that_differs_is_told_with_amounts_in_dutch(app: Flask) -> None:
    wrong = {**MINUTES, "example": [{**MINUTES["example"][0], "total": "5.00", "lines": [["driving", "3.00"]]}]}
    with force_locale("nl"), pytest.raises(TariffRefused) as refused:
        price_lists.checked(wrong, "EUR")
    said = [text for _field, text in refused.value.faults]
    assert any("zegt € 5,00, het tarief geeft € 4,00" in one.replace("\xa0", " ") for one in said), said
    assert any("zegt geen regel" in one for one in said), said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("format = 1\nname = By the hour", "het is niet te lezen op regel 2, teken 8"),
        ('name = "By the hour', "het einde is niet te lezen: misschien is een haakje of aanhalingsteken niet gesloten"),
    ],
)
def test_where_a_document_can_not_be_read_is_said_in_dutch(app: Flask, text: str, said: str) -> None:
    with force_locale("nl"), pytest.raises(TariffRefused) as refused:
        price_lists.parse(text)
    assert refused.value.faults == (("document", said),)
