"""Every family of pages of the filled neighbourhood: where it is, who looks at it, and what they did before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from playwright.sync_api import Page

from marketplace.testing.browser import press
from tests.browser.neighbourhood import Neighbourhood

CAMPAIGN = "select '/campaigns/' || id || '-' || slug from listing where slug = :slug"
AGREEMENT = """
    select '/agreements/' || a.id from agreement a join user u on u.id = a.member_id
    where a.state = :state and u.email = :who || '@example.org' order by a.id limit 1"""
PAYMENT = """
    select '/pay/' || p.id from payment p join user u on u.id = p.payer_id
    where p.state = :state and u.email = :who || '@example.org' order by p.id limit 1"""
NEWEST = {"payouts": "payout", "jobs": "job", "gateway": "gateway_event", "ledger/transactions": "ledger_txn"}
ITEM = "select id from listing where kind = 'item' and slug = :slug"
FIRST = "select '/' || kind || 's/' || id || '-' || slug from listing where kind = :kind order by id limit 1"
SHARED = (
    "bakfiets-met-regenhuif",
    "elektrische-deelauto-bes",
    "cordless-drill-with-two-batteries",
    "houtversnipperaar",
)
LIVE = "een-moestuin-achter-de-bibliotheek"


@dataclass(frozen=True)
class Place:
    """One page: its path, who looks (a person of the demo, or a guest), and what is done there before looking."""

    path: str
    who: str = ""
    act: Callable[[Page], object] | None = None


def send(page: Page) -> None:
    """Send the page's form as it stands."""
    press(page.locator("main form[method=post] :is(.button-primary, .button-danger, .button-l)").first)


def empty_and_send(page: Page) -> None:
    """Empty what can be typed and send the form: it comes back with its errors."""
    for box in page.locator("main form[method=post] input.input, main form[method=post] textarea").all():
        if box.is_editable() and box.get_attribute("type") != "file":
            box.fill("")
    send(page)
    page.locator("[aria-invalid=true], .error-summary").first.wait_for()


def to_the_bank(page: Page) -> None:
    """Go on to the payment provider's page, where a card is typed."""
    press(page.locator("main form[action$=cards] button"))
    page.locator("input[name=number]").wait_for()


def guests(site: Neighbourhood) -> Iterator[Place]:
    """What everybody can see."""
    yield Place("/")
    for query in ("", "?q=bakfiets&radius=5&sort=near", "?q=zeppelin", "?radius=99999"):
        yield Place("/discover" + query)
    listing = str(site.one("select id from listing where slug = 'bakfiets-voor-drie-kinderen'"))
    yield Place(f"/listings/{listing}-bakfiets-voor-drie-kinderen")
    for slug in (LIVE, "shared-workshop-the-big-saw", "repair-cafe-tools-for-good", "straatfeest-met-een-echt-podium"):
        yield Place(str(site.one(CAMPAIGN, slug=slug)))
    yield Place(f"/members/{site.one('select id from user where email = :email', email='ruben@example.org')}")
    for path in ("/login", "/register", "/forgot"):
        yield Place(path)
        yield Place(path, act=empty_and_send)
    for path in ("/register/sent", "/confirm", "/confirm/old", "/reset/old", "/nothing", "/demo/mail/"):
        yield Place(path)
    for path in ("/api/v1/docs", "/api/v1/problems/invalid_input"):
        yield Place(path)


def members(site: Neighbourhood) -> Iterator[Place]:
    """What a member finds behind their own name."""
    for path in ("", "/agreements", "/agreements?role=owner", "/listings", "/profile", "/payments", "/notifications"):
        yield Place(f"/account{path}", "fenna")
    for path in ("/sessions", "/tokens", "/password", "/email", "/close"):
        yield Place(f"/account{path}", "fenna")
    yield Place("/account", "willem")
    yield Place("/account/payments", "amira")
    yield Place("/account/email", "fenna", empty_and_send)
    for path in ("/messages", "/messages/1", "/notifications"):
        yield Place(path, "fenna")
    yield Place("/messages", "hugo")
    yield Place("/messages/1", "fenna", empty_and_send)
    listing = site.one("select id from listing where slug = 'bosch-hammer-drill-with-all-the-bits'")
    for path in ("report", "edit"):
        yield Place(f"/listings/{listing}/{path}", "fenna" if path == "report" else "ruben")
    for state, who in (("pledged", "fenna"), ("collected", "fenna"), ("released", "fenna"), ("retrying", "willem")):
        yield Place(str(site.one(AGREEMENT, state=state, who=who)), who)
    yield Place(str(site.one(AGREEMENT, state="pledged", who="fenna")) + "/cancel", "fenna")
    for state, who in (("succeeded", "fenna"), ("ready", "fenna"), ("declined", "willem")):
        yield Place(str(site.one(PAYMENT, state=state, who=who)), who)


