"""The pages by keyboard alone: past the header, through the menu, and always with the focus in sight."""

from __future__ import annotations

from playwright.sync_api import Browser, Page, expect

from tests.browser.neighbourhood import Neighbourhood
from tests.browser.places import CAMPAIGN, LIVE

FOCUSED = """() => {
    const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
    const around = getComputedStyle(one.closest(".card, .todo-item, .choice, .search-bar, .chip") || one);
    return {name: one.getAttribute("aria-label") || one.innerText || one.name || one.tagName, inMain: !!one.closest("main"),
            seen: box.bottom > 0 && box.top < innerHeight && box.width > 0,
            outlined: [style, around].some(each => each.outlineStyle !== "none" && parseFloat(each.outlineWidth) >= 2)};
}"""


def tab(page: Page) -> dict[str, object]:
    """Press Tab and tell where the focus is, and whether it can be seen."""
    page.keyboard.press("Tab")
    return dict(page.evaluate(FOCUSED))


def test_a_campaign_can_be_reached_and_used_without_a_mouse(site: Neighbourhood, browser: Browser) -> None:
    with site.visit(browser) as page:
        page.goto(str(site.one(CAMPAIGN, slug=LIVE)))
        first = tab(page)
        assert "Skip to the content" in str(first["name"])
        assert first["seen"]
        page.keyboard.press("Enter")
        expect(page.locator("#main")).to_be_focused()
        walked = [tab(page) for _ in range(8)]
        hidden = [step for step in walked if not (step["seen"] and step["outlined"])]
        assert hidden == []
        assert all(step["inMain"] for step in walked)
        assert "Back this project" in [str(step["name"]).strip() for step in walked]


def test_menus_open_and_close_by_keyboard(site: Neighbourhood, browser: Browser) -> None:
    with site.visit(browser, "amira") as page:
        page.goto("/")
        menu = page.locator("header details.menu")
        menu.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(menu.locator("a").first).to_be_visible()
        step = tab(page)
        assert step["outlined"]
        assert page.evaluate("!!document.activeElement.closest('.menu-panel')")
        page.keyboard.press("Escape")
        expect(menu.locator("a").first).to_be_hidden()
        expect(menu.locator("summary")).to_be_focused()
        page.set_viewport_size({"width": 390, "height": 800})
        button = page.get_by_role("button", name="Menu")
        button.focus()
        page.keyboard.press("Enter")
        link = page.get_by_role("banner").get_by_role("link", name="Discover")
        expect(link).to_be_visible()
        page.keyboard.press("Escape")
        expect(link).to_be_hidden()
        expect(button).to_be_focused()
