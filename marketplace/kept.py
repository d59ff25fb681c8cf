"""Objects of rows that were read or written by `Prepared` statements, and the rows that the open transaction holds.

Only a busy way writes like this. What it writes into a row it also tells the row's object (`rewritten`), so that hooks
and everything after them see one and the same object, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import inspect
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from marketplace.database import HELD, db

Kept = TypeVar("Kept")


def known(kind: type[Kept], values: Mapping[str, Any]) -> Kept:
    """Give the object of a row that was just read or written; a column that `values` leaves out is read when it is asked for."""
    session = db.session()
    mapper, primary, missing = _plan(cast("Any", kind), frozenset(values))
    key = mapper.identity_key_from_primary_key(tuple([values[name] for name in primary]))
    there: Kept | None = session.identity_map.get(key)
    if there is not None:
        rewritten(there, values)
        return there
    # What the session does with a row that it loads itself. Its own way to take in an object made elsewhere looks through
    # all that the object might bring along, which takes longer than the database took for the row.
    made: Kept = mapper.class_manager.new_instance()
    vars(made).update(values)
    state: Any = instance_state(made)
    state.key, state.session_id = key, session.hash_key
    session.identity_map.add(state)
    if missing:
        session.expire(made, missing)
    return made


def apart(kind: type[Kept], values: Mapping[str, Any]) -> Kept:
    """Give an object of a row that the session is not to know, and which nobody writes back."""
    made: Kept = _plan(cast("Any", kind), frozenset(values))[0].class_manager.new_instance()
    vars(made).update(values)
    return made


@cache
def _plan(kind: type, given: frozenset[str]) -> tuple[Mapper[Any], tuple[str, ...], tuple[str, ...]]:
    """Give how a kind of row is mapped, and the names of its primary key and of the columns that are not given."""
    mapper: Mapper[Any] = inspect(kind)
    primary = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
    return mapper, primary, tuple(column.key for column in mapper.column_attrs if column.key not in given)


def rewritten(row: Any, values: Mapping[str, Any]) -> None:
    """Let an object that the session knows say what was just written into its row."""
    for name, value in values.items():
        set_committed_value(row, name, value)


def hold(row_id: int, row: Any, *, made: bool = False) -> None:
    """Note that the open transaction made or locked a row, which is changed through this object only."""
    rows = db.session.info.get(HELD)
    if rows is not None:
        rows[type(row), row_id] = (row, made)


def held(kind: type[Kept], row_id: int) -> Kept | None:
    """Give the object of a row that this very transaction has made or locked: nobody else can have changed it since."""
    row, _made = db.session.info.get(HELD, {}).get((kind, row_id), (None, False))
    return cast("Kept | None", row)


def made_now(kind: type, row_id: int) -> bool:
    """Tell whether this very transaction has made the row, so that nothing belongs to it which it did not make too."""
    return bool(db.session.info.get(HELD, {}).get((kind, row_id), (None, False))[1])
