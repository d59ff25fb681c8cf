"""What stops the start-up: plugins that break a rule which protects the others. Each message names who it is about."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click import Context
from flask import Flask

from marketplace import models
from marketplace.hooks import discovery, lineages
from marketplace.hooks.discovery import PluginInvalid, PluginMissing
from marketplace.hooks.registry import DoubleName
from marketplace.runtime import runtime
from tests.core.plugin_world import Install, install, offer

__all__ = ["install"]

MakeApp = Callable[..., Flask]

KIND = "@hookimpl\ndef register_listing_kinds():\n    return [ListingKind({name!r}, 'Toy', 'Toys', 'gift', 'home.index')]\n"
SETTING = "@hookimpl\ndef register_settings():\n    return [SettingSpec({name!r}, 'Most', 'int', 3)]\n"
JOB = "@hookimpl\ndef register_jobs():\n    return [JobKind({name!r}, print)]\n"
NOTICE = "@hookimpl\ndef register_notifications():\n    return [NotificationKind({name!r}, 'Hello')]\n"
PAGES = "@hookimpl\ndef register_blueprints():\n    return [BlueprintAt(Blueprint({name!r}, __name__))]\n"
AGREEMENT = """
from marketplace.api import Phase, Role, State, StateMachine, Transition
MACHINE = StateMachine({name!r}, "on", (State("on", Phase.ACTIVE, "On"),), ())
@hookimpl
def register_agreement_kinds():
    return [AgreementKind({name!r}, "Loan", "gift", MACHINE)]
