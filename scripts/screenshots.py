"""Takes pictures of the main pages of the demo into docs/screenshots: `make screenshots`.

It fills a demo of its own in a temporary folder and looks at it with Chromium. Usage: screenshots.py [NAME …], where a
name is that of a picture; without names all are taken. Pictures have few colours, so that the repository stays small.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, Page

from marketplace.demo.people import DOMAIN, PASSWORD
from marketplace.testing.browser import PageProblems, launched, new_page

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
PORT = 8765
PATIENCE = 300
LARGEST = 250_000
COLOURS = (256, 128, 64, 32)
SCREENS = 2
"""A picture shows at most this many screens of 900 pixels, one below the other."""

CAMPAIGN = (
    "select '/campaigns/' || id || '-' || slug from listing where slug = 'a-street-kitchen-that-feeds-the-market'"
)
PLEDGE = "select '/campaigns/' || id || '/pledge' from listing where slug = 'een-roeiboot-voor-de-hele-kade'"
MANAGE = "select '/campaigns/' || id || '/manage' from listing where slug = 'huiswerkclub-in-de-oude-winkel'"
AGREEMENT = f"""select '/agreements/' || a.id from agreement a join user u on u.id = a.member_id
    where a.state = 'collected' and u.email = 'kofi@{DOMAIN}' order by a.id limit 1"""

ITEM = "select '/items/' || id || '-' || slug from listing where slug = 'bakfiets-met-regenhuif'"
LOAN = f"""select '/agreements/' || a.id from agreement a join user u on u.id = a.member_id
    where a.kind = 'loan' and a.state = 'closed' and u.email = 'peter@{DOMAIN}' order by a.id limit 1"""

HELP = (
    "select '/helping/' || id || '-' || slug from listing where kind = 'help_asked' and state = 'published' order by id"
)


@dataclass(frozen=True)
class Picture:
    """What is shown: a path or the SQL that finds it, who looks, and how."""

    name: str
    where: str
    who: str = ""
    language: str = "en"
    dark: bool = False
    width: int = 1280


PICTURES = (
    Picture("home", "/"),
    Picture("home-dark", "/", dark=True),
    Picture("home-phone", "/", "fenna", "nl", width=390),
    Picture("discover", "/discover"),
    Picture("discover-phone-dark", "/discover?q=bakfiets", language="nl", dark=True, width=390),
    Picture("listing", "/listings/2"),
    Picture("campaign", CAMPAIGN),
    Picture("campaign-phone-dark", CAMPAIGN, dark=True, width=390),
    Picture("pledge", PLEDGE, "aisha"),
    Picture("agreement", AGREEMENT, "kofi"),
    Picture("agreement-dutch-dark", AGREEMENT, "kofi", "nl", dark=True),
    Picture("items", "/items"),
    Picture("item", ITEM, "kofi"),
    Picture("item-phone-dark", ITEM, language="nl", dark=True, width=390),
    Picture("loan", LOAN, "peter"),
    Picture("circle", "/circles/1", "sanne", "nl"),
    Picture("help-phone", HELP, "tom", "nl", width=390),
    Picture("sharing-operator", "/operator/sharing", "olga"),
    Picture("account", "/account", "willem", "nl"),
    Picture("messages", "/messages/1", "fenna", "nl"),
    Picture("manage", MANAGE, "eline", "nl"),
    Picture("operator", "/operator", "olga"),
    Picture("ledger", "/operator/ledger?owner=platform", "olga"),
    Picture("styleguide", "/styleguide"),
)


@contextlib.contextmanager
def demo() -> Iterator[tuple[str, Path]]:
    """Run the demo in a temporary folder; gives its address and its database."""
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder:
        command = [sys.executable, "-m", "marketplace.cli", "demo", "--port", str(PORT)]
        environ = {**os.environ, "MARKETPLACE_INSTANCE_DIR": folder, "PYTHONUNBUFFERED": "1"}
        log = Path(folder, "demo.log")
        with log.open("wb") as output:
            running = subprocess.Popen(command, env=environ, stdout=output, stderr=output)  # noqa: S603 - our own command
        try:
            yield _address(running, log), Path(folder, "demo", "marketplace.db")
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(30)


def _address(running: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and running.poll() is None:
        if found := re.search(r"The marketplace: +(http://\S+)", log.read_text("utf-8", "replace")):
            return found[1]
        time.sleep(0.2)
    sys.exit(f"The demo did not start:\n{log.read_text('utf-8', 'replace')}")


def cookies_of(browser: Browser, site: str, who: str) -> list[Any]:
    """Log one of the demo's people in."""
    with new_page(browser, site, PageProblems(site)) as page:
        page.goto("/login")
        page.fill("main [name=email]", f"{who}@{DOMAIN}")
        page.fill("main [name=password]", PASSWORD)
        page.click("main form .button-primary")
        page.wait_for_url(lambda url: "/login" not in url)
        return list(page.context.cookies())


def shot(page: Page, path: str, language: str) -> bytes:
    """Open the page, wait for its pictures and font, and take its first screens."""
    page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}", wait_until="networkidle")
    page.evaluate("document.querySelectorAll('img[loading]').forEach(one => one.removeAttribute('loading'))")
    loaded = "[...document.images].map(one => one.decode().catch(() => 0))"  # one that can't be shown is shown so
    page.evaluate(f"Promise.all([document.fonts.ready, ...{loaded}]).then(() => true)")
    size = page.viewport_size or {"width": 1280, "height": 900}
    tall = min(int(page.evaluate("document.documentElement.scrollHeight")), SCREENS * size["height"])
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": size["width"], "height": tall})


def small(png: bytes) -> bytes:
    """Write the picture with as many colours as fit into the size it may have."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in COLOURS:
        written = io.BytesIO()
        picture.quantize(colours, kmeans=3, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
        if written.tell() <= LARGEST:
            break
    return written.getvalue()


def main(names: list[str]) -> None:
    """Take the pictures named, or all."""
    if unknown := set(names) - {picture.name for picture in PICTURES}:
        sys.exit(f"No such picture: {', '.join(sorted(unknown))}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo() as (site, database), launched() as browser, contextlib.closing(sqlite3.connect(database)) as rows:
        people: dict[str, list[Any]] = {"": []}
        for picture in PICTURES:
            if names and picture.name not in names:
                continue
            if picture.who not in people:
                people[picture.who] = cookies_of(browser, site, picture.who)
            path = picture.where if picture.where.startswith("/") else rows.execute(picture.where).fetchone()[0]
            looks = {"width": picture.width, "dark": picture.dark, "locale": picture.language}
            with new_page(browser, site, PageProblems(site), **looks) as page:
                page.context.add_cookies(people[picture.who])
                data = small(shot(page, path, picture.language))
            (FOLDER / f"{picture.name}.png").write_bytes(data)
            sys.stdout.write(f"{picture.name}.png  {len(data) // 1000} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
