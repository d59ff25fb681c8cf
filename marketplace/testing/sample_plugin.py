"""A plugin that implements the hooks which no bundled plugin needs yet; `HEARD` keeps what it was told, for tests to look at."""

from __future__ import annotations

from typing import Any

from marketplace.api import Agreement, Listing, Money, PageAction, PriceLine, User, hookimpl

HEARD: list[tuple[str, Any, Any]] = []
"""(hook, subject, what happened), in the order in which it was told."""


@hookimpl
def price_lines(agreement: Agreement) -> list[PriceLine]:
    """Add a line of 2.50 to whatever costs something."""
    return [PriceLine("Sample cleaning", Money(250, str(agreement.currency)))]


@hookimpl
def rank_listings(listings: list[Any], purpose: str) -> list[Any] | None:
    """Turn the front page's order round."""
    return listings[::-1] if purpose == "home" else None


@hookimpl
def page_actions(subject: Any) -> list[PageAction]:
    """Add a button to every page that has some, one of them a form."""
    kind = type(subject).__name__.lower()
    forms = isinstance(subject, Agreement | Listing)
    address = f"/sample/{kind}/{subject.id}"
    return [PageAction(f"Sample {kind}", address, method="post" if forms else "get")]


@hookimpl
def user_changed(user: User, change: str) -> None:
    """Note it."""
    HEARD.append(("user_changed", user.id, change))


@hookimpl
def agreement_changed(agreement: Agreement, transition: str) -> None:
    """Note it."""
    HEARD.append(("agreement_changed", agreement.id, transition))


@hookimpl
def member_acted(viewer: User, verb: str, subject: Any) -> None:
    """Note it."""
    HEARD.append(("member_acted", viewer.id, (verb, subject)))
