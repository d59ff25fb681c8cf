"""People on their way through borrowing, renting and using: each with a browser, looked at in both sizes and both lights."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import FilePayload, Page

from marketplace.testing.browser import axe, press

PICTURES = os.environ.get("JOURNEY_PICTURES", "")
"""A folder for pictures of each step, for whoever works on the pages."""

SIZES = ((390, 844), (1280, 900))
WIDER = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def photo(colour: str = "teal") -> FilePayload:
    """Give a photo as a phone would take it."""
    drawn = io.BytesIO()
    Image.new("RGB", (960, 720), colour).save(drawn, "JPEG")
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": drawn.getvalue()}


@dataclass
class Walker:
    """Somebody with a browser of their own; `script` says whether pages run scripts, so that axe can look."""

    page: Page
    email: str
    password: str
    script: bool = True

    def enter(self, path: str = "/account") -> Walker:
        """Open a page; log in where it asks for that, as it does on the first visit and after some days."""
        self.page.goto(path)
        if urlsplit(self.page.url).path == "/login":
            self.write(email=self.email, password=self.password)
            self.press("Log in")
            self.page.goto(path)
        return self

    def goes(self, path: str) -> None:
        """Open a page."""
        self.page.goto(path)

    def press(self, name: str, role: Any = "button") -> None:
        """Press a button of the page itself, or follow a link."""
        press(self.page.get_by_role("main").get_by_role(role, name=name, exact=True).first)

    def write(self, **texts: str) -> None:
        """Fill in fields by their name in the form."""
        for name, text in texts.items():
            self.page.locator(f"main [name={name}]").fill(text)

    def pays(self, number: str) -> None:
        """Type a card into the bank's own page."""
        self.write(number=number, expiry="12/39", cvc="123", name="Ben Borrower")
        press(self.page.get_by_role("button", name="Save a card"))

    def sees(self, *texts: str) -> None:
        """Check that the page says all this."""
        shown = self.page.get_by_role("main").inner_text()
        for text in texts:
            assert text in shown, f"{text!r} is not on {self.page.url}:\n{shown}"

    def looks(self, name: str, *texts: str) -> None:
        """Check what the page says, that it fits a phone and a desk in both lights, and that axe finds nothing."""
        self.sees(*texts)
        before = self.page.viewport_size
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            assert not self.page.evaluate(WIDER), f"{self.page.url} is wider than {width} pixels"
            for light in ("light", "dark") if PICTURES else ():
                self.page.emulate_media(color_scheme=light)  # type: ignore[arg-type]
                self.page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}-{light}.png"), full_page=True)
        self.page.emulate_media(color_scheme="light")
        if before is not None:
            self.page.set_viewport_size(before)
        if self.script:
            found = axe(self.page)
            assert not found, found

    def does(self) -> None:
        """Press the one button in colour that stands with what to do now."""
        buttons = self.page.locator("main .alert .button-primary")
        assert buttons.count() == 1, f"{buttons.count()} things to do now on {self.page.url}"
        press(buttons)


def walker(make_page: Callable[..., Page], world: Any, user: Any, **wishes: Any) -> Walker:
    """Give a person who is logged in."""
    page = make_page(**wishes)
    return Walker(page, user.email, world.factories.password, wishes.get("javascript", True)).enter()
