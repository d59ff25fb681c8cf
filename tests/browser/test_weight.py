"""How heavy the pages are on the wire, and whether anything moves while they load."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.browser.neighbourhood import Neighbourhood
from tests.browser.places import CAMPAIGN, LIVE

KB = 1000
SCRIPT, STYLE, WHOLE = 50 * KB, 15 * KB, 200 * KB
"""Budgets of one page in bytes as transferred; photos are left out of the whole."""
SHIFT = 0.05

SHIFTS = """() => new Promise(done => { let sum = 0; new PerformanceObserver(list => {
    for (const entry of list.getEntries()) sum += entry.value; }).observe({type: "layout-shift", buffered: true});
    setTimeout(() => done(sum), 150); })"""


def addresses(site: Neighbourhood) -> tuple[str, ...]:
    """Name the pages that guests arrive on."""
    return "/", "/discover", str(site.one(CAMPAIGN, slug=LIVE))


def transferred(page: Page, path: str) -> Counter[str]:
    """Open a page with an empty cache and add up what came over the wire, in bytes by kind of resource."""
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    kinds: dict[str, str] = {}
    weights: Counter[str] = Counter()
    wire.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    wire.on(
        "Network.loadingFinished",
        lambda event: weights.update({kinds.get(event["requestId"], "?"): int(event["encodedDataLength"])}),
    )
    page.goto(path, wait_until="networkidle")
    wire.detach()
    return weights


def test_pages_are_light(site: Neighbourhood, browser: Browser) -> None:
    with site.visit(browser) as page:
        for path in addresses(site):
            weights = transferred(page, path)
            photos = page.evaluate(
                "performance.getEntriesByType('resource').filter(one => one.initiatorType === 'img').length"
            )
            assert photos > 0, f"{path} shows no picture, so this measures the wrong page"
            assert 0 < weights["Script"] < SCRIPT, (path, weights)
            assert 0 < weights["Stylesheet"] < STYLE, (path, weights)
            assert sum(weights.values()) - weights["Image"] < WHOLE, (path, weights)


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_moves_while_pages_load(site: Neighbourhood, browser: Browser, width: int) -> None:
    for path in addresses(site):
        with site.visit(browser, width=width) as page:
            page.goto(path, wait_until="networkidle")
            moved = page.evaluate(SHIFTS)
            assert moved <= SHIFT, (path, moved)


def test_nothing_moves_when_the_font_comes_late(site: Neighbourhood, browser: Browser) -> None:
    def slowly(route: Route) -> None:
        time.sleep(1)
        route.continue_()

    for path in addresses(site):
        with site.visit(browser, width=390) as page:
            page.route("**/*.woff2", slowly)
            page.goto(path, wait_until="networkidle")
            moved = page.evaluate(SHIFTS)
            assert moved <= SHIFT, (path, moved)
