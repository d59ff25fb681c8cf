"""Agreements: one function moves them, their history only grows, their terms are frozen; what guards it is the database."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError

from marketplace import clock
from marketplace.agreements import service
from marketplace.agreements.expiry import expire
from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.agreements.service import Actor, TransitionContext
from marketplace.database import db, is_sqlite, transaction
from marketplace.errors import NotFound, Refused
from marketplace.lifecycle import InvalidTransition, Role
from marketplace.money import Money
from marketplace.runtime import runtime
from marketplace.testing.factories import Factories
from tests.core.account_loans import Lend, loan, offer_loans
from tests.core.plugin_world import Install, install

__all__ = ["install", "loan"]

Effect = Callable[[Agreement, TransitionContext], None]


def on(app: Flask, **effects: Effect) -> None:
    """Give loans these effects."""
    here = runtime(app)
    kinds = here.registry.agreement_kinds
    changed = {**kinds, "lending": replace(kinds["lending"], effects=effects)}
    here.registry = replace(here.registry, agreement_kinds=changed)


def fresh(agreement: Agreement) -> Agreement:
    db.session.rollback()
    return db.session.get_one(Agreement, agreement.id, populate_existing=True)


def history(agreement: Agreement) -> list[tuple[int, str, str | None, str, str]]:
    rows = db.session.scalars(
        select(AgreementEvent).where(AgreementEvent.agreement_id == agreement.id).order_by(AgreementEvent.seq)
    )
    return [(row.seq, row.transition, row.from_state, row.to_state, row.actor_role) for row in rows]


def owner(agreement: Agreement) -> Actor:
    return Actor(agreement.owner_id, Role.OWNER)


def member(agreement: Agreement) -> Actor:
    return Actor(agreement.member_id, Role.MEMBER)


def test_an_agreement_begins_in_its_kinds_first_state_with_its_first_line_of_history(loan: Lend) -> None:
    made = loan(amount=500)
    assert (made.state, made.phase, made.terms_version, made.version) == ("asked", "proposed", 1, 1)
    assert made.amount == Money(500, "EUR")
    assert history(made) == [(1, "created", None, "asked", "member")]


def foretold(factories: Factories, move: str) -> Agreement:
    """Make a loan of which this move is written from the start, in the open transaction."""
    owner, member = factories.user(), factories.user()
    db.session.flush()
    asker, listing = member.id, factories.listing(owner)
    db.session.flush()
    return service.create(
        "lending",
        listing=listing,
        member_id=asker,
        amount=None,
        terms={"thing": "A ladder"},
        actor=Actor(asker, Role.MEMBER),
        waits_until=clock.now() + timedelta(hours=1),
        foretold=move,
    )


@pytest.mark.usefixtures("loan")
def test_a_move_that_is_foretold_leaves_what_two_steps_leave(app: Flask, factories: Factories) -> None:
    seen: list[str] = []
    on(app, lapse=lambda agreement, _context: seen.append(agreement.state))
    with transaction():
        made = foretold(factories, "lapse")
        assert (made.state, made.phase, made.version, made.waits_until is None) == ("asked", "proposed", 1, False)
        service.transition(made.id, "lapse", Actor.system())
        assert (made.state, made.phase, made.version, made.waits_until) == ("lapsed", "cancelled", 2, None)
    now = fresh(made)
    assert (now.state, now.phase, now.version, now.waits_until) == ("lapsed", "cancelled", 2, None)
    assert history(made) == [(1, "created", None, "asked", "member"), (2, "lapse", "asked", "lapsed", "system")]
    lines = select(AgreementEvent.actor_id).where(AgreementEvent.agreement_id == made.id).order_by(AgreementEvent.seq)
    assert db.session.scalars(lines).all() == [made.member_id, None]
    assert seen == ["lapsed"]


def test_a_wait_counts_only_while_the_agreement_is_where_it_was_set(app: Flask, loan: Lend) -> None:
    def lend(agreement: Agreement, context: TransitionContext) -> None:
        context.waits_until = clock.now() + timedelta(days=1)
        service.transition(agreement.id, "give_back", member(agreement))

    on(app, lend=lend)
    made = loan()
    service.transition(made.id, "lend", owner(made))
    assert (fresh(made).state, fresh(made).waits_until) == ("returned", None), "nobody waits for what was left already"


def lend_what_was_to_lapse(factories: Factories) -> None:
    with transaction():
        made = foretold(factories, "lapse")
        service.transition(made.id, "lend", owner(made))


@pytest.mark.usefixtures("loan")
def test_another_move_than_the_one_foretold_undoes_everything(factories: Factories) -> None:
    with pytest.raises(RuntimeError, match="'lapse' came next, not 'lend'"):
        lend_what_was_to_lapse(factories)
    assert db.session.scalars(select(Agreement.state)).all() == []


@pytest.mark.usefixtures("loan")
def test_only_a_move_of_the_system_from_the_first_state_can_be_foretold(factories: Factories) -> None:
    for move in ("lend", "give_back", "burn"):
        with pytest.raises(InvalidTransition), transaction():
            foretold(factories, move)


def test_nobody_agrees_with_themselves(loan: Lend, factories: Factories) -> None:
    owner = factories.user()
    with pytest.raises(Refused, match="your own listing"):
        loan(owner=owner, member=owner)


def test_a_move_sets_state_and_phase_and_writes_history(loan: Lend) -> None:
    made = loan()
    service.transition(made.id, "lend", owner(made), note="Here you are", data={"key": 7})
    service.transition(made.id, "give_back", member(made))
    now = fresh(made)
    assert (now.state, now.phase, now.version) == ("returned", "completed", 3)
    assert history(made) == [
        (1, "created", None, "asked", "member"),
        (2, "lend", "asked", "lent", "owner"),
        (3, "give_back", "lent", "returned", "member"),
    ]
    lent = db.session.scalars(select(AgreementEvent).where(AgreementEvent.seq == 2)).one()
    assert (lent.note, lent.data, lent.actor_id) == ("Here you are", {"key": 7}, made.owner_id)


@pytest.mark.parametrize(
    ("name", "role"), [("give_back", Role.MEMBER), ("lend", Role.MEMBER), ("lend", Role.OPERATOR), ("burn", Role.OWNER)]
)
def test_a_move_that_is_not_in_the_table_changes_nothing(loan: Lend, name: str, role: Role) -> None:
    made = loan()
    with pytest.raises(InvalidTransition):
        service.transition(made.id, name, Actor(made.owner_id, role))
    assert fresh(made).state == "asked"
    assert len(history(made)) == 1


def test_an_agreement_that_does_not_exist_is_not_found(app: Flask, loan: Lend) -> None:
    with pytest.raises(NotFound):
        service.transition(99, "lend", Actor.system())


def test_an_effect_runs_after_the_state_is_set_and_may_let_it_wait(app: Flask, loan: Lend) -> None:
    seen: list[Any] = []
    until = datetime(2030, 1, 1, tzinfo=UTC)

    def effect(agreement: Agreement, context: TransitionContext) -> None:
        seen.append((agreement.state, context.transition.name, context.actor.role, context.note, context.data["key"]))
        context.waits_until = until

    on(app, lend=effect)
    made = loan()
    service.transition(made.id, "lend", owner(made), note="n", data={"key": 7})
    assert seen == [("lent", "lend", "owner", "n", 7)]
    assert fresh(made).waits_until == until
    service.transition(made.id, "give_back", member(made))
    assert fresh(made).waits_until is None, "the next state waits for nothing"


def test_an_effect_that_fails_takes_the_move_back(app: Flask, loan: Lend) -> None:
    def effect(_agreement: Agreement, _context: TransitionContext) -> None:
        raise Refused("The thing is broken")

    on(app, lend=effect)
    made = loan()
    with pytest.raises(Refused, match="broken"):
        service.transition(made.id, "lend", owner(made))
    assert fresh(made).state == "asked"
    assert len(history(made)) == 1


OBJECTS = """
@hookimpl
def transition_objections(agreement, transition, actor):
    return [f"{actor.role} may not {transition}."] if transition == "lend" else None
