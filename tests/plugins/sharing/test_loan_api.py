"""Loans over the API: a booking from the wish to the agreement, and what is refused; two at once get one slot."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from marketplace.testing.bank import Bank
from marketplace.testing.factories import Factories
from marketplace.users.models import User
from plugins.sharing.slot.windows import Window
from tests.core.api_caller import ALL, Caller, assert_problem
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.test_loan_money import Banked
from tests.plugins.sharing.test_loans_at_once import at_once

SCOPES = (*ALL, "loans:read", "loans:write")


@pytest.fixture
def lending(app: Flask, factories: Factories, frozen: Any) -> Lending:
    """Give a lender, a borrower, and no bank."""
    return Lending(app, factories, frozen)


def caller(lending: Lending, user: User) -> Caller:
    return Caller(lending.app, user, SCOPES)


def wish(window: Window, **more: Any) -> dict[str, Any]:
    return {"starts_at": window.starts_at.isoformat(), "ends_at": window.ends_at.isoformat(), **more}


def test_a_loan_over_the_api_from_the_wish_to_the_agreement(lending: Lending) -> None:
    item = lending.item(deposit_kind="promised", deposit_minor=50_00)
    ben, lena = caller(lending, lending.borrower), caller(lending, lending.lender)
    path = f"/sharing/items/{item}/loans"
    made = ben.post(path, wish(lending.window(), note="For the cherries"), key="ask")
    assert (made.status_code, made.json["state"], made.json["amount"]) == (201, "requested", None), made.text
    assert made.json["deposit"] == {"minor": 50_00, "currency": "EUR"}
    assert ben.post(path, wish(lending.window(), note="For the cherries"), key="ask").json == made.json
    here = f"/sharing/loans/{made.json['id']}"
    assert made.headers["Location"].endswith(here)
    assert lena.post(f"/agreements/{made.json['id']}/transitions", {"name": "accept"}, key="yes").status_code == 200
    assert (ben.get(here).json["state"], lena.get(here).json["state"]) == ("agreed", "agreed")
    assert [one["id"] for one in ben.get("/sharing/loans").json["data"]] == [made.json["id"]]
    stranger = caller(lending, lending.factories.user())
    assert_problem(stranger.get(here), 404, "not_found")
    assert stranger.get("/sharing/loans").json["data"] == []


def test_what_costs_something_says_where_it_is_paid(
    app: Flask, sandbox: Bank, factories: Factories, frozen: Any
) -> None:
    banked = Banked(app, sandbox, factories, frozen)
    item = banked.item(price=True, instant=True)
    ben, lena = caller(banked, banked.borrower), caller(banked, banked.lender)
    made = ben.post(f"/sharing/items/{item}/loans", wish(banked.window(), arrangement="rent"), key="rent").json
    assert (made["state"], made["amount"]) == ("paying", {"minor": 2000, "currency": "EUR"})
    assert "/pay/" in made["pay_url"]
    assert lena.get(f"/sharing/loans/{made['id']}").json["pay_url"] is None


def test_bad_wishes_are_told_at_their_field(lending: Lending) -> None:
    item = lending.item()
    ben, path = caller(lending, lending.borrower), f"/sharing/items/{item}/loans"
    window = lending.window()
    backwards = {"starts_at": window.ends_at.isoformat(), "ends_at": window.starts_at.isoformat()}
    for number, (body, status, word) in enumerate(
        (
            (backwards, 422, "ends_at"),
            (wish(window, arrangement="rent"), 422, "arrangement"),
            (wish(window, count=2), 409, "count"),
            (wish(window, count=0), 422, "count"),
        )
    ):
        answer = ben.post(path, body, key=f"bad-{number}")
        assert (answer.status_code, word in answer.json["errors"]) == (status, True), answer.text
    assert_problem(ben.post("/sharing/items/4040/loans", wish(window), key="none"), 404, "not_found")
    assert_problem(caller(lending, lending.lender).post(path, wish(window), key="own"), 409, "own_listing")


def free_instead(answer: Any) -> list[Window]:
    return [
        Window(datetime.fromisoformat(one["starts_at"]), datetime.fromisoformat(one["ends_at"]))
        for one in answer.json["alternatives"]
    ]


def test_of_two_simultaneous_bookings_over_the_api_one_gets_201_and_one_409_with_what_is_free_instead(
    lending: Lending,
) -> None:
    item, window = lending.item(instant=True), lending.window()
    callers = [caller(lending, lending.borrower), caller(lending, lending.factories.user())]
    path, body = f"/sharing/items/{item}/loans", wish(window)
    sent = [lambda number=number, one=one: one.post(path, body, key=f"n{number}") for number, one in enumerate(callers)]
    answers = at_once(lending, *sent)
    assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert_problem(refused, 409, "taken")
    assert refused.json["errors"] == {"starts_at": refused.json["title"]}
    instead = free_instead(refused)
    assert instead
    assert all(one.ends_at - one.starts_at == window.ends_at - window.starts_at for one in instead)
    assert all(one.ends_at <= window.starts_at or one.starts_at >= window.ends_at for one in instead)
    loser = next(one for one, answer in zip(callers, answers, strict=False) if answer is refused)
    again = loser.post(path, wish(instead[0]), key="again")
    assert (again.status_code, again.json["state"]) == (201, "agreed"), again.text
