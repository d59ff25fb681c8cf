"""The operator's lists of sharing in a browser: nothing for axe to find and no sideways scrolling, on a phone and a desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from marketplace.testing.bank import Bank
from marketplace.testing.browser import LiveServer, axe, enter, press
from marketplace.testing.factories import Factories
from tests.plugins.sharing.loan_world import Lending
from tests.plugins.sharing.meal_world import Cooking
from tests.plugins.sharing.test_operator_pages import LISTS, lent, ordered, used
from tests.plugins.sharing.use_world import UseWorld

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_the_lists_are_clean(
    width: int, dark: bool, app: Flask, factories: Factories, frozen: Any, sandbox: Bank, live_server: LiveServer,
    make_page: Callable[..., Page],
) -> None:  # fmt: skip
    world, lending = UseWorld(app, factories, frozen, sandbox), Lending(app, factories, frozen)
    lent(lending, 2)
    used(world, 2)
    ordered(Cooking(app, factories, frozen), 2)
    page = enter(make_page(width=width, dark=dark), factories.operator(name="Oscar Operator").email)
    page.goto("/operator")
    press(page.get_by_role("region", name="Sharing").get_by_role("link", name="Out now"))
    for path in LISTS:
        page.goto(f"/operator/sharing{path}")
        assert page.locator("tbody tr").count() >= 2, path
        assert axe(page) == [], path
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (path, wide)
