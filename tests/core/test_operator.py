"""The operator's pages: whom they refuse, that each opens, how many statements each costs, and what can be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from marketplace.database import db, transaction
from marketplace.runtime import runtime
from marketplace.testing.bank import Bank
from marketplace.testing.clients import MarketplaceClient, client_of, page_text
from marketplace.testing.factories import Factories
from marketplace.testing.people import Auth
from marketplace.testing.statements import Statements
from tests.core.operator_world import Place, furnished, parked_event
from tests.core.payment_world import World

NUMBERS = {
    "member_id": "member",
    "listing_id": "listing",
    "agreement_id": "agreement",
    "payment_id": "payment",
    "payout_id": "payout",
    "dispute_id": "dispute",
    "debt_id": "debt",
    "event_id": "event",
    "transaction_id": "booking",
    "job_id": "job",
    "code": "account",
}
OTHERS = {"act": "dismiss", "kind": "jobs.prune", "position": "off"}
MOST = 16
"""Statements that the dearest page may cost, the log-in session and the header's counts among them."""


@pytest.fixture
def world(app: Flask, sandbox: Bank, factories: Factories) -> World:
    """Give a marketplace with a bank."""
    return World(app, sandbox, factories)


@pytest.fixture
def place(world: World, factories: Factories) -> Place:
    """Give a place with something of everything."""
    return furnished(world, factories)


def rules(app: Flask) -> list[Rule]:
    """Return every address of the operator's pages."""
    found = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("operator.")]
    assert len(found) > 30
    return found


def addresses(app: Flask, place: Place | None) -> Iterator[tuple[Rule, str]]:
    """Fill every address in: with what is there, or with ones."""
    acts = {"operator.member_act": "block", "operator.job_act": "retry", "operator.debt_act": "repay",
            "operator.outgoing_act": "pause"}  # fmt: skip
    with app.test_request_context():
        for rule in rules(app):
            values: dict[str, object] = {}
            for name in rule.arguments:
                if name == "report_id" and place:
                    message = "message" in rule.endpoint
                    values[name] = place.message_report if message else place.report
                elif name in NUMBERS:
                    values[name] = getattr(place, NUMBERS[name]) if place else "1"
                else:
                    values[name] = acts.get(rule.endpoint, OTHERS[name]) if name in OTHERS else 1
            yield rule, app.url_for(rule.endpoint, **values)  # type: ignore[arg-type]


def test_members_and_guests_are_refused_on_every_route(app: Flask, client: MarketplaceClient, auth: Auth) -> None:
    member = auth.client()
    for rule, address in addresses(app, None):
        for method in (rule.methods or set()) & {"GET", "POST"}:
            assert member.open(address, method=method).status_code == 403, (method, address)
            guest = client.open(address, method=method)
            assert guest.status_code == (302 if method == "GET" else 403), (method, address)
            assert "/login" in guest.headers.get("Location", "/login")


def test_an_operator_who_was_blocked_meanwhile_is_refused(client: MarketplaceClient, auth: Auth) -> None:
    operator = auth.operator()
    assert client.get("/operator").status_code == 200
    with transaction():
        db.session.get_one(type(operator), operator.id).state = "blocked"
    assert client.get("/operator").status_code in (302, 403)


