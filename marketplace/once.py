"""One form is one thing, also when it is sent twice at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError

from marketplace.database import in_transaction, transaction
from marketplace.errors import DomainError

T = TypeVar("T")


def once(find: Callable[[], T | None], make: Callable[[], T]) -> T:
    """Give what `find` gives, else what `make` gives, in one transaction; raises what `make` raises.

    Of two of the same at the same moment a unique index lets one through. The other may have been refused before it came to
    that, because what it wanted is taken: by its twin. So whatever refuses it, the twin is looked for once more.
    """
    try:
        with transaction():
            return find() or make()
    except (IntegrityError, DomainError):
        if in_transaction():  # whoever began it has to begin anew
            raise
        with transaction():
            found = find()
        if found is None:
            raise
        return found
