"""The browser fixtures themselves: a browser test that notices nothing would be worse than none."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page

from marketplace import clock
from marketplace.testing.browser import PageProblems, axe
from marketplace.testing.frozen_clock import FrozenClock

INLINE_SCRIPT = "<!doctype html><html lang=en><title>x</title><main><h1>Probe</h1><script>document.title='ran'</script>"
NO_LABEL = "<!doctype html><html lang=en><title>x</title><main><h1>Probe</h1><input type=text><img src=/missing.png>"
FOREIGN = (
    "<!doctype html><html lang=en><title>x</title><main><h1>Probe</h1><img alt='' src='https://example.org/a.png'>"
)


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Iterator[Flask]:
    """Give the app with pages that are wrong on purpose."""
    made = make_app()
    for name, text in (("inline", INLINE_SCRIPT), ("unlabelled", NO_LABEL), ("foreign", FOREIGN)):
        made.add_url_rule(f"/probe/{name}", f"probe_{name}", lambda text=text: text)
    made.add_url_rule("/probe/time", "probe_time", lambda: clock.now().isoformat())
    with made.app_context():
        yield made


def test_an_inline_script_is_blocked_by_the_policy_and_reported(page: Page, page_problems: PageProblems) -> None:
    page.goto("/probe/inline")
    assert page.title() == "x"
    assert any("Content Security Policy" in complaint for complaint in page_problems.found)
    page_problems.found.clear()


def test_axe_finds_a_field_without_a_label(page: Page, page_problems: PageProblems) -> None:
    page.goto("/probe/unlabelled")
    rules = " ".join(axe(page))
    assert "label" in rules
    assert "image-alt" in rules
    assert any("404 for image" in complaint for complaint in page_problems.found)
    page_problems.found.clear()


def test_a_request_to_a_third_party_is_reported_and_does_not_leave(page: Page, page_problems: PageProblems) -> None:
    page.goto("/probe/foreign")
    assert any("example.org" in complaint for complaint in page_problems.found)
    page_problems.found.clear()


def test_a_frozen_clock_is_frozen_in_the_live_server(page: Page, frozen: FrozenClock) -> None:
    frozen.at("2031-05-06T07:08:09")
    page.goto("/probe/time")
    assert "2031-05-06T07:08:09" in page.content()


def test_a_page_may_have_another_width_and_no_javascript(make_page: Callable[..., Page]) -> None:
    narrow = make_page(width=320, javascript=False, dark=True, locale="nl")
    narrow.goto("/probe/time")
    assert narrow.viewport_size == {"width": 320, "height": 900}
