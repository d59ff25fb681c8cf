"""The style guide shows every piece, and every piece passes in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from marketplace.testing.browser import axe

MACROS = Path(__file__).resolve().parents[2] / "templates" / "macros"
WIDTHS = (1280, 390, 320)
STATUSES = (400, 403, 404, 405, 409, 410, 413, 422, 429, 500, 503)


@pytest.fixture
def database(worker_databases):
    """Nothing here touches a table, so one database is enough."""
    return worker_databases("sqlite")


def test_the_style_guide_shows_every_macro(client) -> None:
    text = client.get("/styleguide").text
    wholes = {
        # drawn by another macro of the same file, or a page of its own
        "errors", "checkbox", "icon_of", "listing_card", "page_header", "stat", "avatar", "confirm", "side_nav", "search_bar",
    }  # fmt: skip
    names = {name for path in MACROS.glob("*.html") for name in re.findall(r"{% macro (\w+)", path.read_text())}
    missing = sorted(name for name in names - wholes if f"{name}(" not in text)
    assert len(names) > 30
    assert missing == []


def test_production_has_no_style_guide(make_app) -> None:
    settings = {"environment": "production", "payments": False}
    assert "styleguide.index" not in make_app(**settings).view_functions


def test_a_page_carries_a_policy_without_unsafe(client) -> None:
    answer = client.get("/styleguide")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "private, no-cache"


def test_forms_may_lead_to_the_payment_page_and_nowhere_else(make_app) -> None:
    def targets(**settings: object) -> str:
        policy = make_app(**settings).test_client().get("/styleguide").headers["Content-Security-Policy"]
        return re.search(r"form-action ([^;]+)", policy)[1]

    assert targets(payments=False) == "'self'"
    assert targets(stripe_api_base="http://127.0.0.1:12111/x") == "'self' http://127.0.0.1:12111"
    assert "https://checkout.stripe.com" in targets(stripe_api_base="")


def test_a_site_on_https_asks_browsers_to_stay_there(make_app) -> None:
    answer = make_app(base_url="https://buurt.example").test_client().get("/styleguide")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert "upgrade-insecure-requests" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("status", STATUSES)
def test_every_failure_has_a_page_in_words_with_its_reference(client, status: int) -> None:
    answer = client.get(f"/styleguide/error/{status}")
    assert answer.status_code == status
    assert "7f3a-91c2" in answer.text
    assert "<h1>" in answer.text
    assert "Traceback" not in answer.text


def test_the_theme_is_chosen_by_cookie_and_forgotten_on_wish(client) -> None:
    assert "data-theme" not in client.get("/styleguide").text
    answer = client.get("/theme/dark?next=/styleguide")
    assert answer.location == "/styleguide"
    assert 'data-theme="dark"' in client.get("/styleguide").text
    client.get("/theme/auto")
    assert "data-theme" not in client.get("/styleguide").text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_choosing_a_theme_never_leads_to_another_site(client, target: str) -> None:
    assert client.get("/theme/dark", query_string={"next": target}).location == "/"


def test_an_unknown_theme_is_not_found(client) -> None:
    assert client.get("/theme/pink").status_code == 404


def test_what_people_write_is_escaped_in_translated_sentences(app) -> None:
    with app.test_request_context():
        page = app.jinja_env.from_string(
            "{{ _('Hello %(name)s', name=name) }} {% trans %}Bye {{ name }} 100%{% endtrans %}"
        )
        assert page.render(name="<b>") == "Hello &lt;b&gt; Bye &lt;b&gt; 100%"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_style_guide_is_accessible_and_fits_the_screen(make_page, width: int, dark: bool) -> None:
    page = make_page(width=width, dark=dark)
    for address in ("/styleguide", "/styleguide/error/404"):
        page.goto(address)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_the_menu_opens_on_a_phone(make_page, javascript: bool) -> None:
    page = make_page(width=320, javascript=javascript)
    page.goto("/styleguide")
    link = page.get_by_role("banner").get_by_role("link", name="Discover", exact=True)
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(link).to_be_visible()
    assert not javascript or axe(page) == []


def test_htmx_swaps_a_part_under_the_content_policy(page) -> None:
    page.goto("/styleguide")
    page.get_by_role("link", name="Look again").click()
    page.get_by_text("swapped", exact=True).wait_for()
    assert page.locator("#sg-swap").count() == 1


def test_nothing_moves_while_the_page_loads(make_page) -> None:
    page = make_page(width=390)
    page.goto("/styleguide", wait_until="networkidle")
    shift = page.evaluate(
        """() => new Promise(done => { let sum = 0; new PerformanceObserver(list => {
        for (const entry of list.getEntries()) sum += entry.value; }).observe({type: "layout-shift", buffered: true});
        setTimeout(() => done(sum), 100); })"""
    )
    assert shift < 0.05


def test_touch_targets_are_44_pixels_high(make_page) -> None:
    page = make_page(width=390)
    page.goto("/styleguide")
    low = page.evaluate(
        """() => [...document.querySelectorAll(".button, .chip, .tab, .nav-link, .input, .breadcrumb a, .site-footer a")]
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.9).map(e => e.outerHTML.slice(0, 120))"""
    )
    assert low == []


def test_the_header_stays_on_one_line_at_every_width(page) -> None:
    page.goto("/styleguide/error/404")
    tall = {}
    for width in (320, 480, 768, 1023, 1024, 1100, 1247, 1248, 1920):
        page.set_viewport_size({"width": width, "height": 600})
        height = page.evaluate("document.querySelector('.site-header').offsetHeight")
        if height > 70 or page.evaluate("document.documentElement.scrollWidth") > width:
            tall[width] = height
    assert tall == {}
