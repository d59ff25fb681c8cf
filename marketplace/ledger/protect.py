"""Rights on PostgreSQL: a role with which the site runs and can add to the books, but change and remove nothing in them.

What the triggers refuse to everybody is refused to this role before they are asked; it also can't take a trigger away,
because the tables belong to another role. SQLite knows no roles: there the triggers guard the file itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text

from marketplace.database import db, is_sqlite

TABLES = ("ledger_account", "ledger_txn", "ledger_transfer")

FACTS = text("""
SELECT r.rolname, r.rolsuper, pg_has_role(r.oid, c.relowner, 'MEMBER') AS owns, current_schema() AS schema
FROM pg_roles r, pg_class c WHERE r.rolname = :role AND c.oid = 'ledger_transfer'::regclass
""")
RELATIONS = text("""
SELECT relname, relkind FROM pg_class WHERE relnamespace = current_schema()::regnamespace
AND relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY relname
""")


class NotProtectable(Exception):
    """The role can't be limited; the message says why and what to do."""


def protect(role: str) -> int:
    """Give a role just the rights that the site needs; what it had is taken away first. Returns the number of tables.

    Call it as the tables' owner, again after each upgrade that brings new tables. Raises NotProtectable.
    """
    if is_sqlite():
        raise NotProtectable("SQLite knows no roles; there triggers guard the file itself, against every program")
    with db.engine.begin() as connection:
        found = connection.execute(FACTS, {"role": role}).one_or_none()
        if found is None:
            raise NotProtectable(f"there is no role {role!r}; make it with: CREATE ROLE {role} LOGIN PASSWORD '…'")
        if found.rolsuper or found.owns:
            raise NotProtectable(
                f"the role {role!r} owns the tables or may do anything, so no right can be kept from it; "
                "let the site run as another one"
            )
        relations = connection.execute(RELATIONS).all()
        tables = [name for name, kind in relations if kind != "S"]
        sequences = [name for name, kind in relations if kind == "S"]
        for statement in _grants(role, found.schema, tables, sequences):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    return len(tables)


def may_change_books() -> bool:
    """Tell whether the role with which this site runs could change or remove what was booked, were it not for triggers."""
    if is_sqlite():
        return False
    asked = text(
        "SELECT bool_or(has_table_privilege(name, 'UPDATE, DELETE, TRUNCATE')) FROM unnest(CAST(:tables AS text[])) AS t (name)"
    )
    return bool(db.session.execute(asked, {"tables": [*TABLES, "ledger_part"]}).scalar())


def rights(table: str) -> str:
    """Name the rights that the site has on a table: the books are only added to, what was migrated is only read."""
    if table.startswith("ledger_"):
        return "SELECT, INSERT" if table in TABLES else "SELECT"
    if table.startswith("alembic_version"):
        return "SELECT"
    return "SELECT, INSERT, UPDATE, DELETE"


def _grants(role: str, schema: str, tables: list[str], sequences: list[str]) -> Iterator[str]:
    who, where = _quoted(role), _quoted(schema)
    yield f"GRANT USAGE ON SCHEMA {where} TO {who}"
    for table in tables:
        yield f"REVOKE ALL ON {where}.{_quoted(table)} FROM {who}"
        yield f"GRANT {rights(table)} ON {where}.{_quoted(table)} TO {who}"
    for sequence in sequences:
        yield f"GRANT USAGE ON SEQUENCE {where}.{_quoted(sequence)} TO {who}"


def _quoted(name: str) -> str:
    """Write a name so that it can be nothing but a name."""
    return '"' + name.replace('"', '""') + '"'
