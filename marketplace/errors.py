"""What can go wrong in a use case, in words that a page and an API answer can both show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """A use case could not be carried out; `message` may be shown to the person who asked."""

    status = 409
    code = "refused"
    members: Mapping[str, Any] = {}
    """What an API answer says beside code and message, ready for JSON: the extension members of RFC 9457, section 3.2."""

    def __init__(self, message: str, *, field: str | None = None, code: str | None = None) -> None:
        """Keep a readable message, the field it belongs to and a stable code for programs."""
        super().__init__(message)
        self.message = message
        self.field = field
        if code is not None:
            self.code = code


class Refused(DomainError):
    """A rule of the marketplace says no: a closed campaign, a sold-out reward, a state that doesn't allow this."""


class Conflict(DomainError):
    """Somebody else changed the same thing first."""

    code = "conflict"


class NotFound(DomainError):
    """There is no such thing, or none that this person may know of."""

    status = 404
    code = "not_found"


class Forbidden(DomainError):
    """The person may know that the thing exists, but not do this with it."""

    status = 403
    code = "forbidden"


class InvalidInput(DomainError):
    """One or more fields can't be accepted; `errors` maps each field to its message."""

    status = 422
    code = "invalid_input"

    def __init__(self, errors: Mapping[str, str], message: str | None = None) -> None:
        """Keep a message per field."""
        super().__init__(message or next(iter(errors.values())), field=next(iter(errors)))
        self.errors = dict(errors)
