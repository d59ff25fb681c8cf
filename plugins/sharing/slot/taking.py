"""The statement that takes a unit: it finds a free one and writes the row, with nothing between looking and taking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from sqlalchemy import bindparam, column, delete, text

from marketplace.api import Prepared, UtcDateTime, db, kept
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.slot import situation
from plugins.sharing.slot.answers import alternatives, is_own
from plugins.sharing.slot.refusals import Reason, SlotTaken, Why
from plugins.sharing.slot.rules import Rules
from plugins.sharing.slot.windows import Window


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be written: a hold until `expires_at`, or something firm; on any free unit, or on `unit_id`."""

    kind: str
    window: Window
    member_id: int | None = None
    agreement_id: int | None = None
    expires_at: datetime | None = None
    unit_id: int | None = None
    note: str = ""
    over_imported: bool = False


def take(wish: Wish, rules: Rules, now: datetime) -> Occupancy:
    """Write the row on the first unit that is free; the item is locked. Raises SlotTaken."""
    blocked = rules.blocked(wish.window)
    found = _insert(wish, rules.item_id, blocked, now)
    if found is not None:
        return found
    units = situation.read(rules.item_id, blocked, now, unit_id=wish.unit_id)
    for unit in units:
        for row in unit.rows:
            if is_own(row, wish.window, wish.member_id, now):
                return _own(row.id, wish)
    for unit in units:
        if _reason(unit, rules, wish, now) is None:
            forget(unit.lapsed(blocked, now))
            found = _insert(replace(wish, unit_id=unit.unit_id), rules.item_id, blocked, now)
            if found is not None:
                return found
    near = (
        alternatives(rules, wish.window, now, wish.member_id, unit_id=wish.unit_id)
        if wish.kind in ("hold", "booking")
        else []
    )
    raise SlotTaken(situation.why(units, rules, wish.window, now) or Why(Reason.TAKEN), near)


def _reason(unit: situation.Around, rules: Rules, wish: Wish, now: datetime) -> Reason | None:
    if wish.over_imported:
        unit = replace(unit, rows=[row for row in unit.rows if row.kind != "imported"])
    return unit.reason(rules, wish.window, now)


def _own(row_id: int, wish: Wish) -> Occupancy:
    """Give the member's hold of this very slot again, as a booking if that is the wish."""
    own = db.session.get_one(Occupancy, row_id, populate_existing=True)
    if wish.kind == "booking":
        own.kind, own.expires_at, own.agreement_id = "booking", None, wish.agreement_id
        db.session.flush()
    return own


def forget(lapsed: list[int]) -> None:
    """Remove holds whose time is over."""
    if lapsed:
        db.session.execute(delete(Occupancy).where(Occupancy.id.in_(lapsed)))


def _insert(wish: Wish, item_id: int, blocked: Window, now: datetime) -> Occupancy | None:
    window = wish.window
    values = {
        "item": item_id, "kind": wish.kind, "starts": window.starts_at, "ends": window.ends_at, "since": blocked.starts_at,
        "until": blocked.ends_at, "expires": wish.expires_at, "member": wish.member_id, "agreement": wish.agreement_id,
        "note": wish.note, "now": now,
    }  # fmt: skip
    if wish.unit_id is not None:
        values["unit"] = wish.unit_id
    sqlite = db.session.get_bind().dialect.name == "sqlite"
    by_member = wish.member_id is not None
    row = _statement(sqlite, wish.unit_id is not None, by_member, wish.over_imported).one(**values)
    if row is None:
        return None
    made = {
        "id": row.id, "unit_id": row.unit_id, "item_id": item_id, "kind": wish.kind, "starts_at": window.starts_at,
        "ends_at": window.ends_at, "blocked_from": blocked.starts_at, "blocked_until": blocked.ends_at,
        "expires_at": wish.expires_at, "agreement_id": wish.agreement_id, "member_id": wish.member_id, "calendar_id": None,
        "note": wish.note, "firm": True, "out_at": None, "returned_at": None, "created_at": now,
    }  # fmt: skip
    return kept.known(Occupancy, made)


@cache
def _statement(sqlite: bool, one_unit: bool, by_member: bool, over_imported: bool) -> Prepared:
    """Make the statement; on PostgreSQL a race that is lost at the constraint gives no row instead of an error.

    Firm rows of a unit never overlap, so the first that ends after the start is the only one that can be in the way. Asking
    for that one also lets PostgreSQL keep one plan: it planned anew each time when it was asked for a range.
    """
    which = "u.id = :unit AND u.item_id = :item" if one_unit else "u.item_id = :item AND u.active"
    here = "AND h.unit_id = :unit" if one_unit else ""
    soft = """AND NOT EXISTS (SELECT 1 FROM sharing_occupancy s WHERE s.unit_id = u.id AND NOT s.firm
        AND s.blocked_until > :since AND s.blocked_from < :until)"""
    own = f"""AND NOT EXISTS (SELECT 1 FROM sharing_occupancy h WHERE h.member_id = :member AND h.item_id = :item
        AND h.starts_at = :starts AND h.ends_at = :ends AND h.kind = 'hold' {here})"""
    made = text(f"""
        INSERT INTO sharing_occupancy (unit_id, item_id, kind, starts_at, ends_at, blocked_from, blocked_until, expires_at,
          agreement_id, member_id, note, firm, created_at)
        SELECT u.id, u.item_id, {_typed("kind", sqlite)}, {_typed("starts", sqlite)}, {_typed("ends", sqlite)},
          {_typed("since", sqlite)}, {_typed("until", sqlite)}, {_typed("expires", sqlite)}, {_typed("agreement", sqlite)},
          {_typed("member", sqlite)}, {_typed("note", sqlite)}, true, {_typed("now", sqlite)}
        FROM sharing_unit u WHERE {which}
          AND NOT EXISTS (SELECT 1 FROM (SELECT o.blocked_from FROM sharing_occupancy o WHERE o.unit_id = u.id AND o.firm
                            AND o.blocked_until > :since ORDER BY o.blocked_until LIMIT 1) AS next
                          WHERE next.blocked_from < :until)
          {"" if over_imported else soft}
          AND NOT EXISTS (SELECT 1 FROM sharing_occupancy l WHERE l.unit_id = u.id AND l.out_at IS NOT NULL
                          AND l.returned_at IS NULL AND l.ends_at <= :now)
          {own if by_member else ""}
        ORDER BY u.id LIMIT 1 {"" if sqlite else "ON CONFLICT DO NOTHING"}
        RETURNING id, unit_id""")
    instants = (bindparam(name, type_=UtcDateTime) for name in ("starts", "ends", "since", "until", "expires", "now"))
    return Prepared(made.bindparams(*instants).columns(column("id"), column("unit_id")))


TYPES = {"kind": "varchar", "note": "varchar", "agreement": "bigint", "member": "bigint"}


def _typed(name: str, sqlite: bool) -> str:
    """Name a value with its type, which PostgreSQL can't guess from a list of values."""
    return f":{name}" if sqlite else f"CAST(:{name} AS {TYPES.get(name, 'timestamptz')})"
