"""Every hook of the marketplace: one sentence each, its family decides how it is called (see `calls.py`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

from marketplace.hooks.types import (
    AgreementKind,
    BlueprintAt,
    HealthProblem,
    JobKind,
    ListingKind,
    NavItem,
    NotificationKind,
    Obstacle,
    PageAction,
    PriceLine,
    SettingSpec,
    SlotFill,
    TodoItem,
)

if TYPE_CHECKING:
    from click import Group

PROJECT = "marketplace"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Register:
    """Called once, at start-up, in plugin-name order; two things of one name stop the start-up."""

    @hookspec
    def register_blueprints(self) -> Iterable[BlueprintAt]:  # type: ignore[empty-body]
        """Give the blueprints of the plugin's pages and API."""

    @hookspec
    def register_listing_kinds(self) -> Iterable[ListingKind]:  # type: ignore[empty-body]
        """Give the kinds of listing that the plugin adds."""

    @hookspec
    def register_agreement_kinds(self) -> Iterable[AgreementKind]:  # type: ignore[empty-body]
        """Give the kinds of agreement that the plugin adds."""

    @hookspec
    def register_settings(self) -> Iterable[SettingSpec]:  # type: ignore[empty-body]
        """Give the settings that an operator may change."""

    @hookspec
    def register_jobs(self) -> Iterable[JobKind]:  # type: ignore[empty-body]
        """Give the kinds of background work."""

    @hookspec
    def register_notifications(self) -> Iterable[NotificationKind]:  # type: ignore[empty-body]
        """Give the kinds of notification that members may get."""

    @hookspec
    def register_commands(self, group: Group) -> None:
        """Add commands to the plugin's own group, `flask <plugin> …`."""


class Decide:
    """Called to reach one answer; each hook's sentence says how answers combine."""

    @hookspec
    def access_rules(self, user: Any, action: str, subject: Any) -> bool | None:
        """Allow (True), refuse (False) or leave alone (None); any False refuses, else any True allows, else the core's rule."""

    @hookspec
    def transition_objections(self, agreement: Any, transition: str, actor: Any) -> Sequence[str] | None:
        """Give reasons why this transition may not happen now; any text refuses and is shown."""

    @hookspec
    def closing_objections(self, user: Any) -> Sequence[Obstacle] | None:
        """Give reasons why a member can't close the account yet; all are shown, and any one keeps it open."""

    @hookspec
    def price_lines(self, agreement: Any) -> Sequence[PriceLine] | None:
        """Give lines to add to what an agreement costs; all lines are summed."""

    @hookspec(firstresult=True)
    def rank_listings(self, listings: Sequence[Any], viewer: Any, purpose: str) -> Sequence[Any] | None:
        """Give the listings in a better order for this viewer; the first plugin with an answer wins."""


class Announce:
    """Called inside the caller's transaction after something changed; an error rolls everything back."""

    @hookspec
    def user_changed(self, user: Any, change: str) -> None:
        """Hear that a member registered, confirmed or changed the account, was blocked, or closed it."""

    @hookspec
    def listing_changed(self, listing: Any, change: str, actor: Any) -> None:
        """Hear that a listing was created, updated, published, closed, removed or reopened."""

    @hookspec
    def agreement_changed(self, agreement: Any, transition: str, actor: Any) -> None:
        """Hear that an agreement was created or moved to another state."""

    @hookspec
    def payment_changed(self, payment: Any, change: str) -> None:
        """Hear that a payment was saved, succeeded, declined, needs its payer, was refunded, paid out or disputed."""

    @hookspec
    def member_acted(self, viewer: Any, verb: str, subject: Any) -> None:
        """Hear that a logged-in member looked at a listing ("looked") or searched for words ("searched")."""


class Page:
    """Called while a page is rendered; one plugin's failure leaves out its piece only."""

    @hookspec
    def nav_items(self, area: str, viewer: Any) -> Iterable[NavItem]:  # type: ignore[empty-body]
        """Give links for the "main", "account", "operator" or "footer" navigation."""

    @hookspec
    def slot_fills(self, slot: str, subject: Any, viewer: Any) -> Iterable[SlotFill]:  # type: ignore[empty-body]
        """Give templates to show in a slot of a core page."""

    @hookspec
    def page_actions(self, subject: Any, viewer: Any) -> Iterable[PageAction]:  # type: ignore[empty-body]
        """Give buttons for the page of a listing, an agreement or a member."""

    @hookspec
    def todo_items(self, user: Any) -> Iterable[TodoItem]:  # type: ignore[empty-body]
        """Give what waits for a member besides agreements, which their kinds speak for; all is sorted by when it is due."""


class Care:
    """Called to look after members and the site: everything is collected; the last two follow the announce rule."""

    @hookspec
    def export_member(self, user: Any) -> dict[str, Any]:  # type: ignore[empty-body]
        """Give everything that the plugin keeps about a member, as JSON-ready data."""

    @hookspec
    def health_problems(self) -> Iterable[HealthProblem]:  # type: ignore[empty-body]
        """Name what an operator should repair."""

    @hookspec
    def erase_member(self, user: Any) -> None:
        """Remove or anonymise what the plugin keeps about a member who closed the account."""

    @hookspec
    def load_demo(self, demo: Any) -> None:
        """Add the plugin's demo data through its own services."""


FAMILIES: tuple[type, ...] = (Register, Decide, Announce, Page, Care)


def hook_names(family: type) -> tuple[str, ...]:
    """List a family's hooks in the order they are written."""
    return tuple(name for name in vars(family) if not name.startswith("_"))
