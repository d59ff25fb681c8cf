"""Settings that operators change while the site runs: typed, checked, kept for a while, audited."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import Conflict, InvalidInput
from marketplace.hooks.types import SettingSpec
from marketplace.money import Money
from marketplace.runtime import runtime
from marketplace.settings import service
from marketplace.settings.models import SettingValue
from marketplace.testing.factories import Factories

SPECS = (
    SettingSpec("test.open", "Open", "bool", True),
    SettingSpec("test.days", "Days", "int", 30, minimum=1, maximum=90, help="How long", group="Time"),
    SettingSpec("test.fee", "Fee", "decimal", Decimal("5"), minimum=Decimal("0"), maximum=Decimal("20")),
    SettingSpec("test.note", "Note", "str", "hello"),
    SettingSpec("test.least", "Least", "money", 100, minimum=50, maximum=Money(1000, "EUR")),
)


@pytest.fixture(autouse=True)
def specs(app: Flask) -> None:
    """Register one setting of each type and nothing else."""
    here = runtime(app)
    here.registry = dataclasses.replace(here.registry, settings={spec.key: spec for spec in SPECS})


def test_a_setting_without_a_value_has_its_default_in_its_type(app: Flask) -> None:
    assert service.get("test.open") is True
    assert service.get("test.days") == 30
    assert service.get("test.fee") == Decimal("5")
    assert service.get("test.note") == "hello"
    assert service.get("test.least") == Money(100, "EUR")


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("test.open", "", False),
        ("test.open", "y", True),
        ("test.days", " 14 ", 14),
        ("test.fee", "7,5", Decimal("7.5")),
        ("test.fee", Decimal("0.25"), Decimal("0.25")),
        ("test.note", "  Welcome  ", "Welcome"),
        ("test.least", "2,50", Money(250, "EUR")),
        ("test.least", Money(300, "EUR"), Money(300, "EUR")),
        ("test.least", 75, Money(75, "EUR")),
    ],
)
def test_what_was_typed_comes_back_in_its_type(app: Flask, key: str, typed: Any, value: Any) -> None:
    assert service.set_value(key, typed, None) == value
    assert service.get(key) == value


@pytest.mark.parametrize(
    ("key", "typed", "message"),
    [
        ("test.days", "soon", "whole number"),
        ("test.days", 1.5, "whole number"),
        ("test.days", "0", "least value is 1"),
        ("test.days", "91", "highest value is 90"),
        ("test.fee", "much", "not a number"),
        ("test.fee", "NaN", "not a number"),
        ("test.fee", "20.01", "highest value is 20"),
        ("test.open", 3, "yes or no"),
        ("test.note", "x" * 2001, "too long"),
        ("test.least", "free", "not an amount"),
        ("test.least", "0,49", "least value is 0.50"),
        ("test.least", "10,01", "highest value is 10.00"),
        ("test.least", Money(100, "USD"), "EUR"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_a_message_for_its_field(
    app: Flask, key: str, typed: Any, message: str
) -> None:
    before = service.get(key)
    with pytest.raises(InvalidInput) as refusal:
        service.set_value(key, typed, None)
    assert message in refusal.value.errors[key]
    assert service.get(key) == before
    assert audit.entries() == []


def test_an_unknown_setting_is_an_error(app: Flask) -> None:
    with pytest.raises(service.UnknownSetting, match="'nothing'"):
        service.get("nothing")


def test_a_change_is_audited_with_before_and_after(app: Flask, factories: Factories) -> None:
    operator = factories.operator()
    service.set_value("test.fee", "6", operator.id, "agreed at the meeting")
    service.set_value("test.fee", "7", operator.id)
    newest, first = audit.entries(subject=("setting", "test.fee"))
    assert (first.actor, first.reason, first.data) == (
        "Olga Operator",
        "agreed at the meeting",
        {"before": "5", "after": "6"},
    )
    assert newest.data == {"before": "6", "after": "7"}


def test_two_operators_do_not_overwrite_each_other(app: Flask) -> None:
    service.set_value("test.days", 10, None, version=0)
    with pytest.raises(Conflict):
        service.set_value("test.days", 20, None, version=0)
    service.set_value("test.days", 20, None, version=1)
    assert service.get("test.days") == 20


def test_reading_costs_one_statement_per_while(app: Flask, statements: Callable[[], Any]) -> None:
    with statements() as seen:
        for _turn in range(10):
            service.get("test.days")
            service.get("test.fee")
    assert len(seen) == 1


def test_another_processes_change_is_seen_after_a_while(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    service.set_value("test.days", 10, None)
    assert service.get("test.days") == 10
    with transaction() as session:
        session.execute(update(SettingValue).values(value=11))
    assert service.get("test.days") == 10
    monkeypatch.setattr(service, "FRESH_SECONDS", 0.0)
    assert service.get("test.days") == 11


def test_a_change_that_rolls_back_is_never_seen(app: Flask) -> None:
    def fail() -> None:
        with transaction():
            service.set_value("test.days", 77, None)
            assert service.get("test.days") == 30
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    assert service.get("test.days") == 30


def test_the_form_gets_every_setting_with_its_present_text(app: Flask, statements: Callable[[], Any]) -> None:
    service.set_value("test.least", "2,50", None)
    with statements() as seen:
        fields = {field.key: field for field in service.form_fields()}
    assert len(seen) == 1
    assert [*fields] == [spec.key for spec in SPECS]
    assert (fields["test.least"].text, fields["test.least"].version) == ("2.50", 1)
    assert (fields["test.open"].checked, fields["test.days"].text) == (True, "30")
    assert fields["test.days"].help == "How long"
    db.session.rollback()
