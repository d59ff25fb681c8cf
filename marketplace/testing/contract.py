"""What every plugin promises: a test class that ours and a third party's must pass alike."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getdoc
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect

from marketplace import models
from marketplace import runtime as running
from marketplace.database import db
from marketplace.hooks import discovery, lineages, purge
from marketplace.hooks.calls import collect
from marketplace.hooks.specs import FAMILIES, PROJECT, hook_names
from marketplace.hooks.types import AgreementKind, ListingKind
from marketplace.testing.databases import TestDatabase

HOOKS = {name for family in FAMILIES for name in hook_names(family)}


class PluginContract:
    """Subclass it, name the plugin, and pytest runs these against a site with that plugin alone."""

    plugin: str = ""

    @pytest.fixture
    def alone(self, make_app: Callable[..., Flask]) -> Any:
        """Give an app with this plugin and no other."""
        app = make_app(plugins=(self.plugin,))
        with app.app_context():
            yield app
            db.session.remove()

    def kinds(self, app: Flask) -> tuple[list[ListingKind], list[AgreementKind]]:
        """Give the kinds that this plugin registered."""
        known = running.runtime(app).registry
        mine = {name for name, owner in known.owners.items() if owner == self.plugin}
        return (
            [kind for name, kind in known.listing_kinds.items() if name in mine],
            [kind for name, kind in known.agreement_kinds.items() if name in mine],
        )

    def test_it_is_found_by_its_entry_point(self) -> None:
        """Discovery needs no import of the plugin's code."""
        assert self.plugin in discovery.installed()

    def test_every_public_function_marked_as_hook_is_one(self, alone: Flask) -> None:
        """A hook without its mark would never be called; pluggy has checked the marked ones at start-up."""
        module = running.runtime(alone).hooks.modules[self.plugin]
        implemented = {name: getattr(module, name) for name in vars(module) if name in HOOKS}
        assert implemented
        assert [name for name, hook in implemented.items() if not hasattr(hook, f"{PROJECT}_impl")] == []
        assert [name for name, hook in implemented.items() if not getdoc(hook)] == []

    def test_what_it_registers_carries_its_name(self, alone: Flask) -> None:
        """So that no two plugins meet, and everybody sees whose a setting, a job or a page is."""
        hooks = running.runtime(alone).hooks
        keys = [spec.key for _plugin, specs in collect(hooks, "register_settings") for spec in specs]
        keys += [job.name for _plugin, kinds in collect(hooks, "register_jobs") for job in kinds]
        keys += [kind.name for _plugin, kinds in collect(hooks, "register_notifications") for kind in kinds]
        assert [key for key in keys if not key.startswith(f"{self.plugin}.")] == []
        pages = [at.blueprint.name for owner, at in running.runtime(alone).registry.blueprints if owner == self.plugin]
        assert [name for name in pages if name != self.plugin and not name.startswith(f"{self.plugin}_")] == []

    def test_its_tables_carry_its_name_and_its_migrations_make_them(self, alone: Flask) -> None:
        """The lineage is complete: nothing would be generated, and the database is at its head."""
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        models.complete()
        names = {lineage.name for lineage in lineages.plugin_lineages()}
        if self.plugin not in names:
            assert not [table for table in db.metadata.tables if table.startswith(f"{self.plugin}_")]
            return
        lineage = lineages.find_plugin(self.plugin)
        with db.engine.connect() as connection:
            assert lineages.current(lineage, connection) == lineages.head(lineage)
            options = lineages.alembic_config(lineage, connection).attributes
            context = MigrationContext.configure(
                connection,
                opts={
                    "version_table": lineage.version_table,
                    "include_name": options["include_name"],
                    "include_object": options["include_object"],
                    "compare_type": True,
                },
            )
            assert compare_metadata(context, options["metadata"]) == []

    def test_its_listing_kinds_have_pages_and_cheap_cards(self, alone: Flask, statements: Callable[[], Any]) -> None:
        """Each endpoint exists, and the cards of many listings cost one statement."""
        listing_kinds, _agreement_kinds = self.kinds(alone)
        for kind in listing_kinds:
            assert {kind.endpoint, kind.new_endpoint, kind.edit_endpoint} - {None} <= set(alone.view_functions)
            if kind.card_facts is not None:
                with statements() as seen:
                    assert kind.card_facts([1, 2, 3]) == {}
                assert len(seen) <= 1

    def test_each_effect_belongs_to_a_transition(self, alone: Flask) -> None:
        """An effect under a misspelt name would never run."""
        for kind in self.kinds(alone)[1]:
            assert set(kind.effects) <= {move.name for move in kind.machine.transitions}

    def test_no_waiting_state_is_without_an_exit(self, alone: Flask) -> None:
        """A state that only a person can leave must not be one that holds money or stock: it names its own end."""
        for kind in self.kinds(alone)[1]:
            for state in kind.machine.states:
                moves = [move for move in kind.machine.transitions if state.name in move.sources]
                assert not moves or state.expires_by or any("system" in move.roles for move in moves)

    def test_it_can_be_purged_and_made_again(
        self, make_app: Callable[..., Flask], empty_database: TestDatabase
    ) -> None:
        """Nothing of the plugin stays in the way: no table, no function, no version."""
        app = make_app(plugins=(), database_url=empty_database.url)
        lineages.upgrade_all(app)
        with app.app_context():
            before = self.own_tables()
            purge.drop(self.plugin)
            assert self.own_tables() == set()
            lineages.upgrade_all(app)
            assert self.own_tables() == before

    def own_tables(self) -> set[str]:
        """Name the tables of the plugin that the database has."""
        with db.engine.connect() as connection:
            names = inspect(connection).get_table_names()
        return {name for name in names if name.startswith((f"{self.plugin}_", f"alembic_version_{self.plugin}"))}

    def test_the_site_runs_without_it(self, make_app: Callable[..., Flask]) -> None:
        """Its tables stay, its pages say so, and nothing else breaks."""
        app = make_app(plugins=())
        assert app.test_client().get("/").status_code == 200
        assert self.plugin not in running.runtime(app).hooks.names
