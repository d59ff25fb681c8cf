"""The four ways of calling hooks, with small plugins made here."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy import text

from marketplace import access
from marketplace.database import db, transaction
from marketplace.hooks import calls
from marketplace.hooks.calls import WrongCall, announce, collect, decide, page_parts
from marketplace.hooks.manager import Hooks
from marketplace.hooks.slots import Slot, UnknownSlot
from marketplace.hooks.specs import FAMILIES, Page, hook_names, hookimpl
from marketplace.hooks.types import HealthProblem, NavItem, PriceLine, SlotFill
from marketplace.money import Money
from marketplace.runtime import Runtime
from marketplace.testing.factories import Factories
from marketplace.users import moderation
from marketplace.users.models import User
from tests.core.plugin_world import Install, install, sample

__all__ = ["install", "sample"]

Plugin = type("Plugin", (), {})


def plugin(**implementations: Callable[..., Any]) -> Any:
    """Make a plugin of these functions."""
    made = Plugin()
    for name, function in implementations.items():
        setattr(made, name, hookimpl(function))
    return made


def hooks(**plugins: Any) -> Hooks:
    """Make an app's manager with these plugins."""
    return Hooks(plugins)


def fails(*_arguments: Any) -> Any:
    """Stand for a plugin that is broken."""
    raise ZeroDivisionError("broken")


def test_collect_gathers_in_the_order_of_names_whatever_the_order_of_registration() -> None:
    def problem(text: str) -> Any:
        return plugin(health_problems=lambda: [HealthProblem("warning", text)])

    given = collect(hooks(zebra=problem("z"), apple=problem("a"), mango=problem("m")), "health_problems")
    assert [(name, found[0].message) for name, found in given] == [("apple", "a"), ("mango", "m"), ("zebra", "z")]


def test_collect_gives_each_plugin_its_own_facts() -> None:
    seen = {}
    made = {name: plugin(register_commands=lambda group: seen.setdefault(group, True)) for name in ("b", "a")}
    collect(hooks(**made), "register_commands", of_each=lambda name: {"group": f"group of {name}"})
    assert list(seen) == ["group of a", "group of b"]


def test_collect_stops_at_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        collect(hooks(a=plugin(health_problems=fails)), "health_problems")


def test_decide_leaves_out_those_without_an_answer() -> None:
    def loud() -> Any:
        return plugin(transition_objections=lambda agreement: [f"not {agreement}"])

    silent = plugin(transition_objections=lambda: None)
    answers = decide(
        hooks(b=loud(), a=silent, c=loud()), "transition_objections", agreement="this", transition="go", actor=None
    )
    assert answers == [["not this"], ["not this"]]


def test_price_lines_of_all_plugins_are_gathered() -> None:
    made = [plugin(price_lines=lambda cents=cents: [PriceLine("x", Money(100, "EUR"))]) for cents in (1, 2)]
    answers = decide(hooks(a=made[0], b=made[1]), "price_lines", agreement=None)
    assert sum(line.amount.decimal() for lines in answers for line in lines) == Decimal(2)


def test_rank_listings_stops_at_the_first_answer() -> None:
    asked = []

    def ranker(name: str, answer: Any) -> Any:
        return plugin(rank_listings=lambda listings: asked.append(name) or answer)

    made = hooks(c=ranker("c", [3]), b=ranker("b", [2]), a=ranker("a", None))
    assert decide(made, "rank_listings", listings=[1], viewer=None, purpose="home") == [[2]]
    assert asked == ["a", "b"]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((), False),
        ((None, None), False),
        ((True, None), True),
        ((True, False), False),
        ((False, True), False),
        ((None, True), True),
    ],
)
def test_any_false_refuses_else_any_true_allows_else_the_core_decides(
    answers: tuple[bool | None, ...], outcome: bool
) -> None:
    app = Flask("alone")
    made = {f"p{number}": plugin(access_rules=lambda answer=answer: answer) for number, answer in enumerate(answers)}
    app.extensions["marketplace"] = Runtime(None, Hooks(made), None)  # type: ignore[arg-type]
    with app.app_context():
        assert access.may(None, "toys.lend") is outcome