def owners(site: Neighbourhood) -> Iterator[Place]:
    """What those see who share something, and those who back it."""
    listing = site.one("select id from listing where slug = 'bakfiets-voor-drie-kinderen'")
    live = site.one("select id from listing where slug = :slug", slug=LIVE)
    draft = site.one("select id from listing where slug = 'een-bank-om-op-te-wachten'")
    yield Place("/listings/new", "fenna")
    yield Place("/listings/new/notice", "fenna", empty_and_send)
    for path in ("", "/edit", "/pictures", "/remove"):
        yield Place(f"/listings/{listing}{path}", "fenna")
    yield Place("/campaigns/new", "fenna")
    yield Place("/campaigns/new", "fenna", empty_and_send)
    for path in ("manage", "edit", "rewards/new"):
        yield Place(f"/campaigns/{live}/{path}", "maud")
    yield Place(f"/campaigns/{live}/rewards/new", "maud", empty_and_send)
    yield Place(f"/campaigns/{draft}/manage", "hugo")
    yield Place(
        f"/campaigns/{site.one('select id from listing where slug = :s', s='een-roeiboot-voor-de-hele-kade')}/manage",
        "noor",
    )
    yield Place(f"/campaigns/{live}/pledge", "carla")
    yield Place(f"/campaigns/{live}/pledge", "carla", empty_and_send)
    yield Place(f"/campaigns/{live}/pledge", "fenna")
    yield Place("/account/payments", "carla", to_the_bank)


def sharers(site: Neighbourhood) -> Iterator[Place]:
    """What there is around items: the list and its map, one item of each kind, and all that a lender fills in."""
    for query in ("", "?now=1&from=2027-06-01&until=2027-06-03", "?until=2027-06-01", "?q=zeppelin"):
        yield Place("/items" + query)
    items = {slug: str(site.one(ITEM, slug=slug)) for slug in SHARED}
    rented, used = items[SHARED[0]], items[SHARED[1]]
    for number, slug in enumerate(SHARED):
        yield Place(f"/items/{items[slug]}-{slug}", "carla" if number else "")
    yield Place(f"/items/{rented}-{SHARED[0]}?month=2027-06", "carla")
    yield Place(f"/items/{rented}/book", "carla")
    yield Place("/items/new", "fenna")
    yield Place("/items/new", "fenna", empty_and_send)
    for path in ("manage", "edit", "rules", "hours", "units/new", "prices", "prices/rent"):
        yield Place(f"/items/{rented}/{path}", "fenna")
    for path in ("edit", "units/new"):
        yield Place(f"/items/{rented}/{path}", "fenna", empty_and_send)
    unit = site.one("select min(id) from sharing_unit where item_id = :item", item=rented)
    yield Place(f"/items/{rented}/units/{unit}", "fenna")
    yield Place(f"/items/{used}/manage", "daan")
    for kind, owner in (("request", "jin"), ("meal", "kofi")):
        path = str(site.one(FIRST, kind=kind))
        for who in ("", owner, "sanne"):
            yield Place(path, who)
    pool, whole = str(site.one(FIRST, kind="pool")), site.one(ITEM, slug="alles-voor-een-weekend-kamperen")
    for who in ("", "fenna", "peter", "lotte"):
        yield Place(pool, who)
    yield Place("/pools/new", "fenna", empty_and_send)
    yield Place(f"/pools/{site.one('select min(listing_id) from sharing_pool')}/edit", "fenna")
    for who in ("hugo", "noor"):
        yield Place(f"/items/{whole}/set", who)
    yield Place(f"/items/{whole}/set", "hugo", empty_and_send)
    yield Place(f"/items/{whole}-alles-voor-een-weekend-kamperen", "carla")
    order = site.one("select min(id) from agreement where kind = 'order'")
    yield Place(f"/agreements/{order}", "aisha")
    yield Place(f"/agreements/{order}", "kofi")


def buyers(site: Neighbourhood) -> Iterator[Place]:
    """What there is around a thing that can be bought: to a guest, a member, its owner, and operators."""
    bikes = site.one(ITEM, slug="kinderfietsen-die-te-klein-werden")
    for who in ("", "fenna", "sanne"):
        yield Place(f"/items/{bikes}-kinderfietsen-die-te-klein-werden", who)
        yield Place(f"/items/{bikes}/buy", who)
    for end in ("min", "max"):
        bought = site.one(f"select {end}(id) from agreement where kind = 'purchase'")
        yield Place(f"/agreements/{bought}", "sanne")
    yield Place("/sharing/loans?role=owner", "sanne")
    yield Place("/operator/sharing/purchases", "olga")


def operators(site: Neighbourhood) -> Iterator[Place]:
    """What those see who run the place."""
    for path in ("", "/search?q=fenna", "/members", "/listings", "/agreements", "/payments", "/payouts", "/ledger"):
        yield Place(f"/operator{path}", "olga")
    for path in (
        "/reports",
        "/reports/messages",
        "/jobs",
        "/jobs/recurring",
        "/gateway",
        "/plugins",
        "/settings",
        "/audit",
    ):
        yield Place(f"/operator{path}", "olga")
    for table in ("user", "listing", "agreement", "payment"):
        name = {"user": "members"}.get(table, f"{table}s")
        yield Place(f"/operator/{name}/{site.one(f'select max(id) from {table}')}", "olga")
    for name, table in NEWEST.items():
        yield Place(f"/operator/{name}/{site.one(f'select max(id) from {table}')}", "olga")
    member = site.one("select max(id) from user")
    yield Place(f"/operator/members/{member}/block", "olga")
    yield Place(f"/operator/members/{member}/block", "olga", empty_and_send)
    paid = site.one("select max(id) from payment where state = 'succeeded'")
    yield Place(f"/operator/payments/{paid}/refund", "olga")
