"""The operator's commands for plugins; each test has a database of its own, because tables go."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import inspect, text

from marketplace.agreements import service as agreements
from marketplace.agreements.service import Actor
from marketplace.database import db, transaction
from marketplace.hooks import lineages
from marketplace.listings.models import Listing
from marketplace.testing.databases import TestDatabase
from marketplace.testing.factories import Factories
from plugins.funding import campaigns
from tests.core.account_loans import offer_loans


@pytest.fixture
def site(make_app: Callable[..., Flask], empty_database: TestDatabase) -> Callable[..., Flask]:
    """Give a maker of apps on one migrated database of their own: `site("funding")` has that plugin on."""

    def make(*plugins: str) -> Flask:
        return make_app(plugins=plugins, database_url=empty_database.url)

    lineages.upgrade_all(make("funding"))
    return make


def run(app: Flask, *arguments: str, typed: str = "") -> Result:
    """Run a command in a context of its own."""
    return app.test_cli_runner().invoke(args=arguments, input=typed)


def tables(app: Flask) -> set[str]:
    """Name the tables of the funding plugin that are there."""
    with app.app_context():
        return {name for name in inspect(db.engine).get_table_names() if "funding" in name}


def campaign(app: Flask) -> int:
    """Make a campaign's draft."""
    with app.app_context():
        owner = Factories().user()
        made = campaigns.create(owner, facts={"title": "A garden with é"}, goal_minor=100_00, days=30).id
        db.session.remove()
        return made


def test_the_list_tells_what_is_on_and_how_far_the_tables_are(site: Callable[..., Flask]) -> None:
    assert run(site("funding"), "plugin", "list").output.split() == [
        "funding", "on", "tables", "up", "to", "date", "plugins.funding.hooks",
        "sharing", "off", "tables", "up", "to", "date", "plugins.sharing.hooks",
    ]  # fmt: skip
    assert " off " in run(site(), "plugin", "list").output
    with site().app_context(), db.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version_funding"))
    assert "run: flask upgrade" in run(site(), "plugin", "list").output


def test_the_list_needs_no_database(make_app: Callable[..., Flask]) -> None:
    app = make_app(database_url="postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    shown = run(app, "plugin", "list")
    assert shown.exit_code == 0
    assert "the database can't be asked" in shown.output


def test_one_plugin_is_upgraded_alone(make_app: Callable[..., Flask], empty_database: TestDatabase) -> None:
    app = make_app(plugins=(), database_url=empty_database.url)
    with app.app_context():
        lineages.upgrade(lineages.core_lineage())
    assert tables(app) == set()
    shown = run(app, "plugin", "upgrade", "funding")
    assert (shown.exit_code, shown.output) == (0, "funding is up to date\n")
    assert "funding_campaign" in tables(app)
    unknown = run(app, "plugin", "upgrade", "toys")
    assert (unknown.exit_code, unknown.output) == (1, "Error: no installed plugin named 'toys' has migrations\n")
    assert run(app, "plugin", "upgrade", "core").exit_code == 1


def test_purging_exports_everything_and_then_deletes_it(site: Callable[..., Flask], tmp_path: Path) -> None:
    made = campaign(site("funding"))
    shown = run(site(), "plugin", "purge", "funding", "--export-to", str(tmp_path / "kept"), typed="funding\n")
    assert shown.exit_code == 0, shown.output
    assert "funding_campaign: 1 rows exported" in shown.output
    assert tables(site()) == set()
    rows = [json.loads(line) for line in (tmp_path / "kept" / "funding_campaign.jsonl").read_text().splitlines()]
    assert [(row["listing_id"], row["goal_minor"]) for row in rows] == [(made, 100_00)]
    with site().app_context():
        assert db.session.scalar(text("SELECT title FROM listing")) == "A garden with é", "the core's rows stay"
        db.session.remove()
    run(site("funding"), "upgrade")
    assert "funding_campaign" in tables(site())


def test_nothing_is_deleted_unless_the_name_is_typed(site: Callable[..., Flask], tmp_path: Path) -> None:
    before = tables(site())
    for typed in ("\n", "yes\n", "FUNDING\n"):
        shown = run(site(), "plugin", "purge", "funding", "--export-to", str(tmp_path / "kept"), typed=typed)
        assert shown.exit_code == 1
        assert "nothing was deleted" in shown.output
    assert tables(site()) == before


def test_a_plugin_that_is_on_is_not_purged(site: Callable[..., Flask]) -> None:
    shown = run(site("funding"), "plugin", "purge", "funding", "--confirm", "funding")
    assert shown.exit_code == 1
    assert "funding is on" in shown.output
    assert "funding_campaign" in tables(site())


@pytest.mark.parametrize(
    "name", ["listing", "user", "payment", "ledger", "alembic", "core", "funding_campaign", "%", ""]
)
def test_a_word_of_the_core_purges_nothing(site: Callable[..., Flask], name: str) -> None:
    with site().app_context():
        before = inspect(db.engine).get_table_names()
    shown = run(site(), "plugin", "purge", name, "--confirm", name)
    assert shown.exit_code == 1
    assert "is no plugin's name" in shown.output
    with site().app_context():
        assert inspect(db.engine).get_table_names() == before


def test_a_plugin_without_tables_is_not_purged(site: Callable[..., Flask]) -> None:
    shown = run(site(), "plugin", "purge", "toys", "--confirm", "toys")
    assert shown.exit_code == 1
    assert "there are no tables named toys_" in shown.output


def test_a_plugin_whose_agreements_have_not_ended_is_not_purged(site: Callable[..., Flask]) -> None:
    app = site("funding")
    listing_id = campaign(app)
    with app.app_context():
        member = Factories().user(email="backer@example.org")
        with transaction():
            listing = db.session.get_one(Listing, listing_id)
            agreements.create(
                "pledge", listing=listing, member_id=member.id, amount=None, terms={}, actor=Actor.system()
            )
        db.session.remove()
    shown = run(site(), "plugin", "purge", "funding", "--confirm", "funding")
    assert shown.exit_code == 1
    assert "1 agreements of funding have not ended" in shown.output
    assert "funding_campaign" in tables(site())


def test_agreements_of_a_kind_that_nobody_knows_protect_a_plugin_that_is_gone(site: Callable[..., Flask]) -> None:
    """An uninstalled plugin can't say which kinds were its own, so every unknown one counts."""
    app = site()
    with app.app_context():
        offer_loans(app)
        factories = Factories()
        listing, member = factories.listing(), factories.user()
        agreements.create(
            "lending",
            listing=listing,
            member_id=member.id,
            amount=None,
            terms={"thing": "A drill"},
            actor=Actor.system(),
        )
        db.session.remove()
    gone = run(site(), "plugin", "purge", "toys", "--confirm", "toys")
    assert "1 agreements of toys have not ended" in gone.output
    installed = run(site(), "plugin", "purge", "funding", "--confirm", "funding")
    assert "funding is purged" in installed.output
