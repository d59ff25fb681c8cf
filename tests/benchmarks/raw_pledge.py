"""A pledge by hand: the limits that a pledge through HTTP and through the API are compared with.

The same rows in the same tables, in one transaction: agreement, history, payment, pledge, the reward's stock, the campaign's
total; what else the marketplace writes (jobs, notices) is left out. "SQL" only sends the statements; "WSGI" first reads a form,
checks a signed token and finds the member by the session, and answers with a redirect.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode

from marketplace import clock
from tests.benchmarks.meter import Subject, ask, environ
from tests.benchmarks.raw import connect, rows_of, spelled
from tests.benchmarks.seed import MEMBER
from tests.benchmarks.site import Site

SECRET = b"only-for-the-benchmark"
FIND = """SELECT u.id, u.name FROM user_session s JOIN "user" u ON u.id = s.user_id
    WHERE s.revoked_at IS NULL AND s.expires_at > :now AND u.state = 'active' AND s.user_id = :member LIMIT 1"""
LOOK = """SELECT l.owner_id, l.state, c.state AS campaign_state, c.closes_at FROM funding_campaign c
    JOIN listing l ON l.id = c.listing_id WHERE c.listing_id = :campaign"""
TAKE = """UPDATE funding_reward SET taken = taken + 1 WHERE id = :reward AND (stock IS NULL OR taken < stock)
    RETURNING amount_minor"""
ADD = """UPDATE funding_campaign SET pledged_minor = pledged_minor + 1500, backers = backers + 1
    WHERE listing_id = :campaign AND state = 'live'"""
AGREEMENT = """INSERT INTO agreement
    (kind, listing_id, owner_id, member_id, state, phase, amount_minor, currency, terms, created_at, updated_at)
    VALUES ('pledge', :campaign, :owner, :member, 'pledged', 'agreed', 1500, 'EUR', '{"amount_minor": 1500}', :now, :now)
    RETURNING id"""
EVENT = """INSERT INTO agreement_event (agreement_id, seq, transition, to_state, actor_id, actor_role, data, at)
    VALUES (:agreement, 1, 'created', 'pledged', :member, 'member', '{}', :now)"""
PAYMENT = """INSERT INTO payment
    (agreement_id, payer_id, payee_id, purpose, amount_minor, currency, state, method_id, created_at, updated_at)
    VALUES (:agreement, :member, :owner, 'pledge', 1500, 'EUR', 'ready', :member, :now, :now) RETURNING id"""
PLEDGE = """INSERT INTO funding_pledge
    (agreement_id, campaign_id, member_id, reward_id, payment_id, amount_minor, nonce, counted, holds_stock)
    VALUES (:agreement, :campaign, :member, :reward, :payment, 1500, :nonce, true, true)"""


class RawPledges:
    """Pledges over a connection of the driver."""

    def __init__(self, site: Site) -> None:
        """Connect."""
        self.site = site
        self.connection = connect(site.url)
        self.sqlite = site.url.startswith("sqlite")
        self.dialect = "sqlite" if self.sqlite else "postgresql"
        self.numbers = itertools.count(1)

    def run(self, sql: str, values: dict[str, Any]) -> Any:
        """Send one statement."""
        return self.connection.execute(spelled(sql, self.dialect), values)

    def one(self, sql: str, values: dict[str, Any]) -> Any:
        """Send one statement and give its only row."""
        return rows_of(self.run(sql, values))[0]

    def place(self, campaign: int, member: int) -> int:
        """Write one pledge; gives the agreement's id."""
        now: Any = clock.now()
        values = {"campaign": campaign, "reward": campaign * 10, "member": member, "nonce": secrets.token_hex(12),
                  "now": now.strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else now}  # fmt: skip
        self.run("BEGIN IMMEDIATE" if self.sqlite else "BEGIN", {})
        values["owner"] = self.one(LOOK, values).owner_id
        self.one(TAKE, values)
        values["agreement"] = self.one(AGREEMENT, values).id
        self.run(EVENT, values)
        values["payment"] = self.one(PAYMENT, values).id
        self.run(PLEDGE, values)
        self.run(ADD, values)
        self.run("COMMIT", {})
        return int(values["agreement"])

    def wsgi(self, environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a form that was sent."""
        data = environment["wsgi.input"].read(int(environment["CONTENT_LENGTH"])).decode()
        form = {name: values[0] for name, values in parse_qs(data).items()}
        signed = hmac.new(SECRET, form["nonce"].encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signed, form["csrf_token"]):
            start_response("400 Bad Request", [("Content-Length", "0")])
            return []
        now: Any = clock.now()
        now = now.strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else now
        member = self.one(FIND, {"now": now, "member": MEMBER})
        agreement = self.place(int(form["campaign"]), member.id)
        start_response("303 See Other", [("Location", f"/agreements/{agreement}"), ("Content-Length", "0")])
        return []

    def ready_sql(self) -> Callable[[], Any]:
        """Prepare one pledge by statements alone."""
        campaign = next(self.site.campaigns)
        return lambda: self.place(campaign, MEMBER)

    def ready_wsgi(self) -> Callable[[], Any]:
        """Prepare one pledge by a form."""
        nonce = secrets.token_hex(12)
        token = hmac.new(SECRET, nonce.encode(), hashlib.sha256).hexdigest()
        fields = {"nonce": nonce, "csrf_token": token, "amount": "15", "campaign": str(next(self.site.campaigns))}
        request = environ("/pledge", method="POST", body=urlencode(fields).encode())
        return lambda: ask(self.wsgi, request, "303")


@contextmanager
def subjects(site: Site) -> Iterator[tuple[Subject, Subject]]:
    """Give both limits."""
    pledges = RawPledges(site)
    server = None if pledges.sqlite else pledges.connection.info.backend_pid
    try:
        yield Subject("wsgi", pledges.ready_wsgi, server, 2), Subject("sql", pledges.ready_sql, server, 2)
    finally:
        pledges.connection.close()
