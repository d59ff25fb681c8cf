"""The list of hooks is neither too long nor too short: each is called, implemented, documented, and each slot is shown once."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, url_for

from marketplace import api
from marketplace.agreements import page as agreement_page
from marketplace.agreements import service as agreements
from marketplace.agreements.service import Actor
from marketplace.hooks import specs
from marketplace.hooks.manager import Hooks
from marketplace.hooks.slots import Slot
from marketplace.hooks.specs import FAMILIES, hook_names, hookimpl
from marketplace.lifecycle import Role
from marketplace.money import Money
from marketplace.testing import sample_plugin
from marketplace.testing.clients import client_of
from marketplace.testing.factories import Factories
from marketplace.testing.people import log_in
from plugins.funding import campaigns
from plugins.funding import hooks as funding
from plugins.sharing import hooks as sharing
from tests.core.account_loans import offer_loans
from tests.core.plugin_world import Install, install, sample
from tests.gates import tree

__all__ = ["install", "sample"]

HOOKS = [name for family in FAMILIES for name in hook_names(family)]
WAYS = {"collect", "decide", "announce", "page_parts"}
SLOT = re.compile(r"\bslot\(\s*['\"](\w+)['\"]")


def calls_in_the_core() -> Iterator[tuple[Path, str, set[str]]]:
    """Find every call of a hook in the core: the file, the hook, and the facts handed over."""
    for path in tree.python_files():
        if path.parts[0] != "marketplace" or path.parts[1] in ("testing", "sandbox"):
            continue
        for node in ast.walk(tree.parsed(path)):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            words = [part.value for part in node.args if isinstance(part, ast.Constant) and part.value in HOOKS]
            if name in (*WAYS, "_named") and words:
                yield path, words[0], {str(keyword.arg) for keyword in node.keywords}


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_called_somewhere_in_the_core(name: str) -> None:
    assert [path for path, hook, _facts in calls_in_the_core() if hook == name]


def test_every_call_hands_over_exactly_what_the_hook_promises() -> None:
    wrong = []
    for path, hook, facts in calls_in_the_core():
        family = next(family for family in FAMILIES if hook in hook_names(family))
        promised = set(inspect.signature(getattr(family, hook)).parameters) - {"self"}
        if hook == "register_commands":
            promised = {"of_each"}
        if facts != promised:
            wrong.append(f"{path}: {hook} gets {sorted(facts)}, promised {sorted(promised)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_an_implementer_that_comes_with_the_marketplace(name: str) -> None:
    assert any(hasattr(each, name) for each in (funding, sharing, sample_plugin))


def test_every_hook_says_in_one_sentence_what_it_is_for() -> None:
    for family in FAMILIES:
        for name in hook_names(family):
            said = inspect.getdoc(getattr(family, name)) or ""
            assert said.endswith("."), name
            assert "\n" not in said, name


def test_each_slot_is_rendered_in_exactly_one_core_template() -> None:
    shown: dict[str, list[str]] = {str(slot): [] for slot in Slot}
    for path in tree.tracked_files():
        if path.parts[0] == "templates" and path.suffix == ".html":
            for name in SLOT.findall(tree.source(path)):
                shown.setdefault(name, []).append(str(path))
    assert {name: places for name, places in shown.items() if len(places) != 1} == {}


def test_the_documents_list_each_slot() -> None:
    text = tree.source(Path("docs/plugins/hooks.md")).partition("### `slot_fills")[2].partition("```")[0]
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", text)) == {str(slot) for slot in Slot}


def test_the_examples_of_the_documents_are_a_plugin_that_starts() -> None:
    """Every example runs as it stands, with what a plugin imports: misspelt hooks and arguments would stop here."""
    text = tree.source(Path("docs/plugins/hooks.md"))
    code = "\n".join(re.findall(r"(?s)```python\n(.*?)```", text))
    module = ModuleType("documented")
    module.__dict__.update({name: getattr(api, name) for name in api.__all__})
    exec(  # noqa: S102 - our own text
        "from datetime import timedelta\nfrom flask import Blueprint\nfrom sqlalchemy import text\n" + code,
        vars(module),
    )
    made = Hooks({"toys": module})
    assert [name for name in HOOKS if not made.implementations(name)] == []
    for name in hook_names(specs.Register):
        if name != "register_commands":
            assert list(made.implementations(name)[0][1]())


def test_what_a_plugin_may_import_is_what_the_api_names() -> None:
    assert sorted(api.__all__, key=str) == sorted(set(api.__all__))
    assert [name for name in api.__all__ if not hasattr(api, name)] == []


Site = tuple[Flask, Any, Factories]


@pytest.fixture
def site(make_app: Callable[..., Flask], sample: ModuleType) -> Iterator[Site]:
    """Give a site with the sample plugin alone, a logged-in member's client, and makers."""
    app = make_app(plugins=("sample",))
    with app.app_context():
        offer_loans(app)
        client = client_of(app)
        yield app, client, Factories()
        api.db.session.remove()