def test_announce_tells_all_in_the_order_of_names_and_ignores_results() -> None:
    heard: list[str] = []

    def listener(name: str) -> Any:
        return plugin(user_changed=lambda user, change: heard.append(f"{name} {user} {change}"))

    announce(hooks(b=listener("b"), a=listener("a")), "user_changed", user="Ann", change="updated")
    assert heard == ["a Ann updated", "b Ann updated"]


def test_an_error_in_announce_reaches_the_caller_and_the_rest_is_not_told() -> None:
    heard: list[str] = []
    after = plugin(user_changed=lambda user: heard.append(user))  # noqa: PLW0108 - pluggy reads names
    with pytest.raises(ZeroDivisionError):
        announce(hooks(a=plugin(user_changed=fails), b=after), "user_changed", user="Ann", change="updated")
    assert heard == []


def test_an_error_in_announce_rolls_back_what_was_announced(install: Install, make_app: Callable[..., Flask]) -> None:
    install("grump", "@hookimpl\ndef user_changed(user, change):\n    raise RuntimeError('no')\n")
    app = make_app(plugins=("grump",))
    with app.app_context():
        user, operator = Factories().user(), Factories().operator(email="o@example.org")
        with pytest.raises(RuntimeError, match="no"):
            moderation.block(user.id, actor_id=operator.id, reason="spam")
        db.session.expire_all()
        assert db.session.get_one(User, user.id).state == "active"
        db.session.remove()


def test_a_piece_of_a_page_that_fails_is_left_out_in_production() -> None:
    def good() -> Any:
        return plugin(nav_items=lambda: [NavItem("Toys", "toys.index")])

    app = Flask("alone")
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite://"
    db.init_app(app)
    with app.app_context(), structlog.testing.capture_logs() as logs:
        made = hooks(a=good(), b=plugin(nav_items=fails), c=good())
        parts = page_parts(made, "nav_items", strict=False, area="main", viewer=None)
    assert [part.label for part in parts] == ["Toys", "Toys"]
    assert [(line["event"], line["plugin"], line["hook"]) for line in logs] == [
        ("plugin_page_part_failed", "b", "nav_items")
    ]


def test_a_piece_of_a_page_that_fails_is_raised_in_tests() -> None:
    with pytest.raises(ZeroDivisionError):
        page_parts(hooks(a=plugin(nav_items=fails)), "nav_items", strict=True, area="main", viewer=None)


def test_a_generator_that_fails_half_way_gives_nothing_at_all() -> None:
    def half() -> Any:
        yield NavItem("Toys", "toys.index")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        page_parts(hooks(a=plugin(nav_items=half)), "nav_items", strict=True, area="main", viewer=None)


@pytest.mark.parametrize("wrong", [["a text"], "text", [SlotFill("x.html")], 7])
def test_a_piece_of_the_wrong_type_counts_as_a_failure(wrong: Any) -> None:
    with pytest.raises(TypeError):
        page_parts(hooks(a=plugin(nav_items=lambda: wrong)), "nav_items", strict=True, area="main", viewer=None)


def test_nothing_is_a_fair_answer_to_every_page_hook() -> None:
    for name in hook_names(Page):
        made = hooks(a=plugin(**{name: lambda: None}))
        assert page_parts(made, name, strict=True, slot="home_main", area="main", subject=None, viewer=None) == []


def test_a_failed_statement_of_one_plugin_does_not_take_the_page_along(
    install: Install, make_app: Callable[..., Flask], database: Any
) -> None:
    """On PostgreSQL every later statement of the transaction would fail as well."""
    install(
        "broken",
        """
        from sqlalchemy import text
        @hookimpl
        def nav_items(area):
            db.session.execute(text("SELECT nothing FROM nowhere"))
        """,
    )
    app = make_app(plugins=("broken",), environment="production", stripe_api_key="sk_test_x")
    with app.app_context():
        user = Factories().user()
        db.session.execute(text("SELECT 1"))
        here = app.extensions["marketplace"]
        assert page_parts(here.hooks, "nav_items", strict=here.strict, area="main", viewer=user) == []
        assert user.name.startswith("Member"), "objects read before are read again"
        assert db.session.scalar(text("SELECT 2")) == 2
        db.session.remove()