def test_every_post_needs_a_token(app: Flask, client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    for rule, address in addresses(app, place):
        if "POST" in (rule.methods or set()):
            assert client.post(address, csrf=False).status_code == 400, address


def test_every_page_opens_within_its_statements_and_stays_out_of_caches(
    app: Flask, client: MarketplaceClient, auth: Auth, place: Place, statements: Callable[[], Statements]
) -> None:
    auth.operator()
    for rule, address in addresses(app, place):
        if "GET" not in (rule.methods or set()) or rule.endpoint == "operator.recurring_switch":
            continue
        client.get(address)
        with statements() as seen:
            answer = client.get(address)
        assert answer.status_code == 200, (address, page_text(answer)[:500])
        assert answer.headers["Cache-Control"] == "no-store"
        assert len(seen) <= MOST, (address, seen)


@pytest.mark.parametrize(
    "path", ["", "/members", "/listings", "/reports", "/gateway", "/jobs", "/audit", "/search?q=List"]
)
def test_more_rows_cost_no_more_statements(
    path: str,
    client: MarketplaceClient,
    auth: Auth,
    factories: Factories,
    statements: Callable[[], Statements],
) -> None:
    auth.operator()
    client.get(f"/operator{path}")
    with statements() as few:
        client.get(f"/operator{path}")
    for number in range(12):
        factories.listing()
        with transaction():
            db.session.add(parked_event(f"pi_{number}", number))
    with statements() as many:
        client.get(f"/operator{path}")
    assert len(many) == len(few), many


@pytest.mark.parametrize("path", ["members/1000", "listings/1000", "agreements/1000", "payments/1000", "payouts/1000",
                                  "gateway/1000", "ledger/transactions/1000", "ledger/accounts/none", "jobs/1000",
                                  "members/1000/block", "reports/1000/dismiss", "reports/messages/1000/remove",
                                  "payments/1000/refund", "jobs/recurring/none/off", "members/1/melt"])  # fmt: skip
def test_what_is_not_there_is_a_404(path: str, client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    assert client.get(f"/operator/{path}").status_code == 404


@pytest.mark.parametrize("query", ["before=x", "after=99999999999999999999", "before=-1", "state=nonsense", "kind=%00",
                                   "q=%25%5F%5C'\"", "q=%00", "_scheme=javascript&_external=1", "before=0", "after=999999",
                                   "actor=x", "before=5&after=2"])  # fmt: skip
def test_a_strange_address_shows_a_list_all_the_same(query: str, client: MarketplaceClient, auth: Auth) -> None:
    auth.operator()
    for path in ("members", "listings", "agreements", "payments", "payouts", "gateway", "ledger", "jobs", "audit",
                 "search", "reports", "reports/messages"):  # fmt: skip
        answer = client.get(f"/operator/{path}?{query}")
        assert answer.status_code == 200, path
        assert "javascript:" not in answer.get_data(as_text=True)


def test_lists_page_forth_and_back_by_key_and_keep_their_filters(
    client: MarketplaceClient, auth: Auth, factories: Factories
) -> None:
    auth.operator()
    for number in range(1, 106):
        factories.user(name=f"Paged {number:03}", place="Zwolle")
    first = client.get("/operator/members?q=Paged&state=active")
    assert "Paged 105" in page_text(first)
    assert "Paged 055" not in page_text(first)
    second = client.get(link_of(first, "next"))
    assert "Paged 055" in page_text(second)
    assert "Paged 056" not in page_text(second)
    third = client.get(link_of(second, "next"))
    assert "Paged 001" in page_text(third)
    assert 'rel="next"' not in third.get_data(as_text=True)
    again = client.get(link_of(third, "prev"))
    assert page_text(again).count("Paged 0") == page_text(second).count("Paged 0")
    assert "Paged 055" in page_text(again)
    top = client.get(link_of(again, "prev"))
    assert "Paged 105" in page_text(top)
    assert 'rel="prev"' not in top.get_data(as_text=True)


def link_of(answer: object, rel: str) -> str:
    """Return where a page's pager leads."""
    text = answer.get_data(as_text=True)  # type: ignore[attr-defined]
    found = text.split(f'rel="{rel}" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "q=Paged" in found
    assert "state=active" in found
    return str(found)


def test_one_box_finds_people_things_and_references(
    client: MarketplaceClient, auth: Auth, place: Place, world: World
) -> None:
    auth.operator()
    payer = db.session.get_one(type(world.owner), place.member)
    reference = world.attempts(world.fresh(payment_of(place)))[0].ref
    wanted = {
        payer.email: f"/operator/members/{payer.id}",
        "olaf own": f"/operator/members/{world.owner.id}",
        world.listing.title[:6].upper(): f"/operator/listings/{place.listing}",
        str(place.payment): f"/operator/payments/{place.payment}",
        f"#{place.agreement}": f"/operator/agreements/{place.agreement}",
        str(reference): f"/operator/payments/{place.payment}",
        "evt_parked1": f"/operator/gateway/{place.event}",
        f"{reference}:succeeded": f"/operator/ledger/transactions/{place.booking}",
        world.method_of(payer.id).ref: f"/operator/members/{payer.id}",
    }
    for q, address in wanted.items():
        found = client.get("/operator/search", query_string={"q": q}).get_data(as_text=True)
        assert f'href="{address}"' in found, q
    assert "Nothing found" in page_text(client.get("/operator/search?q=pi_nobody_knows"))


def payment_of(place: Place) -> object:
    """Return the charged payment."""
    from marketplace.payments.models import Payment  # only here

    return db.session.get_one(Payment, place.payment)


def test_the_overview_says_what_waits_and_what_is_wrong(
    client: MarketplaceClient, auth: Auth, place: Place, app: Flask
) -> None:
    auth.operator()
    page = page_text(client.get("/operator?look=again"))
    for text in (
        "Events of the payment provider that do not fit: 1",
        "Jobs that failed for good: 1",
        "Reports about listings: 1",
        "Reports about messages: 1",
        "Pay-outs that wait for a member's account: 1",
        "1 jobs failed for good",
        "agreements of the kind 'test' belong to a plugin that is off",
    ):
        assert text in page, text
    assert place.job


def test_lists_can_be_filtered(client: MarketplaceClient, auth: Auth, place: Place) -> None:
    auth.operator()
    for path, shown in {
        "payments?state=succeeded": True,
        "payments?state=declined": False,
        "payments?kind=unknown": False,
        "payments?q=Olaf": False,
        "listings?state=published": True,
        "listings?state=removed": False,
        "listings?kind=notice&q=listing": True,
        "agreements?phase=agreed": True,
        "agreements?phase=failed": False,
        f"agreements?member={place.member}": True,
        "payouts?state=waiting_account": True,
        "payouts?state=paid": False,
        "gateway?state=parked&q=payment_intent": True,
        "gateway?state=dead": False,
        "ledger?owner=agreement&q=held": True,
        "ledger?owner=member&q=held": False,
        "jobs?state=dead": True,
        "jobs?state=dead&q=mail": False,
        "members?role=operator": True,
        "members?state=blocked": False,
        "audit?action=none": False,
    }.items():
        page = client.get(f"/operator/{path}").get_data(as_text=True)
        assert ("<tbody>" in page) is shown, path


def test_without_payments_and_plugins_the_pages_still_open(make_app: Callable[..., Flask], auth_of: AuthOf) -> None:
    app = make_app(plugins=(), payments=False)
    client = auth_of(app)
    for path in ("", "/payments", "/payouts", "/gateway", "/ledger", "/plugins", "/settings", "/agreements"):
        answer = client.get(f"/operator{path}")
        assert answer.status_code == 200, path
    with app.app_context():
        assert not runtime().settings.payments


AuthOf = Callable[[Flask], MarketplaceClient]


@pytest.fixture
def auth_of() -> AuthOf:
    """Give a maker of operators' clients for any app."""

    def made(app: Flask) -> MarketplaceClient:
        with app.app_context():
            client = client_of(app)
            Auth(client, Factories()).operator()
            db.session.remove()
        return client

    return made
