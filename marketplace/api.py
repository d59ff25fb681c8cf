"""The whole public surface for plugins: a plugin imports from here and from nowhere else in the core."""

from marketplace import access, api_v1, clock, display
from marketplace.agreements import service as agreements
from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.agreements.service import Actor, TransitionContext
from marketplace.database import Base, BigIntId, Json, UtcDateTime, after_commit, db, in_transaction, transaction
from marketplace.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound, Refused
from marketplace.extensions import csrf, limiter
from marketplace.forms import Form, MoneyField
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
    PageAction,
    PriceLine,
    Remedy,
    SettingSpec,
    SlotFill,
    TermLine,
    TodoItem,
)
from marketplace.jobs import service as jobs
from marketplace.lifecycle import InvalidTransition, Phase, Role, State, StateMachine, Transition
from marketplace.listings import service as listings
from marketplace.listings.acts import looked_at
from marketplace.listings.categories import choices as category_choices
from marketplace.listings.models import Listing, Picture
from marketplace.listings.sizes import picture_url
from marketplace.listings.text import render as render_markdown
from marketplace.money import Money, parse_amount
from marketplace.notifications import service as notifications
from marketplace.payments import service as payments
from marketplace.runtime import runtime
from marketplace.settings import service as settings
from marketplace.users.models import User
from marketplace.users.people import PublicMember

__all__ = [
    "Actor", "Agreement", "AgreementEvent", "AgreementKind", "Base", "BigIntId", "BlueprintAt", "CardFacts",
    "Conflict", "DomainError", "Forbidden", "Form", "HealthProblem", "InvalidInput", "InvalidTransition", "JobKind",
    "Json", "Listing", "ListingKind", "Money", "MoneyField", "NavItem", "NotFound", "NotificationKind", "PageAction",
    "Phase", "Picture", "PriceLine", "PublicMember", "Refused", "Remedy", "Role", "SettingSpec", "Slot", "SlotFill", "State",
    "StateMachine", "TermLine", "TodoItem", "Transition", "TransitionContext", "User", "UtcDateTime", "access",
    "after_commit", "agreements", "api_v1", "category_choices", "clock", "csrf", "db", "display", "hookimpl", "in_transaction",
    "jobs", "limiter", "listings", "looked_at", "notifications", "parse_amount", "payments", "picture_url", "render_markdown",
    "runtime", "settings", "transaction",
]  # fmt: skip
