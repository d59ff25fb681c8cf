"""An operator looks into a circle: only with a reason, which is kept; who and when, never what or why."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from marketplace.admin import audit
from marketplace.testing.browser import LiveServer, axe, enter, press
from marketplace.testing.clients import page_text, refresh
from marketplace.testing.factories import Factories
from plugins.sharing.circle import circles, turns
from tests.plugins.sharing.circle_world import Around

SECRETS = ("Shopping", "fridge", "She likes tea")


@pytest.fixture
def around(app: Flask, factories: Factories, frozen: Any) -> Around:
    """Give a circle with a keeper and a member."""
    return Around(app, factories, frozen)


def looks(around: Around) -> list[Any]:
    refresh()
    return list(audit.entries(action="circle.looked_at"))


def test_an_operator_says_why_and_sees_who_and_when(around: Around) -> None:
    moment = around.plan(note="The list is on the fridge.")[0]
    turns.sign_up(around.circle.id, moment.id, around.borrower)
    around.let_in(around.other)
    circles.remove(around.circle.id, around.other.id, around.lender)
    operator = around.factories.operator(name="Oscar Operator")
    client = around.visitor(operator)
    listed = client.get("/operator/sharing/circles")
    assert (f"Circle {around.circle.id}" in page_text(listed), "Oma Riet" in listed.text) == (True, False)
    path = f"/operator/sharing/circles/{around.circle.id}"
    asked = client.get(path)
    assert ("Why do you look?" in page_text(asked), "Oma Riet" in asked.text, looks(around)) == (True, False, [])
    assert client.post(path, data={"reason": " "}).status_code == 422
    assert looks(around) == []
    shown = client.post(path, data={"reason": "Complaint 17"})
    assert (shown.status_code, shown.headers["Cache-Control"]) == (200, "no-store")
    words = page_text(shown)
    for known in ("Around Oma Riet", "Lena Lender", "Ben Borrower", "Otto Other", "was taken out", "keeper", "Utrecht"):
        assert known in words, known
    assert not [secret for secret in SECRETS if secret in shown.text]
    (line,) = looks(around)
    assert (line.actor_id, line.subject_id, line.reason) == (operator.id, str(around.circle.id), "Complaint 17")
    assert client.get("/operator/sharing/circles/4040").status_code == 404


def test_nobody_else_looks_into_a_circle(around: Around) -> None:
    path = f"/operator/sharing/circles/{around.circle.id}"
    for user in (around.lender, around.other):
        client = around.visitor(user)
        for answer in (
            client.get(path),
            client.post(path, data={"reason": "me"}),
            client.get("/operator/sharing/circles"),
        ):
            assert answer.status_code == 403
    assert around.visitor().get(path).status_code == 302
    assert looks(around) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_page_is_clean_on_a_phone(around: Around, live_server: LiveServer, make_page: Any) -> None:
    around.plan()
    page = enter(make_page(width=390), around.factories.operator().email)
    page.goto(f"/operator/sharing/circles/{around.circle.id}")
    assert axe(page) == []
    page.fill("textarea[name=reason]", "Complaint 17")
    press(page.get_by_role("button", name="Look"))
    page.get_by_role("heading", name="Around Oma Riet").wait_for()
    assert axe(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0
