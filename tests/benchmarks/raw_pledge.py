"""A pledge by hand: the handlers that run the bare SQL, with which a pledge through HTTP and through the API is compared.

They leave the same rows behind in one transaction, reward, agreement with both lines of its history, payment by the saved
card, pledge, the campaign's total, both notices, the mail's job, and for the API the answer kept under its key, and read what
a careful hand would: who asks, by the session's or token's hash; campaign, listing, the own pledge, whether this form was sent
before, and the card, in one row. Each row is written once, in its last state, and nothing else is done: no hooks, settings,
languages, objects or fee rules. "SQL" only sends the statements; "WSGI" does so in a bare function that reads the form and
checks a signed token; "view" is a view of Flask, with its route, form, signed cookie and redirect, since ours is one, too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from flask import Flask, Response, abort, redirect, request, session

from marketplace import clock
from marketplace.users.sessions import token_hash
from tests.benchmarks import raw_pledge_sql as sql
from tests.benchmarks.meter import Subject, ask, environ
from tests.benchmarks.raw import connect, rows_of, spelled
from tests.benchmarks.seed import MEMBER
from tests.benchmarks.site import Site

SECRET = b"only-for-the-benchmark"
FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}


def signature(text: str) -> str:
    """Sign a form's token."""
    return hmac.new(SECRET, text.encode(), hashlib.sha256).hexdigest()


