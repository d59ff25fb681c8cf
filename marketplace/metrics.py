"""The figures of `/metrics`, each asked from the database when somebody looks: true for all processes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from marketplace import clock
from marketplace.database import db
from marketplace.jobs import control
from marketplace.outgoing.models import OutgoingDelivery, OutgoingEndpoint
from marketplace.payments.inbox import oldest_waiting
from marketplace.payments.inbox_models import GatewayEvent

Samples = Iterable[tuple[dict[str, str], float]]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A figure: its name, what it says, its label names, and how to find out."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[], Samples]


GAUGES: dict[str, Gauge] = {}


def gauge(
    name: str, help: str, labels: tuple[str, ...] = ()
) -> Callable[[Callable[[], Samples]], Callable[[], Samples]]:
    """Register a function that gives (labels, value) pairs under `marketplace_<name>`; a second of one name is an error."""

    def register(read: Callable[[], Samples]) -> Callable[[], Samples]:
        if name in GAUGES:
            raise ValueError(f"the metric {name!r} exists already")
        GAUGES[name] = Gauge(f"marketplace_{name}", help, labels, read)
        return read

    return register


@gauge("jobs", "Background jobs that are not finished, and dead letters, by state.", ("state",))
def _jobs() -> Samples:
    seen = control.overview()
    for state in ("due", "scheduled", "running", "dead"):
        yield {"state": state}, getattr(seen, state)


@gauge("jobs_lag_seconds", "How long the longest-waiting due job has waited.")
def _lag() -> Samples:
    return [({}, control.overview().lag)]


@gauge("jobs_dead", "Background jobs that failed for good, by kind.", ("kind",))
def _dead() -> Samples:
    for kind, count in control.dead_by_kind():
        yield {"kind": kind}, count


@gauge("jobs_switched_off", "Recurring jobs whose kill switch is off, by kind.", ("kind",))
def _switched_off() -> Samples:
    return [({"kind": row.kind}, 1.0) for row in control.recurring_jobs() if not row.enabled]


@gauge("outgoing_webhooks_lag_seconds", "How long the oldest message to another system has been on its way.")
def _outgoing_lag() -> Samples:
    oldest = db.session.scalar(select(func.min(OutgoingDelivery.created_at)).where(OutgoingDelivery.state == "waiting"))
    return [({}, (clock.now() - oldest).total_seconds() if oldest else 0.0)]


@gauge("outgoing_webhooks_failing", "Other systems that do not take what they are sent, by state.", ("state",))
def _outgoing_failing() -> Samples:
    failing = select(OutgoingEndpoint.state, func.count()).where(
        OutgoingEndpoint.failures > 0, OutgoingEndpoint.state.in_(("active", "disabled"))
    )
    found = dict(db.session.execute(failing.group_by(OutgoingEndpoint.state)).all())
    return [({"state": state}, found.get(state, 0)) for state in ("active", "disabled")]


@gauge("gateway_inbox_lag_seconds", "How long the oldest event of the payment provider has not been dealt with.")
def _inbox_lag() -> Samples:
    oldest = oldest_waiting()
    return [({}, oldest.total_seconds() if oldest else 0.0)]


@gauge("gateway_events", "Events of the payment provider that an operator should look at, by state.", ("state",))
def _gateway_events() -> Samples:
    counted = select(GatewayEvent.state, func.count()).where(GatewayEvent.state.in_(("parked", "dead")))
    found = dict(db.session.execute(counted.group_by(GatewayEvent.state)).all())
    return [({"state": state}, found.get(state, 0)) for state in ("parked", "dead")]


class _Collector:
    """What prometheus-client asks for its figures."""

    def collect(self) -> Iterator[Any]:
        """Read every gauge."""
        from prometheus_client.core import GaugeMetricFamily  # only where figures are asked for

        for one in GAUGES.values():
            family = GaugeMetricFamily(one.name, one.help, labels=one.labels)
            for labels, value in one.read():
                family.add_metric([labels[name] for name in one.labels], value)
            yield family


def exposition() -> tuple[bytes, str]:
    """Give every figure in Prometheus' text format, and its content type."""
    from prometheus_client import CollectorRegistry, ProcessCollector  # as above
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector())
    ProcessCollector(registry=registry)
    return generate_latest(registry), CONTENT_TYPE_LATEST
