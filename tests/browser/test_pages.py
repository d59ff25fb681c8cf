"""Every family of pages in a real browser: accessible, within the screen, and without a complaint, in every size and theme."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page

from marketplace.testing.browser import WCAG
from tests.browser import places
from tests.browser.neighbourhood import Neighbourhood
from tests.browser.places import Place

WIDTHS = (1280, 390, 320)
FAMILIES = (places.guests, places.members, places.owners, places.sharers, places.buyers, places.operators)

AXE = """async tags => {
    const found = (await axe.run({runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})).violations;
    return found.map(rule => `${rule.id} ${rule.nodes.map(node => node.target.join(" ")).slice(0, 4).join(", ")}`);
}"""
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("main *")]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map(one => one.outerHTML.slice(0, 90))
    .concat("wider than the screen")"""


def faults(page: Page) -> Iterator[str]:
    """Name what is wrong with the page as it stands, in three widths and two themes; loading it once is enough."""
    page.evaluate(AXE_SCRIPT)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        wide = page.evaluate(WIDER)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found = page.evaluate(AXE, list(WCAG)) + wide
            yield from (f"{page.url} at {width} {theme}: {each}" for each in found)


def look(page: Page, place: Place) -> list[str]:
    """Go there, do what is to be done, and look."""
    answer = page.goto(place.path)
    assert answer is not None
    assert answer.status < 500, place
    if place.act is not None:
        place.act(page)
    if page.title() == "" or page.locator("h1").count() != 1:
        return [f"{page.url}: one heading, please, and a title"]
    return list(faults(page))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_nothing_is_wrong_with_any_page(
    site: Neighbourhood, browser: Browser, family: Callable[[Neighbourhood], Iterator[Place]]
) -> None:
    found: list[str] = []
    by_person: dict[str, list[Place]] = {}
    for place in family(site):
        by_person.setdefault(place.who, []).append(place)
    for who, there in by_person.items():
        with site.visit(browser, who) as page:
            for place in there:
                found += look(page, place)
    assert not found, "\n".join(found)