"""
GRUMBLES = """
@hookimpl
def agreement_changed(agreement, transition):
    if transition == "lend":
        raise RuntimeError("no")
"""


@pytest.mark.parametrize(("code", "message"), [(OBJECTS, "owner may not lend."), (GRUMBLES, "no")])
def test_a_plugin_that_objects_or_fails_keeps_the_move_from_happening(
    code: str, message: str, install: Install, make_app: Callable[..., Flask]
) -> None:
    install("strict", code)
    app = make_app(plugins=("strict",))
    with app.app_context():
        offer_loans(app)
        makers = Factories()
        made = service.create(
            "lending", listing=makers.listing(), member_id=makers.user().id, amount=None, terms={}, actor=Actor.system()
        )
        if code is OBJECTS:
            assert [move.name for move in service.possible(made, owner(made))] == ["refuse"], "and it is not offered"
        with pytest.raises((Refused, RuntimeError), match=message):
            service.transition(made.id, "lend", owner(made))
        assert fresh(made).state == "asked"
        service.transition(made.id, "refuse", owner(made))
        db.session.remove()


def test_only_what_a_person_may_do_now_is_offered(loan: Lend, factories: Factories) -> None:
    made = loan()
    assert [move.name for move in service.possible(made, owner(made))] == ["lend", "refuse"]
    assert service.possible(made, member(made)) == ()


def test_a_stranger_has_no_part_in_an_agreement(loan: Lend, factories: Factories) -> None:
    made = loan()
    with pytest.raises(NotFound):
        service.actor_for(factories.user(), made)
    assert service.actor_for(factories.operator(email="op@example.org"), made).role == "operator"
    assert service.actor_for(db.session.get_one(type(factories.user()), made.member_id), made).role == "member"


def test_new_terms_get_a_number_and_the_former_ones_stay_in_the_history(loan: Lend) -> None:
    made = loan(amount=500)
    service.amend(made.id, member(made), amount=Money(700, "EUR"), terms={"thing": "The blue one"}, note="As discussed")
    now = fresh(made)
    assert (now.terms, now.terms_version, now.amount_minor) == ({"thing": "The blue one"}, 2, 700)
    assert history(made)[-1] == (2, "amended", "asked", "asked", "member")
    former = db.session.scalars(select(AgreementEvent).where(AgreementEvent.seq == 2)).one().data["former"]
    assert former == {"terms": {"thing": "The red one"}, "amount_minor": 500, "currency": "EUR", "terms_version": 1}


def test_the_terms_of_what_has_ended_do_not_change(loan: Lend) -> None:
    made = loan()
    service.transition(made.id, "refuse", owner(made))
    with pytest.raises(Refused, match="has ended"):
        service.amend(made.id, member(made), amount=None, terms={})


@pytest.mark.parametrize(
    "change",
    [
        {"terms": {"thing": "Another"}},
        {"amount_minor": 1},
        {"currency": "USD"},
        {"terms": {"thing": "Another"}, "terms_version": 3},
        {"terms": {"thing": "Another"}, "terms_version": 1},
        {"terms_version": 7},
        {"kind": "pledge"},
        {"listing_id": 77},
    ],
)
def test_the_database_keeps_terms_frozen_whoever_writes(loan: Lend, change: dict[str, Any]) -> None:
    made = loan(amount=500)
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(update(Agreement).where(Agreement.id == made.id).values(change))
    assert fresh(made).terms == {"thing": "The red one"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE agreement_event SET note = 'rewritten'",
        "UPDATE agreement_event SET to_state = 'lent'",
        "DELETE FROM agreement_event",
        "DELETE FROM agreement",
    ],
)
def test_the_database_lets_history_only_grow(loan: Lend, statement: str) -> None:
    made = loan()
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(text(statement))
    db.session.rollback()
    assert len(history(made)) == 1


def test_nothing_is_removed_by_the_back_door(loan: Lend) -> None:
    """Neither by emptying a table nor by putting another row in the place of one: both pass by triggers on DELETE."""
    made = loan()
    doors = ["TRUNCATE agreement_event", "TRUNCATE agreement CASCADE"]
    if is_sqlite():
        columns = "agreement_id, seq, transition, to_state, actor_role, data, at"
        values = f"{made.id}, 1, 'forged', 'lent', 'owner', '{{}}', '2026-01-01'"
        doors = [
            f"INSERT OR REPLACE INTO agreement_event ({columns}) VALUES ({values})",
            f"INSERT OR REPLACE INTO agreement_event (id, {columns}) SELECT id, {values} FROM agreement_event",
            "INSERT OR REPLACE INTO agreement SELECT * FROM agreement",
        ]
    for door in doors:
        with pytest.raises(DBAPIError, match=r"append-only|never"), transaction() as session:
            session.execute(text(door))
        db.session.rollback()
    assert history(made) == [(1, "created", None, "asked", "member")]


def test_of_two_who_move_at_once_the_second_finds_it_moved(app: Flask, loan: Lend) -> None:
    """The row is locked before its state is read, so exactly one of eight succeeds."""
    made = loan()
    db.session.remove()
    ready, outcomes = threading.Barrier(8), []

    def lend() -> None:
        with app.app_context():
            ready.wait()
            try:
                service.transition(made.id, "lend", owner(made))
                outcomes.append("lent")
            except InvalidTransition:
                outcomes.append("too late")
            finally:
                db.session.remove()

    rivals = [threading.Thread(target=lend) for _number in range(8)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert sorted(outcomes) == ["lent"] + ["too late"] * 7
    assert db.session.scalar(select(func.count()).select_from(AgreementEvent)) == 2


def test_a_deadline_that_passes_lets_the_system_make_the_move(app: Flask, loan: Lend, frozen: Any) -> None:
    frozen.at("2026-03-01T12:00:00")
    made = loan(waits_until=datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(hours=1))
    expire({})
    assert fresh(made).state == "asked"
    frozen.forward(hours=1)
    db.session.rollback()
    expire({})
    assert fresh(made).state == "lapsed"
    assert history(made)[-1] == (2, "lapse", "asked", "lapsed", "system")
