"""Counting SQL statements, because a page's cost shows in their number before it shows in time."""

from collections.abc import Iterator
from typing import Any, Self

from sqlalchemy import Engine, event

BOUNDARIES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


class Statements:
    """The statements that one engine sent within a block; where a transaction begins or ends does not count."""

    def __init__(self, engine: Engine) -> None:
        """Watch `engine` from the start of the `with` block."""
        self._engine = engine
        self._seen: list[str] = []

    def __enter__(self) -> Self:
        """Begin to watch."""
        event.listen(self._engine, "before_cursor_execute", self._record)
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop watching; what was seen stays."""
        event.remove(self._engine, "before_cursor_execute", self._record)

    def _record(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(BOUNDARIES):
            self._seen.append(statement)

    def __len__(self) -> int:
        """Return how many statements were sent."""
        return len(self._seen)

    def __iter__(self) -> Iterator[str]:
        """Go through the statements as sent."""
        return iter(self._seen)

    def __repr__(self) -> str:
        """Show the statements, so that a failing assertion tells which ones."""
        listed = "\n".join(f"{number}. {' '.join(text.split())}" for number, text in enumerate(self._seen, 1))
        return f"{len(self._seen)} statements:\n{listed}"