def test_a_piece_that_fails_inside_a_transaction_does_not_end_it(app: Flask, factories: Factories) -> None:
    user = factories.user()
    with transaction():
        db.session.get_one(User, user.id).name = "Changed"
        made = hooks(a=plugin(nav_items=fails))
        page_parts(made, "nav_items", strict=False, area="main", viewer=None)
    db.session.expire_all()
    assert db.session.get_one(User, user.id).name == "Changed"


def test_an_unknown_slot_raises_even_where_no_plugin_listens() -> None:
    with pytest.raises(UnknownSlot, match="home_main"):
        page_parts(hooks(), "slot_fills", strict=False, slot="home_mian", subject=None, viewer=None)


def test_a_slot_arrives_as_member_of_the_enum() -> None:
    seen: list[Any] = []
    made = hooks(a=plugin(slot_fills=lambda slot: seen.append(slot)))  # noqa: PLW0108 - pluggy reads names
    page_parts(made, "slot_fills", strict=True, slot="home_main", subject=None, viewer=None)
    assert seen == [Slot.HOME_MAIN]


def test_each_hook_can_be_called_in_exactly_one_way() -> None:
    ways: dict[str, Callable[[Hooks, str], Any]] = {
        "collect": collect,
        "decide": decide,
        "announce": announce,
        "page_parts": lambda given, name: page_parts(given, name, strict=True, slot="home_main"),
    }
    allowed = {}
    for name in (name for family in FAMILIES for name in hook_names(family)):
        for way, call in ways.items():
            try:
                call(hooks(), name)
            except WrongCall:
                continue
            allowed.setdefault(name, []).append(way)
    assert all(len(found) == 1 for found in allowed.values()), allowed
    assert len(allowed) == 25
    assert allowed["erase_member"] == allowed["load_demo"] == ["announce"]
    assert allowed["export_member"] == allowed["health_problems"] == ["collect"]


def test_a_hook_that_does_not_exist_cannot_be_called() -> None:
    for call in (collect, decide, announce):
        with pytest.raises(WrongCall, match="nav_itmes"):
            call(hooks(), "nav_itmes")
    with pytest.raises(WrongCall):
        page_parts(hooks(), "nav_itmes", strict=False)


def test_an_implementation_gets_only_what_it_asks_for() -> None:
    heard: list[Any] = []
    told = plugin(payment_changed=lambda change: heard.append(change))  # noqa: PLW0108 - pluggy reads names
    made = hooks(a=told, b=plugin(payment_changed=lambda: None))
    announce(made, "payment_changed", payment=object(), change="succeeded")
    assert heard == ["succeeded"]


def test_each_call_is_printed_on_request(
    install: Install, make_app: Callable[..., Flask], capfd: pytest.CaptureFixture[str]
) -> None:
    install("talker", "@hookimpl\ndef nav_items(area):\n    return []\n")
    app = make_app(plugins=("talker",), trace_hooks=True)
    assert app.test_client().get("/").status_code == 200
    printed = capfd.readouterr().err
    assert "hook_called" in printed
    assert "hook=nav_items" in printed
    assert "plugin=talker" in printed
    assert "hook_called" not in _printed_without(make_app, capfd)


def _printed_without(make_app: Callable[..., Flask], capfd: pytest.CaptureFixture[str]) -> str:
    assert make_app(plugins=("talker",)).test_client().get("/").status_code == 200
    return capfd.readouterr().err


def test_the_four_ways_are_all_that_calls_offers() -> None:
    assert calls.page_parts.__doc__
    assert {"collect", "decide", "announce", "page_parts"} <= set(vars(calls))
