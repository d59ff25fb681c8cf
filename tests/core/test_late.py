"""Pages and functions that load late: what start-up promises holds when the code comes, and no code comes before its time."""

import ast
import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask import Blueprint, Flask

from marketplace import access, addresses_cli, api, core, models
from marketplace.commands import GROUPS
from marketplace.database import Base, db
from marketplace.late import Late, at, late
from marketplace.pages import Site
from marketplace.runtime import runtime
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from tests.core.plugin_world import Install, install
from tests.gates import tree

__all__ = ["install"]

MakeApp = Callable[..., Site]

PROGRAM = """
import json, sys
from werkzeug.test import create_environ, run_wsgi_app
from marketplace.app import create_app
app = create_app()
statuses = []
for method, address, cookie in json.loads(sys.argv[1]):
    asked = create_environ(address, "http://127.0.0.1:8000", method=method, headers={"Cookie": cookie})
    body, status, headers = run_wsgi_app(app, asked, buffered=True)
    statuses.append(int(status.split()[0]))
print(json.dumps([statuses, sorted(sys.modules)]))
"""


def fresh(app: Flask, asked: list[tuple[str, str, str]]) -> tuple[list[int], set[str]]:
    """Start a production process on the app's database, ask, and give the statuses and which modules were loaded then."""
    using = runtime(app).settings
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MARKETPLACE_")}
    environ |= {
        "MARKETPLACE_ENVIRONMENT": "production",
        "MARKETPLACE_SECRET_KEY": using.secret_key,
        "MARKETPLACE_DATABASE_URL": using.database_url,
        "MARKETPLACE_PLUGINS": ",".join(using.plugins),
        "MARKETPLACE_INSTANCE_DIR": str(using.instance_dir),
        "MARKETPLACE_STRIPE_API_KEY": "sk_test_late",
        "MARKETPLACE_STRIPE_WEBHOOK_SECRETS": "whsec_late",
        "MARKETPLACE_STRIPE_API_BASE": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(asked)]
    done = subprocess.run(command, env=environ, cwd=tree.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    statuses, loaded = json.loads(done.stdout.splitlines()[-1])
    broken = [page for page, status in zip(asked, statuses, strict=True) if status == 500]
    assert not broken, f"{broken}\n{done.stderr[:3000]}"
    return statuses, set(loaded)


def filled(rule: str) -> str:
    """Give an address of a rule: what is first where there is a choice, else 1."""
    return re.sub(r"<(?:any\((\w+)[^>]*\)|[^>]*?):?\w*>", lambda match: match[1] or "1", rule)


BLUEPRINTS = [
    *core.BLUEPRINTS,
    "plugins.funding.manage:blueprint",
    "plugins.funding.api:blueprint",
    "plugins.sharing.item.views:blueprint",
]


ON_BOTH = ("marketplace.admin.views:blueprint", "plugins.funding.manage:blueprint")


@pytest.mark.parametrize(
    ("where", "database"),
    [*((where, "sqlite") for where in BLUEPRINTS), *((where, "postgresql") for where in ON_BOTH)],
    indirect=["database"],
)
def test_every_page_can_be_the_first_that_a_worker_is_asked_for(
    where: str, app: Site, factories: Factories, auth: Auth
) -> None:
    """In a process of its own for each blueprint, so that nothing is there that another page has loaded."""
    operator = auth.operator()
    factories.listing(operator)
    cookie = auth.client(operator).get_cookie("session")
    assert cookie is not None
    name = at(str(where)).name
    pages = [
        (method, filled(rule.rule), session)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        for session in (f"session={cookie.value}", "")
        if rule.endpoint.rpartition(".")[0] == name
    ]
    statuses, _loaded = fresh(app, pages)
    assert len(statuses) == len(pages) > 0


RARE = frozenset(
    """wtforms flask_wtf limits structlog msgspec stripe PIL argon2 alembic smtplib prometheus_client click.testing pdb
    marketplace.api_v1 marketplace.admin marketplace.payments.models marketplace.payments.service marketplace.users.views
    marketplace.ledger.models marketplace.jobs.models marketplace.agreements.models marketplace.forms marketplace.doctor
    plugins.funding.views plugins.funding.manage plugins.funding.effects plugins.funding.settlement""".split()  # noqa: SIM905
)


def test_a_worker_that_answered_its_front_page_has_loaded_nothing_that_it_does_not_show(
    app: Site, factories: Factories
) -> None:
    factories.listing(factories.user())
    statuses, loaded = fresh(app, [("GET", "/", "")])
    assert statuses == [200]
    assert loaded & RARE == set()
    if db.engine.dialect.name == "sqlite":
        assert "sqlalchemy.dialects.postgresql" not in loaded


def test_the_first_request_of_all_may_be_exempt_from_tokens_or_refused_for_the_lack_of_one(app: Site) -> None:
    statuses, _loaded = fresh(app, [("POST", "/webhooks/stripe", ""), ("POST", "/login", ""), ("GET", "/operator", "")])
    assert statuses == [400, 400, 302]
    assert fresh(app, [("POST", "/api/v1/listings", "")])[0] == [401]


def test_the_tables_of_addresses_are_what_the_code_says(app: Site) -> None:
    told = list(addresses_cli.tables())
    assert {path.parent.name for path, _text in told} == {"marketplace", "funding", "sharing"}
    old = [str(path) for path, text in told if path.read_text(encoding="utf-8") != text]
    assert not old, f"run `make addresses`: {old}"


def test_late_pages_are_mounted_as_their_blueprints_would_be(make_app: MakeApp) -> None:
    late_site = make_app(environment="production", stripe_api_base="")
    eager = Site("eager", static_folder=None)
    for where in BLUEPRINTS:
        eager.register_blueprint(at(str(where)))
    mounted = {(rule.endpoint, rule.rule, frozenset(rule.methods or ())) for rule in late_site.url_map.iter_rules()}
    assert {(r.endpoint, r.rule, frozenset(r.methods or ())) for r in eager.url_map.iter_rules()} <= mounted
    late_site.load_all()
    for endpoint, view in eager.view_functions.items():
        assert late_site.view_functions[endpoint] == view  # a method of a blueprint is bound anew each time


def everywhere(app: Site) -> list[Any]:
    """Give what an app does for every page."""
    kept = (app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs, app.template_context_processors,
            app.url_default_functions, app.url_value_preprocessors)  # fmt: skip
    errors = {code: dict(found) for code, found in app.error_handler_spec[None].items()}
    environment = app.jinja_env
    names = sorted(environment.globals), sorted(environment.filters), sorted(environment.tests)
    return [*(list(functions.get(None, ())) for functions in kept), errors, names, len(app.teardown_appcontext_funcs)]


def test_a_page_that_loads_late_changes_nothing_for_the_others(make_app: MakeApp) -> None:
    site = make_app(environment="production", stripe_api_base="")
    before = everywhere(site)
    site.load_all()
    assert everywhere(site) == before


def late_ones(thing: Any) -> Iterator[Late]:
    """Find the functions that are named in a descriptor."""
    if isinstance(thing, Late):
        yield thing
    elif dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from late_ones(getattr(thing, field.name))
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from late_ones(value)


def test_every_function_that_is_named_can_be_imported(app: Site) -> None:
    known = runtime(app).registry
    registered = [*known.listing_kinds.values(), *known.agreement_kinds.values(), *known.jobs.values()]
    named = [found for thing in registered for found in late_ones(thing)]
    named += [found for found in app.jinja_env.globals.values() if isinstance(found, Late)]
    assert len(named) > 20
    assert [found.where for found in named if not callable(found.load())] == []
    assert [where for where in GROUPS.values() if not callable(at(where))] == []


def test_each_access_rule_lives_where_the_core_looks_for_it(app: Site) -> None:
    homes = {word: at(home).__name__ for word, home in access.HOMES.items()}
    app.load_all()
    for action, rule in access.RULES.items():
        word = action.partition(".")[0]
        assert rule.__module__ == homes.get(word, "marketplace.access"), action


def test_mapped_classes_live_where_the_first_write_looks_for_them(app: Site) -> None:
    models.complete()
    app.load_all()
    mapped = {mapper.class_.__module__ for mapper in Base.registry.mappers}
    ours = [module for module in mapped if module.startswith(("marketplace.", "plugins."))]
    assert [module for module in ours if not Path(*module.split(".")).with_suffix(".py").match(models.FILES)] == []
    for table in Base.metadata.tables.values():
        for key in table.foreign_keys:
            assert key.column is not None


def test_the_surface_for_plugins_gives_what_it_shows_to_type_checkers() -> None:
    shown: dict[str, str] = {}
    for node in ast.walk(tree.parsed(Path("marketplace/api.py"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("marketplace"):
            shown |= {name.asname or name.name: f"{node.module}:{name.name}" for name in node.names}
    shown.pop("at")
    assert set(shown) == set(api.__all__) == set(api._HOMES)
    for name, where in shown.items():
        module, _, attribute = where.partition(":")
        found = at(where) if hasattr(at(module), attribute) else at(f"{module}.{attribute}")
        assert getattr(api, name) is found, name


def test_a_name_that_is_no_function_says_so() -> None:
    with pytest.raises(ValueError, match=r"named as package.module:function, not 'marketplace.clock.now'"):
        late("marketplace.clock.now")
    with pytest.raises(AttributeError):
        late("marketplace.clock:yesterday").load()


VIEWS = "from flask import Blueprint\npages = Blueprint('toys', __name__)\n@pages.get('/toys')\ndef index():\n    return 'toys'\n"
HOOKS = "@hookimpl\ndef register_blueprints():\n    return [BlueprintAt('toys_views:pages')]\n"


def test_a_plugin_may_name_its_blueprint_without_a_table(install: Install, make_app: MakeApp, tmp_path: Path) -> None:
    (tmp_path / "site-packages" / "toys_views.py").write_text(VIEWS)
    install("toys", HOOKS)
    site = make_app(plugins=("toys",))
    assert isinstance(site.blueprints["toys"], Blueprint)
    assert site.test_client().get("/toys").text == "toys"


def test_where_code_is_newer_than_the_table_the_code_counts_except_in_production(
    install: Install, make_app: MakeApp, tmp_path: Path
) -> None:
    folder = tmp_path / "site-packages"
    (folder / "addresses.txt").write_text("blueprint toys toys_views:pages\n  GET old /toys/old\n")
    (folder / "toys_views.py").write_text(VIEWS)
    os.utime(folder / "addresses.txt", (1, 1))
    install("toys", HOOKS)
    assert make_app(plugins=("toys",)).test_client().get("/toys").text == "toys"
    deployed = make_app(plugins=("toys",), environment="production", stripe_api_base="")
    with structlog.testing.capture_logs() as logged:
        deployed.load("toys")
    assert deployed.test_client().get("/toys").status_code == 404
    assert [line["event"] for line in logged] == ["page_without_address"]
