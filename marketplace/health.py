"""For machines that watch the site: `/healthz` for load balancers and `/metrics` for Prometheus."""

from __future__ import annotations

import re
import secrets
from ipaddress import ip_address
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, jsonify, request
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from marketplace import metrics
from marketplace.database import db
from marketplace.hooks.lineages import lineages
from marketplace.runtime import runtime

blueprint = Blueprint("health", __name__)

NEWEST = "newest_revisions"
MIGRATED = "migrations_seen_current"
REVISION = re.compile(r"^(revision|down_revision)(?:\s*:[^=]+)?\s*=\s*[\"']([^\"']+)[\"']", re.MULTILINE)


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Answer 200 when the database answers and its migrations are this program's, else 503 and what is wrong."""
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            behind = behind_lineages(connection)
    except SQLAlchemyError:
        return jsonify(status="error", database="unreachable"), 503
    if behind:
        return jsonify(status="error", database="ok", migrations_behind=behind), 503
    return jsonify(status="ok", database="ok"), 200


def behind_lineages(connection: Connection) -> list[str]:
    """Name the lineages whose database state is not this program's newest; asks only until all were seen to be current."""
    if runtime().parts.get(MIGRATED):
        return []
    newest: dict[str, tuple[str, str]] = runtime().parts.setdefault(NEWEST, {})
    if not newest:
        newest.update({line.name: (line.version_table, newest_revision(line.versions)) for line in lineages()})
    behind = [name for name, (table, revision) in newest.items() if _present(connection, table) != revision]
    runtime().parts[MIGRATED] = not behind
    return behind


def newest_revision(versions: Path) -> str:
    """Read the newest revision out of a linear lineage's files; loading Alembic for it would cost each worker 5 MB."""
    revisions, followed = set(), set()
    for path in versions.glob("*.py"):
        found = dict(REVISION.findall(path.read_text(encoding="utf-8")))
        if "revision" in found:
            revisions.add(found["revision"])
            followed.add(found.get("down_revision"))
    return next(iter(revisions - followed), "")


def _present(connection: Connection, table: str) -> str | None:
    try:
        with connection.begin_nested():
            return str(connection.scalar(text(f"SELECT version_num FROM {table}")))
    except SQLAlchemyError:
        return None


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Give figures in Prometheus' text format, to this machine or to whoever has the token."""
    if not _may_read():
        abort(404)
    body, content_type = metrics.exposition()
    return current_app.response_class(body, content_type=content_type)


def _may_read() -> bool:
    token = runtime().settings.metrics_token
    given = request.authorization
    if token and given is not None and given.type == "bearer" and given.token:
        return secrets.compare_digest(given.token.encode(), token.encode())
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False  # a proxy on this machine speaks for somebody else
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
