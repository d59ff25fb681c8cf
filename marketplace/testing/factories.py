"""Makers of rows for tests: sensible facts for everything that the test does not name."""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any, TypeVar

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.listings.models import Listing
from marketplace.users.models import User

Row = TypeVar("Row")

PASSWORD = "correct horse battery staple"


@cache
def password_hash() -> str:
    """Return a hash of PASSWORD that any verifier accepts and that costs little to check."""
    from argon2 import PasswordHasher  # only tests that make members need it

    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


class Factories:
    """Writes rows straight into the tables, each in a transaction of its own or in the caller's."""

    password = PASSWORD
    """The password of every member made here."""

    def __init__(self) -> None:
        """Start numbering at 1."""
        self._numbers = count(1)

    def user(self, **facts: Any) -> User:
        """Make a member with a confirmed address."""
        number = next(self._numbers)
        now = clock.now()
        values = {
            "email": f"member{number}@example.org",
            "name": f"Member {number}",
            "password_hash": password_hash(),
            "email_confirmed_at": now,
            "place": "Utrecht",
            "created_at": now,
        }
        return self._add(User(**{**values, **facts}))

    def operator(self, **facts: Any) -> User:
        """Make a member who runs the place."""
        return self.user(**{"role": "operator", "name": "Olga Operator", **facts})

    def listing(self, owner: User | None = None, **facts: Any) -> Listing:
        """Make a published listing of the kind `notice` without price, of `owner` or of a new member."""
        number = next(self._numbers)
        now = clock.now()
        values = {
            "kind": "notice",
            "owner_id": (owner or self.user()).id if "owner_id" not in facts else facts["owner_id"],
            "state": "published",
            "title": f"Listing {number}",
            "slug": f"listing-{number}",
            "summary": f"Summary of listing {number}",
            "body_md": f"Text of listing {number}",
            "body_html": f"<p>Text of listing {number}</p>",
            "place": "Utrecht",
            "lat": 52.0907,
            "lon": 5.1214,
            "public_lat": 52.09,
            "public_lon": 5.12,
            "currency": "EUR",
            "published_at": now,
            "created_at": now,
            "updated_at": now,
        }
        if facts.get("state") == "draft":
            values["published_at"] = None
        return self._add(Listing(**{**values, **facts}))

    def _add(self, row: Row) -> Row:
        with transaction():
            db.session.add(row)
        return row