"""


@pytest.mark.parametrize("code", [KIND, SETTING, JOB, NOTICE, PAGES, AGREEMENT])
def test_two_things_of_one_name_stop_the_start_and_both_owners_are_named(
    code: str, install: Install, make_app: MakeApp
) -> None:
    for name in ("toys", "games"):
        install(name, code.format(name="same"))
    with pytest.raises(DoubleName, match="'same' is registered by both games and toys"):
        make_app(plugins=("toys", "games"))
    assert make_app(plugins=("toys",)), "one alone is fine"


@pytest.mark.parametrize(
    ("code", "taken"),
    [(KIND, "notice"), (SETTING, "listings.most_pictures"), (JOB, "agreements.expire"), (PAGES, "home")],
)
def test_a_name_of_the_core_is_taken(code: str, taken: str, install: Install, make_app: MakeApp, app: Flask) -> None:
    if code is SETTING:
        taken = next(iter(runtime(app).registry.settings))
    install("toys", code.format(name=taken))
    with pytest.raises(DoubleName, match="by both core and toys"):
        make_app(plugins=("toys",))


def test_a_listing_kind_of_one_plugin_and_an_agreement_kind_of_another_may_not_share_a_name(
    install: Install, make_app: MakeApp
) -> None:
    install("toys", KIND.format(name="same"))
    install("games", AGREEMENT.format(name="same"))
    with pytest.raises(DoubleName, match="both toys and games"):
        make_app(plugins=("toys", "games"))


def test_one_plugin_may_name_its_listing_and_its_agreement_alike(install: Install, make_app: MakeApp) -> None:
    install("toys", KIND.format(name="toys") + AGREEMENT.format(name="toys"))
    assert runtime(make_app(plugins=("toys",))).registry.owners["toys"] == "toys"


def test_a_misspelt_hook_stops_the_start(install: Install, make_app: MakeApp) -> None:
    install("toys", "@hookimpl\ndef nav_itmes(area):\n    return []\n")
    with pytest.raises(PluginInvalid, match=r"plugin 'toys'.*nav_itmes"):
        make_app(plugins=("toys",))


def test_an_argument_that_a_hook_does_not_have_stops_the_start(install: Install, make_app: MakeApp) -> None:
    install("toys", "@hookimpl\ndef nav_items(arena):\n    return []\n")
    with pytest.raises(PluginInvalid, match=r"(?s)plugin 'toys'.*arena"):
        make_app(plugins=("toys",))


def test_a_wrapper_stops_the_start(install: Install, make_app: MakeApp) -> None:
    install("toys", "@hookimpl(wrapper=True)\ndef nav_items(area):\n    return (yield)\n")
    with pytest.raises(PluginInvalid, match="'toys': nav_items may not wrap"):
        make_app(plugins=("toys",))


def test_a_thing_of_the_wrong_type_stops_the_start(install: Install, make_app: MakeApp) -> None:
    install("toys", "@hookimpl\ndef register_jobs():\n    return [{'name': 'toys.remind'}]\n")
    with pytest.raises(PluginInvalid, match=r"'toys': register_jobs gave .* not a JobKind"):
        make_app(plugins=("toys",))


def test_a_hook_that_registers_nothing_is_no_mistake(install: Install, make_app: MakeApp) -> None:
    install("toys", "@hookimpl\ndef register_jobs():\n    return None\n")
    assert make_app(plugins=("toys",)).test_client().get("/").status_code == 200


def test_a_plugin_that_is_not_installed_is_named_with_those_that_are(make_app: MakeApp) -> None:
    with pytest.raises(PluginMissing, match=r"'toys', which is not installed .*funding"):
        make_app(plugins=("toys",))


def test_two_packages_with_a_plugin_of_one_name_stop_the_start(install: Install, make_app: MakeApp) -> None:
    install("toys", package="first")
    install("toys", package="second")
    with pytest.raises(PluginInvalid, match="two packages offer a plugin named 'toys': first_hooks and second_hooks"):
        make_app(plugins=())


def test_one_module_under_two_names_stops_the_start(install: Install, make_app: MakeApp) -> None:
    install("toys", "", package="both")
    install("games", module="both_hooks")
    with pytest.raises(PluginInvalid, match="plugin 'toys': Plugin already registered"):
        make_app(plugins=("toys", "games"))


@pytest.mark.parametrize(
    "name", ["Toys", "toy_box", "t", "toy-box", "a" * 21, "listing", "user", "alembic", "operator"]
)
def test_a_name_that_would_meet_the_core_or_another_plugin_is_refused(
    name: str, install: Install, make_app: MakeApp
) -> None:
    install(name, package="toys")
    with pytest.raises(PluginInvalid, match="is no plugin's name"):
        make_app(plugins=())


def test_every_word_that_the_core_uses_is_reserved(app: Flask) -> None:
    from flask.cli import FlaskGroup  # only to know Flask's own commands

    from marketplace.database import Base

    models.complete()
    mine = set(discovery.installed())
    words = {
        str(table.name).partition("_")[0]
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith("marketplace.")
        for table in mapper.tables  # type: ignore[attr-defined]
    }
    names = [at.blueprint.name for _owner, at in runtime(app).registry.blueprints]
    words |= {word for name in names if name.partition("_")[0] not in mine for word in (name, name.partition("_")[0])}
    words |= set(FlaskGroup(create_app=lambda: app).commands) | set(app.cli.list_commands(Context(app.cli)))
    pages = [rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0].partition("_")[0] not in mine]
    words |= {rule.rule.split("/")[1] for rule in pages}
    plain = {word for word in words if discovery.NAME.fullmatch(word)} - mine
    assert plain - discovery.RESERVED == set()


TABLES = """
from marketplace.api import *
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy import Column, Integer, Table
"""
MODEL = TABLES + "class Toy(Base):\n    __tablename__ = {!r}\n    id: Mapped[int] = mapped_column(primary_key=True)\n"
WRONG = {
    "class": MODEL.format("game_toy"),
    "table": TABLES + "Table('loose', Base.metadata, Column('id', Integer, primary_key=True))\n",
    "core's": MODEL.format("user_toy"),
}


@pytest.mark.parametrize(
    ("code", "message"),
    [("class", "its table 'game_toy' must be named toys_"), ("table", "the table 'loose' is nobody's"),
     ("core's", "its table 'user_toy' must be named toys_")],
)  # fmt: skip
def test_a_table_without_the_plugins_name_stops_the_start_in_one_sentence(
    code: str, message: str, tmp_path: Path
) -> None:
    """In a process of its own: a table once declared stays declared."""
    (tmp_path / "toys_hooks.py").write_text(WRONG[code])
    offer(tmp_path, "toys", "toys_hooks")
    environ = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "MARKETPLACE_PLUGINS": "toys",
        "MARKETPLACE_INSTANCE_DIR": str(tmp_path / "instance"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "marketplace.cli", "plugin", "list"],
        env=environ, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.startswith("marketplace: ")
    assert "Traceback" not in done.stderr


def test_discovery_reads_names_without_importing_any_code(install: Install, tmp_path: Path) -> None:
    install("toys", "raise RuntimeError('imported')")
    assert "toys" in discovery.installed()
    assert lineages.plugin_lineages()
    assert "toys_hooks" not in sys.modules


def test_two_apps_in_one_process_have_their_own_plugins(install: Install, make_app: MakeApp) -> None:
    install("toys", KIND.format(name="toys"))
    install("games", KIND.format(name="games"))
    both = [make_app(plugins=("toys",)), make_app(plugins=("games",)), make_app(plugins=())]
    assert [runtime(app).hooks.names for app in both] == [("toys",), ("games",), ()]
    assert [sorted(runtime(app).registry.listing_kinds) for app in both] == [
        ["notice", "toys"],
        ["games", "notice"],
        ["notice"],
    ]
    assert [app.test_client().get("/").status_code for app in both] == [200, 200, 200]


def test_building_an_app_opens_no_connection(install: Install, make_app: MakeApp) -> None:
    install("toys", KIND.format(name="toys"))
    assert make_app(plugins=("toys", "funding"), database_url="postgresql://nobody@127.0.0.1:1/nothing")
