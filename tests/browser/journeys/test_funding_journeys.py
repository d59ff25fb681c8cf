"""The first campaign in a real browser: from a guest's first look to the money on the owner's page."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page

from marketplace.jobs.worker import drain
from marketplace.testing.bank import Bank
from marketplace.testing.clients import refresh
from marketplace.testing.frozen_clock import FrozenClock
from marketplace.testing.mailbox import Mailbox
from tests.browser.walking import BOTH_WAYS, Person

ASKING_CARD = "4000002500003155"
"""Its bank asks for 3-D Secure when it is saved."""


def first_backer(backer: Person, sandbox: Bank) -> str:
    """Find the campaign as a guest, join, pledge with a reward, and change the pledge; returns the campaign's address."""
    backer.page.goto("/")
    backer.page.locator("main [name=q]").fill("piano")
    backer.press("Search")
    backer.press("A piano for the station", "link")
    campaign = backer.page.url
    backer.press("Choose First song", "link")
    backer.register()
    backer.pledge("70", "First song")
    backer.save_card("4242424242424242")
    sandbox.deliver()
    backer.reads("Pledge: A piano for the station", "How it went", "Pledged", "First song", "€70.00")
    assert backer.page.locator(".timeline [aria-current=step]").inner_text().startswith("Pledged")
    backer.press("Change your pledge", "link")
    backer.page.get_by_role("radio", name="No reward").check()
    backer.write(amount="0")
    backer.press("Change my pledge")
    assert backer.page.locator("[name=amount][aria-invalid=true]").input_value() == "0"
    backer.write(amount="80")
    backer.press("Change my pledge")
    backer.reads("Terms changed", "€80.00")
    return campaign


def other_backer(backer: Person, campaign: str, amount: str, card: str) -> None:
    """Come by the campaign's link, join on the way, and pledge without a reward."""
    backer.page.goto(campaign)
    backer.press("Back this project", "link")
    backer.register()
    backer.pledge(amount)
    backer.save_card(card, bank_asks=card == ASKING_CARD)
    backer.reads("Pledged", f"€{amount}")


def time_passes(app: Flask, sandbox: Bank, frozen: FrozenClock, days: int) -> None:
    """Let the days go by, with what the worker and the bank do then."""
    sandbox.deliver()
    frozen.forward(days=days)
    for _ in range(2):
        drain(app)
        sandbox.deliver()
    drain(app)
    refresh()


@BOTH_WAYS
def test_a_campaign_from_the_first_look_to_the_money(
    app: Flask,
    sandbox: Bank,
    mailbox: Mailbox,
    frozen: FrozenClock,
    make_page: Callable[..., Page],
    javascript: bool,
) -> None:
    def person(name: str) -> Person:
        page = make_page(javascript=javascript, width=1280 if javascript else 390)
        return Person(page, mailbox, name, f"{name.lower()}@example.org")

    owner, backer, second, third = person("Olivia"), person("Finn"), person("Sofia"), person("Thijs")
    owner.page.goto("/login")
    owner.register()
    owner.start_campaign()
    owner.reads("A piano for the station", "First song")
    campaign = first_backer(backer, sandbox)
    other_backer(second, campaign, "40.50", ASKING_CARD)
    other_backer(third, campaign, "30", "4242424242424242")
    third.press("Cancel my pledge", "link")
    third.press("Cancel my pledge")
    third.reads("Cancelled")

    time_passes(app, sandbox, frozen, days=4)
    backer.page.reload()
    backer.log_in()
    backer.reads("Paid", "€80.00")
    owner.page.goto("/login")
    owner.log_in()
    owner.page.goto(campaign)
    owner.reads("€120.50", "Funded")
    owner.press("Manage this campaign", "link")
    rows = [row.inner_text().split() for row in owner.page.locator("tbody tr").all()]
    assert sorted((row[0], row[-1]) for row in rows) == [("Finn", "Paid"), ("Sofia", "Paid"), ("Thijs", "Cancelled")]
