"""A small kind of agreement for tests of the core's pages: asked, lent, returned, or refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from marketplace.agreements import service
from marketplace.agreements.models import Agreement
from marketplace.agreements.service import Actor
from marketplace.hooks.types import AgreementKind, TermLine, TodoItem
from marketplace.lifecycle import Phase, Role, State, StateMachine, Transition
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.runtime import runtime
from marketplace.testing.factories import Factories
from marketplace.users.models import User

MEMBER, OWNER, SYSTEM, OPERATOR = (frozenset({role}) for role in (Role.MEMBER, Role.OWNER, Role.SYSTEM, Role.OPERATOR))
MACHINE = StateMachine(
    "lending",
    "asked",
    (
        State("asked", Phase.PROPOSED, "Asked", expires_by="lapse"),
        State("lent", Phase.ACTIVE, "Lent out"),
        State("returned", Phase.COMPLETED, "Returned"),
        State("refused", Phase.CANCELLED, "Refused"),
        State("lapsed", Phase.CANCELLED, "Lapsed"),
    ),
    (
        Transition("lend", ("asked",), "lent", OWNER, "Lend it"),
        Transition("refuse", ("asked",), "refused", OWNER | OPERATOR, "Refuse", confirm="The asker will be told."),
        Transition("give_back", ("lent",), "returned", MEMBER, "Give it back"),
        Transition("lapse", ("asked",), "lapsed", SYSTEM, "Let it lapse"),
        Transition("secret", ("asked",), "lent", OWNER, "Nobody sees this", hidden=True),
    ),
)


def _todo(agreement: Agreement, role: str) -> TodoItem | None:
    if agreement.state == "asked" and role == "owner":
        return TodoItem("Answer the question", f"/agreements/{agreement.id}", agreement.waits_until, "inbox")
    return None


LOAN = AgreementKind(
    "lending",
    "Loan",
    "package",
    MACHINE,
    describe=lambda agreement: [TermLine("Thing", agreement.terms["thing"])],
    todo=_todo,
)

Lend = Callable[..., Agreement]


def offer_loans(app: Flask, reviewed: frozenset[str] = frozenset()) -> None:
    """Switch the kind on in this app; `reviewed` says what of it may be reviewed."""
    here = runtime(app)
    kind = replace(LOAN, reviewed=reviewed)
    here.registry = replace(here.registry, agreement_kinds={**here.registry.agreement_kinds, "lending": kind})


def stop_offering_loans(app: Flask) -> None:
    """Switch it off, as an operator does with its plugin."""
    here = runtime(app)
    kinds = {name: kind for name, kind in here.registry.agreement_kinds.items() if name != "lending"}
    here.registry = replace(here.registry, agreement_kinds=kinds)


@pytest.fixture
def loan(app: Flask, factories: Factories) -> Lend:
    """Give a maker of loans: `loan(owner=…, member=…, amount=500, waits_until=…)`."""
    offer_loans(app)

    def make(
        owner: User | None = None,
        member: User | None = None,
        *,
        amount: int | None = None,
        waits_until: datetime | None = None,
        listing: Listing | None = None,
        **_more: Any,
    ) -> Agreement:
        owner = owner or factories.user()
        member = member or factories.user()
        return service.create(
            "lending",
            listing=listing or factories.listing(owner, title="A cargo bike"),
            member_id=member.id,
            amount=Money(amount, "EUR") if amount is not None else None,
            terms={"thing": "The red one"},
            actor=Actor(member.id, Role.MEMBER),
            waits_until=waits_until,
        )

    return make