def test_the_front_page_is_put_in_the_order_that_a_plugin_prefers(site: Site) -> None:
    _app, client, factories = site
    owner = factories.user()
    for title in ("Alpha", "Beta", "Gamma"):
        factories.listing(owner, title=title, public_lat=52.37, public_lon=4.9)
    shown = re.findall(r"Alpha|Beta|Gamma", client.get("/").text)
    order = list(dict.fromkeys(shown))
    found = list(dict.fromkeys(re.findall(r"Alpha|Beta|Gamma", client.get("/discover?sort=near").text)))
    assert order == found[::-1]


def test_a_plugins_lines_are_part_of_what_an_agreement_costs(site: Site) -> None:
    _app, client, factories = site
    owner, member = factories.user(), factories.user()
    agreement = agreements.create(
        "lending", listing=factories.listing(owner), member_id=member.id, amount=Money(1000, "EUR"),
        terms={"thing": "A drill"}, actor=Actor(member.id, Role.MEMBER),
    )  # fmt: skip
    lines = agreement_page.price_lines(agreement)
    assert [line.amount.minor for line in lines] == [1000, 250]
    log_in(client, member)
    page = client.get(f"/agreements/{agreement.id}").text
    assert "Sample cleaning" in page
    assert "12.50" in page


def test_a_plugins_buttons_are_on_the_pages_of_listings_agreements_and_members(site: Site) -> None:
    _app, client, factories = site
    owner, member = factories.user(), factories.user()
    listing = factories.listing(owner)
    agreement = agreements.create(
        "lending", listing=listing, member_id=member.id, amount=None, terms={"thing": "A drill"},
        actor=Actor(member.id, Role.MEMBER),
    )  # fmt: skip
    log_in(client, member)
    assert f'action="/sample/listing/{listing.id}"' in client.get(f"/listings/{listing.id}-{listing.slug}").text
    assert f'action="/sample/agreement/{agreement.id}"' in client.get(f"/agreements/{agreement.id}").text
    assert f'href="/sample/publicmember/{owner.id}"' in client.get(f"/members/{owner.id}").text


def test_plugins_hear_what_members_do_and_guests_are_nobodys_business(site: Site, sample: ModuleType) -> None:
    _app, client, factories = site
    member, listing = factories.user(), factories.listing(title="A drill", slug="drill")
    client.get(f"/listings/{listing.id}-drill")
    client.get("/discover?q=drill")
    assert sample.HEARD == []
    log_in(client, member)
    client.get(f"/listings/{listing.id}-drill")
    client.get("/discover?q=drill")
    acts = [(who, verb, getattr(subject, "id", subject)) for _hook, who, (verb, subject) in sample.HEARD]
    assert acts == [(member.id, "looked", listing.id), (member.id, "searched", "drill")]


