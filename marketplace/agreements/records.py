"""How an agreement and its history are written: three statements, spelled once. Only `agreements.service` calls them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, update

from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.kept import hold, known, rewritten
from marketplace.prepared import Prepared

_agreement, _event = cast(Table, Agreement.__table__), cast(Table, AgreementEvent.__table__)
_FACTS = (
    "kind", "listing_id", "owner_id", "member_id", "state", "phase", "amount_minor", "currency", "terms", "terms_version",
    "waits_until", "version", "created_at", "updated_at",
)  # fmt: skip
_MOVED = ("state", "phase", "version", "updated_at", "waits_until")
_LINE = ("agreement_id", "seq", "transition", "from_state", "to_state", "actor_id", "actor_role", "note", "data", "at")
_INSERT = Prepared(insert(_agreement).returning(_agreement.c.id), *_FACTS)
_MOVE = Prepared(update(_agreement).where(_agreement.c.id == bindparam("agreement")), *_MOVED)
_WRITE = Prepared(insert(_event), *_LINE)


def made(at: datetime, **facts: Any) -> Agreement:
    """Write a new agreement into the open transaction and give it."""
    values = {**facts, "terms_version": 1, "version": 1, "created_at": at, "updated_at": at}
    agreement = known(Agreement, {**values, "id": _INSERT.value(**values)})
    hold(agreement.id, agreement, made=True)
    return agreement


def moved(agreement: Agreement, state: str, phase: str, at: datetime) -> None:
    """Write a locked agreement's new state; what it waited for is over."""
    values = {"state": state, "phase": phase, "version": agreement.version + 1, "updated_at": at, "waits_until": None}
    _MOVE.run(agreement=agreement.id, **values)
    rewritten(agreement, values)


def written(
    agreement: Agreement,
    name: str,
    came_from: str | None,
    actor: tuple[int | None, str],
    note: str,
    data: Mapping[str, Any],
    at: datetime,
) -> None:
    """Add a line to an agreement's history; `actor` is who acted, and in what role."""
    # Every change raises the version by one and writes one line, so the version numbers the lines; the unique index on
    # both would refuse a line that broke this.
    _WRITE.run(
        agreement_id=agreement.id,
        seq=agreement.version,
        transition=name,
        from_state=came_from,
        to_state=agreement.state,
        actor_id=actor[0],
        actor_role=actor[1],
        note=note,
        data=dict(data),
        at=at,
    )
