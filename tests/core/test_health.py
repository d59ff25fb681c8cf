"""What watches the site: health, metrics and the doctor."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner
from sqlalchemy import text, update

from marketplace import clock, doctor
from marketplace.agreements.models import Agreement
from marketplace.database import db, transaction
from marketplace.health import newest_revision
from marketplace.hooks.lineages import head, lineages
from marketplace.hooks.types import HealthProblem
from marketplace.jobs import service
from marketplace.jobs.errors import GiveUp
from marketplace.jobs.models import Job
from marketplace.jobs.worker import drain
from marketplace.payments.models import Payment
from marketplace.runtime import runtime
from marketplace.settings.service import set_value
from marketplace.testing.clients import MarketplaceClient
from marketplace.testing.databases import TestDatabase
from marketplace.testing.factories import Factories
from tests.core.job_kinds import only_made_up

TOKEN = "a-long-token-for-prometheus"


@contextmanager
def behind() -> Iterator[None]:
    """Let the database look as if it had never been upgraded; put right afterwards, since no fixture does it."""
    newest = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    change = text("UPDATE alembic_version SET version_num = :revision")
    with transaction() as session:
        session.execute(change, {"revision": "0001_users"})
    try:
        yield
    finally:
        with transaction() as session:
            session.execute(change, {"revision": newest})


class TestHealth:
    """`/healthz`."""

    def test_a_migrated_site_is_well_and_costs_one_statement(
        self, client: MarketplaceClient, statements: Callable[[], Any]
    ) -> None:
        assert client.get("/healthz").json == {"status": "ok", "database": "ok"}
        with statements() as seen:
            assert client.get("/healthz").status_code == 200
        assert len(seen) == 1

    def test_a_database_that_is_behind_is_not_well_until_it_is_upgraded(
        self, app: Flask, client: MarketplaceClient
    ) -> None:
        with behind():
            answer = client.get("/healthz")
        assert (answer.status_code, answer.json) == (
            503,
            {"status": "error", "database": "ok", "migrations_behind": ["core"]},
        )
        assert client.get("/healthz").status_code == 200

    def test_an_empty_database_is_not_well(self, make_app: Callable[..., Flask], empty_database: TestDatabase) -> None:
        answer = make_app(database_url=empty_database.url).test_client().get("/healthz")
        assert answer.status_code == 503
        assert "core" in answer.get_json()["migrations_behind"]

    def test_a_database_that_is_away_is_not_well(self, make_app: Callable[..., Flask], tmp_path: Path) -> None:
        app = make_app(database_url=f"sqlite:///{tmp_path / 'no such folder' / 'x.db'}")
        answer = app.test_client().get("/healthz")
        assert (answer.status_code, answer.get_json()["database"]) == (503, "unreachable")

    def test_the_newest_revision_is_the_one_that_alembic_finds(self, app: Flask) -> None:
        for lineage in lineages():
            assert newest_revision(lineage.versions) == head(lineage)


class TestMetrics:
    """`/metrics`."""

    def test_figures_are_given_to_this_machine(self, app: Flask, client: MarketplaceClient) -> None:
        only_made_up(app)("note", lambda _payload: None)
        service.enqueue_many("note", [{}] * 3)
        with transaction() as session:
            session.execute(update(Job).values(run_at=clock.now() - timedelta(seconds=90)))
        answer = client.get("/metrics")
        text_of = answer.get_data(as_text=True)
        assert 'marketplace_jobs{state="due"} 3.0' in text_of
        assert 'marketplace_jobs{state="dead"} 0.0' in text_of
        assert 'marketplace_gateway_events{state="parked"} 0.0' in text_of
        assert "marketplace_gateway_inbox_lag_seconds 0.0" in text_of
        lag = next(line for line in text_of.splitlines() if line.startswith("marketplace_jobs_lag_seconds "))
        assert 90 <= float(lag.split()[1]) < 120
        assert answer.content_type.startswith("text/plain")

    @pytest.mark.parametrize(
        "facts",
        [
            {"environ_base": {"REMOTE_ADDR": "203.0.113.7"}},
            {"environ_base": {"REMOTE_ADDR": ""}},
            {"headers": {"X-Forwarded-For": "127.0.0.1"}},
            {"headers": {"Authorization": "Bearer wrong"}, "environ_base": {"REMOTE_ADDR": "203.0.113.7"}},
            {"headers": {"Authorization": f"Bearer {TOKEN}"}, "environ_base": {"REMOTE_ADDR": "203.0.113.7"}},
        ],
    )
    def test_a_stranger_finds_nothing(self, client: MarketplaceClient, facts: dict[str, Any]) -> None:
        assert client.get("/metrics", **facts).status_code == 404

    def test_who_has_the_token_gets_them_from_anywhere(self, make_app: Callable[..., Flask]) -> None:
        client = make_app(metrics_token=TOKEN).test_client()
        away = {"REMOTE_ADDR": "203.0.113.7"}
        good = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, environ_base=away)
        assert good.status_code == 200
        bad = client.get("/metrics", headers={"Authorization": "Bearer x"}, environ_base=away)
        assert bad.status_code == 404


def found(level: str) -> list[str]:
    db.session.rollback()
    return [problem.message for problem in doctor.problems() if problem.level == level]


class TestDoctor:
    """`flask doctor`."""

    @pytest.fixture(autouse=True)
    def quiet_plugins(self, app: Flask) -> None:
        """Let the plugins' own checks speak for themselves elsewhere."""
        only_made_up(app)

    def test_a_healthy_site_has_no_errors(self, runner: FlaskCliRunner) -> None:
        result = runner.invoke(args=["doctor"])
        assert result.exit_code == 0, result.output
        assert "error" not in result.output

    def test_an_error_ends_with_1_and_says_what_to_do(self, runner: FlaskCliRunner, app: Flask) -> None:
        with behind():
            result = runner.invoke(args=["doctor"])
        assert result.exit_code == 1
        assert "error: the tables of core" in result.output
        assert "marketplace upgrade" in result.output

    def test_production_needs_a_real_address_encryption_and_mail(
        self, make_app: Callable[..., Flask], tmp_path: Path
    ) -> None:
        with make_app(environment="production").app_context():
            errors = " ".join(found("error"))
        assert "without encryption" in errors
        assert "instead of being sent" in errors
        assert "mail would come from" in errors
        good = {"base_url": "https://b.example.org", "mail_url": "smtp://localhost", "mail_from": "b@b.example.org"}
        with make_app(environment="production", **good).app_context():
            assert found("error") == []

    def test_a_mail_address_and_a_secret_that_can_not_work_are_errors(self, make_app: Callable[..., Flask]) -> None:
        with make_app(mail_url="pigeon://loft", secret_key="short").app_context():
            errors = " ".join(found("error"))
        assert "MARKETPLACE_MAIL_URL" in errors
        assert "secret key" in errors

    def test_a_folder_that_can_not_be_written_is_an_error(self, make_app: Callable[..., Flask], tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with make_app(storage_dir=tmp_path / "file" / "media").app_context():
            assert any("pictures can't be kept" in error for error in found("error"))
        assert [name for name in os.listdir(tmp_path) if name.startswith(".doctor")] == []

    def test_jobs_that_wait_too_long_or_died_are_told(self, app: Flask) -> None:
        def hopeless(_payload: dict[str, Any]) -> None:
            raise GiveUp("broken")

        only_made_up(app)("note", hopeless)
        service.enqueue("note", {})
        drain(app)
        assert found("warning") == ["1 jobs failed for good"]
        service.enqueue("note", {})
        with transaction() as session:
            session.execute(update(Job).where(Job.state == "queued").values(run_at=clock.now() - timedelta(hours=1)))
        assert any("1 jobs wait, the oldest for 36" in error for error in found("error"))

    def test_agreements_and_money_of_a_plugin_that_is_off_are_told(self, app: Flask, factories: Factories) -> None:
        at = clock.now()
        listing, member = factories.listing(), factories.user()
        with transaction() as session:
            agreement = Agreement(
                kind="gone", listing_id=listing.id, owner_id=listing.owner_id, member_id=member.id,
                state="open", phase="active", terms={}, created_at=at, updated_at=at,
            )  # fmt: skip
            session.add(agreement)
        assert any("1 open agreements of the kind 'gone'" in told for told in found("warning"))
        assert found("error") == []
        with transaction() as session:
            payment = Payment(
                agreement_id=agreement.id, payer_id=agreement.member_id, payee_id=agreement.owner_id,
                amount_minor=2500, currency="EUR", state="succeeded", purpose="pledge", created_at=at,
                updated_at=at,
            )  # fmt: skip
            session.add(payment)
        assert any("2500 minor units of EUR are held" in told for told in found("error"))

    def test_a_plugins_own_findings_carry_its_name(self, app: Flask) -> None:
        here = runtime(app)
        calls = dict(here.hooks._calls)
        told = [HealthProblem("warning", "the tariff has a gap", "close it")]
        calls["health_problems"] = (("sample", lambda: told),)
        here.hooks._calls = calls
        assert "sample: the tariff has a gap" in found("warning")

    def test_an_empty_database_is_told_once_and_without_a_traceback(
        self, make_app: Callable[..., Flask], empty_database: TestDatabase
    ) -> None:
        app = make_app(database_url=empty_database.url)
        with app.app_context():
            result = app.test_cli_runner().invoke(args=["doctor"])
        assert result.exit_code == 1
        assert "Traceback" not in result.output
        assert "marketplace upgrade" in result.output
        assert result.output.count("the database can't answer") == 1


def test_a_site_without_a_provider_on_which_nobody_can_pay_is_a_warning(make_app: Callable[..., Flask]) -> None:
    def told(**changes: Any) -> bool:
        app = make_app(**changes)
        with app.app_context():
            return any("nobody can pay here" in problem.message for problem in doctor.problems())

    assert told(gateways=("offline",))
    assert not told(gateways=("offline",), payments=False)
    assert not told()
    with make_app(gateways=("offline",)).app_context():
        set_value("offline.desk", "The library, Tuesdays", None)
        assert not any("nobody can pay here" in problem.message for problem in doctor.problems())


def test_a_provider_of_whom_no_method_is_switched_on_is_a_warning_while_there_is_no_other_way(app: Flask) -> None:
    def told() -> bool:
        return any("no payment method of the provider" in problem.message for problem in doctor.problems())

    assert not told()
    set_value("payments.methods", " , ", None)
    assert told()
    set_value("offline.desk", "The library, Tuesdays", None)
    assert not told()


def test_a_site_in_production_without_a_provider_needs_no_secret_of_its_webhooks(
    make_app: Callable[..., Flask],
) -> None:
    facts = {"environment": "production", "base_url": "https://share.example.org"}
    for gateways, asked in (("offline",), False), (("stripe", "offline"), True):
        with make_app(gateways=gateways, stripe_webhook_secrets=(), **facts).app_context():
            assert asked == any("no event of the payment provider" in one.message for one in doctor.problems())