def test_a_campaigns_own_page_tells_that_it_was_looked_at(make_app: Callable[..., Flask], sample: ModuleType) -> None:
    app = make_app(plugins=("funding", "sample"))
    with app.app_context():
        member = Factories().user()
        listing = campaigns.create(member, facts={"title": "A garden"}, goal_minor=10_000, days=30)
        client = client_of(app)
        log_in(client, member)
        with app.test_request_context():
            address = url_for("funding.campaign", listing_id=listing.id, slug=listing.slug)
        assert client.get(address).status_code == 200
        assert [(verb, subject.id) for hook, _who, (verb, subject) in sample.HEARD if hook == "member_acted"] == [
            ("looked", listing.id)
        ]
        api.db.session.remove()


def test_plugins_hear_of_members_and_agreements(site: Site, sample: ModuleType) -> None:
    _app, client, factories = site
    form = {"name": "New", "email": "new@example.org", "password": "long enough words", "agree": "y"}
    assert client.post("/register", data=form).status_code in (200, 302, 303)
    assert [change for hook, _user, change in sample.HEARD if hook == "user_changed"] == ["registered"]
    owner, member = factories.user(), factories.user()
    agreement = agreements.create(
        "lending", listing=factories.listing(owner), member_id=member.id, amount=None, terms={"thing": "A drill"},
        actor=Actor(member.id, Role.MEMBER),
    )  # fmt: skip
    agreements.transition(agreement.id, "lend", Actor(owner.id, Role.OWNER))
    agreements.amend(agreement.id, Actor(owner.id, Role.OWNER), amount=None, terms={"thing": "Two drills"})
    heard = [change for hook, subject, change in sample.HEARD if hook == "agreement_changed"]
    assert heard == ["created", "lend", "amended"]


FILLS = """
@hookimpl
def register_blueprints():
    return [BlueprintAt(Blueprint("toys", __name__, template_folder={folder!r}))]
@hookimpl
def slot_fills(slot):
    return [SlotFill("toys/fill.html", {{"name": slot}})]
"""


def test_every_slot_gets_its_fill_and_the_fill_knows_the_subject(
    install: Install, make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "fill.html").write_text("<p>fill {{ name }} {{ subject.id }} {{ '<b>' }}</p>")
    install("toys", FILLS.format(folder=str(tmp_path)))
    app = make_app(plugins=("toys",))
    with app.app_context():
        offer_loans(app)
        factories, client = Factories(), client_of(app)
        owner, operator = factories.user(), factories.operator()
        listing = factories.listing(owner)
        agreement = agreements.create(
            "lending", listing=listing, member_id=factories.user().id, amount=None, terms={"thing": "A drill"},
            actor=Actor.system(),
        )  # fmt: skip
        log_in(client, operator)
        pages = {
            "/": {"home_main": ""},
            f"/listings/{listing.id}-{listing.slug}": {"listing_main": listing.id, "listing_aside": listing.id},
            f"/agreements/{agreement.id}": {"agreement_main": agreement.id, "agreement_aside": agreement.id},
            f"/members/{owner.id}": {"member_main": owner.id},
            "/account": {"account_main": operator.id},
            "/operator": {"operator_overview": ""},
        }
        for address, fills in pages.items():
            page = client.get(address, follow_redirects=True).text
            for name, subject in fills.items():
                assert f"<p>fill {name} {subject} &lt;b&gt;</p>" in page, address
        assert {name for fills in pages.values() for name in fills} == {str(slot) for slot in Slot}
        api.db.session.remove()


def test_a_template_that_fails_is_left_out_in_production_and_raised_in_tests(
    install: Install, make_app: Callable[..., Flask]
) -> None:
    install("toys", "@hookimpl\ndef slot_fills(slot):\n    return [SlotFill('nowhere.html')]\n")
    lenient = make_app(plugins=("toys",), environment="development")
    assert lenient.test_client().get("/").status_code == 200
    strict = make_app(plugins=("toys",))
    assert strict.test_client().get("/").status_code == 500


def test_the_marker_is_the_one_that_the_api_hands_out() -> None:
    assert api.hookimpl is hookimpl
