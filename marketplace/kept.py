"""Objects of rows that were read or written by `Prepared` statements, and the rows that the open transaction holds.

Only a busy way writes like this. What it writes into a row it also tells the row's object (`rewritten`), so that hooks
and everything after them see one and the same object, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from sqlalchemy.orm import make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state, manager_of_class, set_committed_value

from marketplace.database import HELD, db

Kept = TypeVar("Kept")


def known(kind: type[Kept], values: Mapping[str, Any]) -> Kept:
    """Give the object of a row that was just read or written, all of it in `values`, as if the session had loaded it."""
    manager: Any = manager_of_class(kind)
    made: Kept = manager.new_instance()
    vars(made).update(values)
    make_transient_to_detached(made)
    session = db.session()
    key: Any = instance_state(made).key
    there: Kept | None = session.identity_map.get(key)
    if there is None:
        session.add(made)
        return made
    rewritten(there, values)
    return there


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