class RawPledges:
    """Pledges over a connection of the driver."""

    def __init__(self, site: Site) -> None:
        """Connect, and make the Flask app."""
        self.site = site
        self.connection = connect(site.url)
        self.sqlite = site.url.startswith("sqlite")
        self.dialect = "sqlite" if self.sqlite else "postgresql"
        with site.app.app_context():
            serializer = site.app.session_interface.get_signing_serializer(site.app)  # type: ignore[attr-defined]
        self.browser = token_hash(serializer.loads(site.visitor.cookie.removeprefix("session="))["_user_id"])
        self.token = hashlib.sha256(site.visitor.token.encode()).hexdigest()
        self.app = self.flask_app()

    def run(self, statement: str, values: dict[str, Any]) -> Any:
        """Send one statement."""
        return self.connection.execute(spelled(statement, self.dialect), values)

    def one(self, statement: str, values: dict[str, Any]) -> Any:
        """Send one statement and give its only row."""
        return rows_of(self.run(statement, values))[0]

    def at(self, moment: datetime) -> Any:
        """Write an instant as the driver wants it."""
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f") if self.sqlite else moment

    def asking(self, statement: str, hashed: str) -> int:
        """Find out who asks."""
        return int(self.one(statement, {"hash": hashed, "now": self.at(clock.now())}).id)

    def place(self, campaign: int, member: int, nonce: str, key: str | None = None) -> int:
        """Write one pledge in one transaction; gives the agreement's id. With `key`, the answer is kept, too."""
        values = {"campaign": campaign, "reward": campaign * 10, "member": member, "nonce": nonce, "method": member,
                  "now": self.at(clock.now()), "amount": 1500, "key": key}  # fmt: skip
        self.run("BEGIN IMMEDIATE" if self.sqlite else "BEGIN", {})
        if key is not None:
            self.one(sql.CLAIM, values)
        seen = self.one(sql.LOOK, values)
        if seen.state != "published" or seen.campaign_state != "live" or seen.standing or seen.sent or not seen.card:
            raise RuntimeError("this campaign can't be backed")
        values["owner"] = seen.owner_id
        reward = self.one(sql.TAKE, values)
        terms = {"amount_minor": 1500, "currency": "EUR", "goal_minor": seen.goal_minor, "closes_at": str(seen.closes_at),
                 "zone": seen.zone, "reward": {"id": campaign * 10, "title": reward.title, "amount_minor": reward.amount_minor,
                 "description": reward.description, "delivery": None}}  # fmt: skip
        values["terms"] = json.dumps(terms)
        values["agreement"] = agreement = self.one(sql.AGREEMENT, values).id
        self.run(sql.EVENTS, values)
        values["payment"] = self.one(sql.PAYMENT, values).id
        self.run(sql.PLEDGE, values)
        self.run(sql.ADD, values)
        facts = {"title": seen.title, "amount": {"$money": [1500, "EUR"]}}
        mail = {"template": "funding.pledged", "params": facts, "token": secrets.token_hex(12), "at": str(values["now"]),
                "user_id": member, "kind": "funding.pledged", "url": f"/agreements/{agreement}"}  # fmt: skip
        values |= {"facts": json.dumps(facts), "url": f"/agreements/{agreement}", "mail": json.dumps(mail)}
        self.run(sql.NOTICES, values)
        self.run(sql.JOB, values)
        if key is not None:
            self.run(sql.KEEP, {**values, "body": json.dumps({"id": agreement, "terms": terms})})
        self.run("COMMIT", {})
        return int(agreement)

    def wsgi(self, environment: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a form that was sent."""
        data = environment["wsgi.input"].read(int(environment["CONTENT_LENGTH"])).decode()
        form = {name: values[0] for name, values in parse_qs(data).items()}
        if not hmac.compare_digest(signature(form["nonce"]), form["csrf_token"]):
            start_response("400 Bad Request", [("Content-Length", "0")])
            return []
        member = self.asking(sql.BY_SESSION, environment["HTTP_COOKIE"])
        agreement = self.place(int(form["campaign"]), member, form["nonce"])
        start_response("303 See Other", [("Location", f"/agreements/{agreement}"), ("Content-Length", "0")])
        return []

    def flask_app(self) -> Flask:
        """Make a Flask app with a view for the form and one for programs."""
        app = Flask("raw_pledge")
        app.secret_key = SECRET

        @app.post("/campaigns/<int:campaign>/pledge")
        def by_form(campaign: int) -> Any:
            if not hmac.compare_digest(signature(session["csrf_token"]), request.form["csrf_token"]):
                abort(400)
            member = self.asking(sql.BY_SESSION, session["_user_id"])
            agreement = self.place(campaign, member, request.form["nonce"])
            return redirect(f"/agreements/{agreement}", 303)

        @app.post("/api/v1/campaigns/<int:campaign>/pledges")
        def by_program(campaign: int) -> Any:
            member = self.asking(
                sql.BY_TOKEN, hashlib.sha256(request.headers["Authorization"][7:].encode()).hexdigest()
            )
            wish = request.get_json()
            key = request.headers["Idempotency-Key"]
            agreement = self.place(campaign, member, hashlib.sha256(key.encode()).hexdigest(), key)
            body = {"id": agreement, "amount": wish["amount"], "state": "pledged"}
            return Response(json.dumps(body), 201, mimetype="application/json")

        return app

    def ready_sql(self) -> Callable[[], Any]:
        """Prepare one pledge by statements alone."""
        campaign = next(self.site.campaigns)
        return lambda: self.place(campaign, MEMBER, secrets.token_hex(12))

    def ready_wsgi(self) -> Callable[[], Any]:
        """Prepare one pledge by a form, for the bare function."""
        nonce = secrets.token_hex(12)
        fields = {
            "nonce": nonce,
            "csrf_token": signature(nonce),
            "amount": "15",
            "campaign": str(next(self.site.campaigns)),
        }
        request = environ("/pledge", method="POST", body=urlencode(fields).encode(), HTTP_COOKIE=self.browser, **FORM)
        return lambda: ask(self.wsgi, request, "303")

    def ready_view(self) -> Callable[[], Any]:
        """Prepare one pledge by a form, for Flask's view."""
        campaign = next(self.site.campaigns)
        fields = {"nonce": secrets.token_hex(12), "csrf_token": signature("c" * 40), "amount": "15",
                  "reward": str(campaign * 10), "method": str(MEMBER)}  # fmt: skip
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        cookie = serializer.dumps({"_user_id": self.browser, "csrf_token": "c" * 40, "_fresh": True})
        body = urlencode(fields).encode()
        request = environ(
            f"/campaigns/{campaign}/pledge", method="POST", body=body, HTTP_COOKIE=f"session={cookie}", **FORM
        )
        return lambda: ask(self.app.wsgi_app, request, "303")

    def ready_program(self) -> Callable[[], Any]:
        """Prepare one pledge by JSON, for Flask's view."""
        campaign = next(self.site.campaigns)
        wish = {"amount": {"minor": 1500, "currency": "EUR"}, "reward_id": campaign * 10, "method_id": MEMBER}
        request = environ(
            f"/api/v1/campaigns/{campaign}/pledges",
            method="POST",
            body=json.dumps(wish).encode(),
            CONTENT_TYPE="application/json",
            HTTP_AUTHORIZATION=f"Bearer {self.site.visitor.token}",
            HTTP_IDEMPOTENCY_KEY=secrets.token_hex(16),
        )
        return lambda: ask(self.app.wsgi_app, request, "201")


@contextmanager
def subjects(site: Site) -> Iterator[dict[str, Subject]]:
    """Give all limits by their names: view, program, wsgi, sql."""
    pledges = RawPledges(site)
    server = None if pledges.sqlite else pledges.connection.info.backend_pid
    ways = {"view": pledges.ready_view, "program": pledges.ready_program, "wsgi": pledges.ready_wsgi,
            "sql": pledges.ready_sql}  # fmt: skip
    try:
        yield {name: Subject(name, ready, server, 2) for name, ready in ways.items()}
    finally:
        pledges.connection.close()
