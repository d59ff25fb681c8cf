"""A person in front of the pages: the steps of a journey, taken by what stands on the screen."""

from __future__ import annotations

import re
import socket
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from marketplace.testing.browser import press
from marketplace.testing.mailbox import Mailbox

PASSWORD = "a very long walk home"
STORY = "We put a piano in the hall of the station, for everybody who has to wait. " * 3

BOTH_WAYS = pytest.mark.parametrize(
    ("database", "javascript"), [("postgresql", True), ("sqlite", False)], indirect=["database"],
    ids=["script", "no-script"],
)  # fmt: skip
"""Both databases and both ways to read a page, without walking the whole way four times."""


def free_address() -> str:
    """Name an address of this machine where nothing listens: the site must know its own before it starts."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@dataclass
class Person:
    """Somebody with a browser of their own."""

    page: Page
    mailbox: Mailbox
    name: str
    email: str

    def press(self, name: str, role: Any = "button") -> None:
        """Press a button of the page itself, or follow a link."""
        press(self.page.get_by_role("main").get_by_role(role, name=name, exact=True).first)

    def write(self, **texts: str) -> None:
        """Fill in fields by their name in the form."""
        for name, text in texts.items():
            self.page.locator(f"main [name={name}]").fill(text)

    def register(self) -> None:
        """Become a member where the site asks for one, and come back by the mailed link."""
        self.press("Become a member", "link")
        self.write(name=self.name, email=self.email, password=PASSWORD)
        self.press("Become a member")
        self.mailbox.deliver()
        self.page.goto(self.mailed(r"/confirm/\S+"))
        self.press("Confirm my address")
        if self.page.locator("main [name=password]").count():
            self.log_in()

    def log_in(self, password: str = PASSWORD) -> None:
        """Fill in the log-in form that stands there."""
        self.write(email=self.email, password=password)
        self.press("Log in")

    def mailed(self, pattern: str) -> str:
        """Give the path of a link in the newest mail to this person."""
        found = re.search(pattern, self.mailbox.text(self.mailbox.to(self.email)[-1]))
        assert found is not None, pattern
        return found[0]

    def start_campaign(self) -> None:
        """Write a campaign with a reward, and publish it."""
        press(self.page.get_by_role("banner").get_by_role("link", name="Share something"))
        self.press("Campaign", "link")
        self.write(title="A piano for the station", summary="Play while you wait", place="Utrecht", body_md=STORY)
        self.write(goal="100", days="2")
        self.press("Save")
        self.press("Add a reward", "link")
        self.write(title="First song", amount="25", stock="2", description="Play at the opening.")
        self.press("Save")
        self.press("Publish now")

    def pledge(self, amount: str, reward: str = "") -> None:
        """Fill in the pledge form that stands there, up to the payment provider's page."""
        if reward:
            self.page.get_by_role("radio", name=re.compile(reward)).check()
        self.write(amount=amount)
        self.press("Make my pledge")
        self.press("Continue")

    def save_card(self, number: str, *, bank_asks: bool = False) -> None:
        """Type a card into the provider's page; a bank that asks for 3-D Secure is told that it is me."""
        self.write(number=number, expiry="12/39", cvc="123", name=self.name)
        press(self.page.get_by_role("button", name="Save a card"))
        if bank_asks:
            press(self.page.get_by_role("button", name="It is me"))

    def reads(self, *texts: str) -> None:
        """Check that the page says all this."""
        shown = self.page.get_by_role("main").inner_text()
        for text in texts:
            assert text in shown, f"{text!r} is not on {self.page.url}:\n{shown}"
