"""How an agreement and its history are written: four statements, spelled once. Only `agreements.service` calls them."""

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
_WRITE_TWO = Prepared(
    insert(_event).values(
        [{name: bindparam(name + number, type_=_event.c[name].type) for name in _LINE} for number in ("", "_2")]
    )
)
NOBODY = (None, "system")


def made(
    at: datetime, name: str, actor: tuple[int | None, str], ahead: tuple[str, str, str] | None = None, **facts: Any
) -> Agreement:
    """Write a new agreement with the first line of its history into the open transaction and give it.

    `ahead` is a move that this transaction will make yet, the state to which it leads, and that state's phase: the row and the
    history are written as they will be then, and the agreement says what it is until then.
    """
    values = {**facts, "terms_version": 1, "version": 1, "created_at": at, "updated_at": at}
    move, state, phase = ahead or (None, facts["state"], facts["phase"])
    moved_on = {"state": state, "phase": phase, "version": 2, "waits_until": None} if move else {}
    agreement = known(Agreement, {**values, "id": _INSERT.value(**{**values, **moved_on})})
    hold(agreement.id, agreement, made=True)
    first = _line(agreement, name, None, actor, "", {}, at)
    if move is None:
        _WRITE.run(**first)
        return agreement
    second = {**first, "seq": 2, "transition": move, "from_state": facts["state"], "to_state": state}
    second |= {"actor_id": NOBODY[0], "actor_role": NOBODY[1]}
    _WRITE_TWO.run(**first, **{f"{name}_2": value for name, value in second.items()})
    vars(agreement)["foretold"] = move
    return agreement


def came_true(
    agreement: Agreement, name: str, state: str, phase: str, actor: tuple[int | None, str], said: bool
) -> None:
    """Let an agreement that was written ahead say so; raises RuntimeError for any other move than the one foretold."""
    if name != agreement.foretold or actor != NOBODY or said:
        raise RuntimeError(f"agreement {agreement.id} was written as if {agreement.foretold!r} came next, not {name!r}")
    del vars(agreement)["foretold"]
    rewritten(agreement, {"state": state, "phase": phase, "version": 2, "waits_until": None})


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
    _WRITE.run(**_line(agreement, name, came_from, actor, note, data, at))


def _line(
    agreement: Agreement,
    name: str,
    came_from: str | None,
    actor: tuple[int | None, str],
    note: str,
    data: Mapping[str, Any],
    at: datetime,
) -> dict[str, Any]:
    # Every change raises the version by one and writes one line, so the version numbers the lines; the unique index on
    # both would refuse a line that broke this.
    return {
        "agreement_id": agreement.id,
        "seq": agreement.version,
        "transition": name,
        "from_state": came_from,
        "to_state": agreement.state,
        "actor_id": actor[0],
        "actor_role": actor[1],
        "note": note,
        "data": dict(data),
        "at": at,
    }
