"""The whole public surface for plugins: a plugin imports from here and from nowhere else in the core.

Each name is imported from its home when somebody first asks for it, so that a plugin loads what it uses and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marketplace.late import at

if TYPE_CHECKING:  # for editors, type checkers and import contracts; a test compares it with the table below
    from marketplace import access, api_v1, clock, display, kept, private_pictures, search
    from marketplace.admin import audit, paging
    from marketplace.agreements import service as agreements
    from marketplace.agreements.models import Agreement, AgreementEvent
    from marketplace.agreements.service import Actor, TransitionContext
    from marketplace.database import (
        Base,
        BigIntId,
        Json,
        UtcDateTime,
        after_commit,
        db,
        in_transaction,
        partial_index,
        transaction,
    )
    from marketplace.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound, Refused
    from marketplace.extensions import csrf, limiter
    from marketplace.forms import Form, MoneyField
    from marketplace.headers import content_policy
    from marketplace.hooks.slots import Slot
    from marketplace.hooks.specs import hookimpl
    from marketplace.hooks.types import (
        AgreementKind,
        BlueprintAt,
        CardFacts,
        HealthProblem,
        JobKind,
        ListingKind,
        NavItem,
        NotificationKind,
        Obstacle,
        PageAction,
        PriceLine,
        Remedy,
        SettingSpec,
        SlotFill,
        TermLine,
        TodoItem,
    )
    from marketplace.jobs import service as jobs
    from marketplace.late import late
    from marketplace.lifecycle import InvalidTransition, Phase, Role, State, StateMachine, Transition
    from marketplace.listings import locator, places, whereabouts
    from marketplace.listings import pictures as listing_pictures
    from marketplace.listings import service as listings
    from marketplace.listings.acts import looked_at
    from marketplace.listings.categories import category as category_of
    from marketplace.listings.categories import choices as category_choices
    from marketplace.listings.models import Listing, Picture
    from marketplace.listings.sizes import picture_url, preview_url
    from marketplace.listings.text import render as render_markdown
    from marketplace.money import Money, parse_amount
    from marketplace.notifications import service as notifications
    from marketplace.once import once
    from marketplace.outgoing.fetching import FetchFailed, check_address, fetch
    from marketplace.payments import service as payments
    from marketplace.payments.billing.numbers import next_number as bill_number
    from marketplace.payments.fee_specs import fee_settings
    from marketplace.prepared import Prepared
    from marketplace.reviews import reads as reviews
    from marketplace.runtime import runtime
    from marketplace.settings import service as settings
    from marketplace.users.models import User
    from marketplace.users.people import PublicMember

__all__ = [
    "Actor", "Agreement", "AgreementEvent", "AgreementKind", "Base", "BigIntId", "BlueprintAt", "CardFacts", "Conflict",
    "DomainError", "FetchFailed", "Forbidden", "Form", "HealthProblem", "InvalidInput", "InvalidTransition", "JobKind",
    "Json", "Listing", "ListingKind", "Money", "MoneyField", "NavItem", "NotFound", "NotificationKind", "Obstacle",
    "PageAction", "Phase", "Picture", "Prepared", "PriceLine", "PublicMember", "Refused", "Remedy", "Role", "SettingSpec",
    "Slot", "SlotFill", "State", "StateMachine", "TermLine", "TodoItem", "Transition", "TransitionContext", "User",
    "UtcDateTime", "access", "after_commit", "agreements", "api_v1", "audit", "bill_number", "category_choices",
    "category_of", "check_address", "clock", "content_policy", "csrf", "db", "display", "fee_settings", "fetch", "hookimpl",
    "in_transaction", "jobs", "kept", "late", "limiter", "listing_pictures", "listings", "locator", "looked_at",
    "notifications", "once", "paging", "parse_amount", "partial_index", "payments", "picture_url", "places", "preview_url",
    "private_pictures", "render_markdown", "reviews", "runtime", "search", "settings", "transaction", "whereabouts",
]  # fmt: skip

_HOMES = {
    "Actor": "marketplace.agreements.service:Actor",
    "Agreement": "marketplace.agreements.models:Agreement",
    "AgreementEvent": "marketplace.agreements.models:AgreementEvent",
    "AgreementKind": "marketplace.hooks.types:AgreementKind",
    "Base": "marketplace.database:Base",
    "BigIntId": "marketplace.database:BigIntId",
    "BlueprintAt": "marketplace.hooks.types:BlueprintAt",
    "CardFacts": "marketplace.hooks.types:CardFacts",
    "Conflict": "marketplace.errors:Conflict",
    "DomainError": "marketplace.errors:DomainError",
    "FetchFailed": "marketplace.outgoing.fetching:FetchFailed",
    "Forbidden": "marketplace.errors:Forbidden",
    "Form": "marketplace.forms:Form",
    "HealthProblem": "marketplace.hooks.types:HealthProblem",
    "InvalidInput": "marketplace.errors:InvalidInput",
    "InvalidTransition": "marketplace.lifecycle:InvalidTransition",
    "JobKind": "marketplace.hooks.types:JobKind",
    "Json": "marketplace.database:Json",
    "Listing": "marketplace.listings.models:Listing",
    "ListingKind": "marketplace.hooks.types:ListingKind",
    "Money": "marketplace.money:Money",
    "MoneyField": "marketplace.forms:MoneyField",
    "NavItem": "marketplace.hooks.types:NavItem",
    "NotFound": "marketplace.errors:NotFound",
    "NotificationKind": "marketplace.hooks.types:NotificationKind",
    "Obstacle": "marketplace.hooks.types:Obstacle",
    "PageAction": "marketplace.hooks.types:PageAction",
    "Phase": "marketplace.lifecycle:Phase",
    "Picture": "marketplace.listings.models:Picture",
    "Prepared": "marketplace.prepared:Prepared",
    "PriceLine": "marketplace.hooks.types:PriceLine",
    "PublicMember": "marketplace.users.people:PublicMember",
    "Refused": "marketplace.errors:Refused",
    "Remedy": "marketplace.hooks.types:Remedy",
    "Role": "marketplace.lifecycle:Role",
    "SettingSpec": "marketplace.hooks.types:SettingSpec",
    "Slot": "marketplace.hooks.slots:Slot",
    "SlotFill": "marketplace.hooks.types:SlotFill",
    "State": "marketplace.lifecycle:State",
    "StateMachine": "marketplace.lifecycle:StateMachine",
    "TermLine": "marketplace.hooks.types:TermLine",
    "TodoItem": "marketplace.hooks.types:TodoItem",
    "Transition": "marketplace.lifecycle:Transition",
    "TransitionContext": "marketplace.agreements.service:TransitionContext",
    "User": "marketplace.users.models:User",
    "UtcDateTime": "marketplace.database:UtcDateTime",
    "access": "marketplace.access",
    "after_commit": "marketplace.database:after_commit",
    "agreements": "marketplace.agreements.service",
    "api_v1": "marketplace.api_v1",
    "audit": "marketplace.admin.audit",
    "bill_number": "marketplace.payments.billing.numbers:next_number",
    "category_choices": "marketplace.listings.categories:choices",
    "category_of": "marketplace.listings.categories:category",
    "check_address": "marketplace.outgoing.fetching:check_address",
    "clock": "marketplace.clock",
    "content_policy": "marketplace.headers:content_policy",
    "csrf": "marketplace.extensions:csrf",
    "db": "marketplace.database:db",
    "display": "marketplace.display",
    "fee_settings": "marketplace.payments.fee_specs:fee_settings",
    "fetch": "marketplace.outgoing.fetching:fetch",
    "hookimpl": "marketplace.hooks.specs:hookimpl",
    "in_transaction": "marketplace.database:in_transaction",
    "jobs": "marketplace.jobs.service",
    "kept": "marketplace.kept",
    "late": "marketplace.late:late",
    "limiter": "marketplace.extensions:limiter",
    "listing_pictures": "marketplace.listings.pictures",
    "listings": "marketplace.listings.service",
    "locator": "marketplace.listings.locator",
    "looked_at": "marketplace.listings.acts:looked_at",
    "notifications": "marketplace.notifications.service",
    "once": "marketplace.once:once",
    "paging": "marketplace.admin.paging",
    "parse_amount": "marketplace.money:parse_amount",
    "partial_index": "marketplace.database:partial_index",
    "payments": "marketplace.payments.service",
    "picture_url": "marketplace.listings.sizes:picture_url",
    "places": "marketplace.listings.places",
    "preview_url": "marketplace.listings.sizes:preview_url",
    "private_pictures": "marketplace.private_pictures",
    "render_markdown": "marketplace.listings.text:render",
    "reviews": "marketplace.reviews.reads",
    "runtime": "marketplace.runtime:runtime",
    "search": "marketplace.search",
    "settings": "marketplace.settings.service",
    "transaction": "marketplace.database:transaction",
    "whereabouts": "marketplace.listings.whereabouts",
}

if not TYPE_CHECKING:  # else type checkers would take every name for granted

    def __getattr__(name: str) -> Any:
        """Import what is asked for and keep it."""
        if name not in _HOMES:
            raise AttributeError(f"{__name__} has no {name!r}")
        found = globals()[name] = at(_HOMES[name])
        return found
