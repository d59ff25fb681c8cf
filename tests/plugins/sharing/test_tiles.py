"""Maps with streets: none without an operator's word; with it the tile server alone is let in, and public points alone go out."""

from __future__ import annotations

import gzip
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from marketplace.database import db
from marketplace.listings.models import Listing
from marketplace.settings import service as settings
from plugins.sharing.item import tiles
from tests.plugins.sharing.conftest import ItemStage
from tests.plugins.sharing.test_near import HERE, UTRECHT, put

VENDOR = Path(__file__).parents[3] / "plugins" / "sharing" / "static" / "vendor"
SERVER = "https://tiles.example.org/{z}/{x}/{y}.png"


def use(address: str, words: str = "") -> None:
    settings.set_value(tiles.ADDRESS, address, None)
    settings.set_value(tiles.WORDS, words, None)
    settings.forget()


def pages(items: ItemStage) -> list[str]:
    number = put(items, "A drill")
    return ["/items" + HERE, f"/items/{number}-{db.session.get_one(Listing, number).slug}"]


def test_without_a_tile_server_the_drawing_is_all_there_is(client: Any, items: ItemStage) -> None:
    for path in pages(items):
        answer = client.get(path)
        assert 'class="locator' in answer.text
        assert "leaflet" not in answer.text
        assert "data:" not in answer.headers["Content-Security-Policy"]


def test_with_one_the_pages_with_a_map_may_show_its_pictures_and_other_pages_may_not(
    client: Any, items: ItemStage
) -> None:
    paths = pages(items)
    use(SERVER, "© The makers")
    for path in paths:
        answer = client.get(path)
        assert "; img-src 'self' https://tiles.example.org data:;" in answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        assert "tiles.example.org, which then learns" in answer.text
        assert "© The makers" in answer.text
    assert "tiles.example.org" not in client.get("/").headers["Content-Security-Policy"]


def test_the_map_is_told_public_points_and_nothing_nearer(client: Any, items: ItemStage) -> None:
    paths = pages(items)
    use(SERVER)
    for path in paths:
        (written,) = re.findall(r'data-points="([^"]*)"', client.get(path).text)
        (point,) = json.loads(html.unescape(written))
        listing = db.session.scalars(db.select(Listing).where(Listing.kind == "item")).one()
        assert (point["lat"], point["lon"]) == (listing.public_lat, listing.public_lon) != UTRECHT


@pytest.mark.parametrize(
    "address",
    ["tiles", "https://tiles.example.org/", "javascript:{z}{x}{y}", "https://a b/{z}/{x}/{y}", "https://x;y/{z}/{x}/{y}",
     "https://me@x/{z}/{x}/{y}", "https://{z}/{x}/{y}", "ftp://x/{z}/{x}/{y}"],
)  # fmt: skip
def test_what_is_no_address_of_tiles_changes_nothing(address: str, client: Any, items: ItemStage) -> None:
    paths = pages(items)
    use(address)
    for path in paths:
        answer = client.get(path)
        assert (answer.status_code, "leaflet" in answer.text) == (200, False)


def test_letters_of_servers_are_let_in_together() -> None:
    found = tiles.read("https://{s}.tile.example.org/{z}/{x}/{y}.png")
    assert found is not None
    assert (found.origin, found.host, found.words) == (
        "https://*.tile.example.org",
        "tile.example.org",
        "tile.example.org",
    )


@pytest.mark.parametrize(("name", "most"), [("leaflet.js", 50_000), ("leaflet.css", 15_000)])
def test_what_is_fetched_keeps_to_the_budget_of_a_page(name: str, most: int) -> None:
    assert len(gzip.compress((VENDOR / name).read_bytes(), 9)) < most
