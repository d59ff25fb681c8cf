"""The map with streets in a browser: nothing is fetched before somebody asks, then Leaflet from here and tiles from there."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from marketplace.testing.browser import LiveServer, axe, press
from marketplace.testing.factories import Factories
from tests.plugins.sharing.conftest import ItemStage
from tests.plugins.sharing.test_near import HERE, put
from tests.plugins.sharing.test_tiles import use

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

PLACES_OF_THE_POPUP = """() => new Promise((done) => {
  document.querySelector("path.tile-mark").dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const places = [], began = performance.now();
  const look = () => {
    const { x, y } = document.querySelector(".leaflet-popup-content a").getBoundingClientRect();
    places.push(`${x} ${y}`);
    performance.now() - began < 600 ? requestAnimationFrame(look) : done(places);
  };
  look();
})"""
"""Click on a mark and tell where its popup is, frame by frame."""


class TileServer(ThreadingHTTPServer):
    """Answers each tile with the same picture, and keeps what it was asked."""

    asked: list[str]


class Answering(BaseHTTPRequestHandler):
    """One request for a tile."""

    server: TileServer

    def do_GET(self) -> None:
        """Give the picture."""
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        self.wfile.write(PNG)

    def log_message(self, *_facts: Any) -> None:
        """Keep the test output readable."""


@pytest.fixture
def tile_server() -> Iterator[TileServer]:
    """Serve tiles on this machine."""
    with TileServer(("127.0.0.1", 0), Answering) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_a_map_with_streets_is_fetched_when_somebody_asks_for_it(
    app: Flask, factories: Factories, frozen: Any, tile_server: TileServer, live_server: LiveServer,
    make_page: Callable[..., Page], width: int, dark: bool,
) -> None:  # fmt: skip
    items = ItemStage(app, factories, frozen)
    put(items, "A drill <b>with</b> bits")
    put(items, "A ladder", 0.02)
    use(f"http://127.0.0.1:{tile_server.server_address[1]}/{{z}}/{{x}}/{{y}}.png", "© <i>The</i> makers")
    page = make_page(width=width, dark=dark)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.goto("/items" + HERE, wait_until="networkidle")
    assert not tile_server.asked
    assert not any("leaflet" in url for url in fetched)
    assert axe(page) == []
    page.get_by_role("button", name="Show a map with streets").click()
    page.locator(".tile-map img.leaflet-tile-loaded").first.wait_for()
    assert tile_server.asked
    expect(page.locator(".leaflet-control-attribution")).to_have_text("© <i>The</i> makers")
    assert page.locator("path.tile-mark").count() == 2
    assert not page.locator("svg.locator").is_visible()
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert axe(page) == []
    assert len(set(page.evaluate(PLACES_OF_THE_POPUP))) == 1  # the browser asks for less motion
    press(page.locator(".leaflet-popup-content a"))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_without_scripts_there_is_the_drawing_and_no_button(
    app: Flask, factories: Factories, frozen: Any, live_server: LiveServer, make_page: Callable[..., Page]
) -> None:
    items = ItemStage(app, factories, frozen)
    put(items, "A drill")
    use("https://tiles.example.org/{z}/{x}/{y}.png")
    page = make_page(javascript=False)
    page.goto("/items" + HERE)
    assert page.locator("svg.locator").is_visible()
    assert not page.get_by_role("button", name="Show a map with streets").is_visible()
