"""What one operation of the API is, what it gets and what it may answer."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from marketplace.api_v1.shapes import NoQuery
from marketplace.api_v1.tokens import Caller
from marketplace.users.models import User

HOLE = re.compile(r"\{(\w+)\}")
B = TypeVar("B")
Q = TypeVar("Q")


@dataclass(frozen=True, slots=True)
class Call(Generic[B, Q]):
    """One request as an operation sees it: who calls, what was sent, and under which conditions."""

    caller: Caller | None
    body: B
    query: Q
    key: str = ""
    """Names this very request of this member, 64 characters; random unless an Idempotency-Key was sent."""
    if_match: int | None = None

    @property
    def user(self) -> User:
        """Give the member; only for operations that ask for a token."""
        if self.caller is None:
            raise RuntimeError("an operation that is declared public has no user, only perhaps a viewer")
        return self.caller.user

    @property
    def viewer(self) -> User | None:
        """Give the member, or None for somebody without a token."""
        return self.caller.user if self.caller else None

    def version(self, sent: Any = None) -> int | None:
        """Give the version that the caller saw: from If-Match, or else from the body's field."""
        if self.if_match is not None:
            return self.if_match
        return sent if isinstance(sent, int) else None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with more than a body: the version of what it shows, where it is, or another status."""

    body: Any
    version: int | None = None
    location: str = ""
    status: int | None = None


@dataclass(frozen=True)
class Operation:
    """One operation of the API; everything that the document says of it."""

    method: str
    path: str
    handler: Callable[..., Any]
    tag: str
    scopes: tuple[str, ...] = ()
    public: bool = False
    query: type[Struct] = NoQuery
    body: type[Struct] | None = None
    upload: tuple[str, ...] = ()
    returns: Any = None
    media: str = ""
    """The answer is no JSON but a file of this type: the handler gives a finished response that no cache keeps."""
    status: int = 200
    errors: tuple[int, ...] = ()
    idempotency: Literal["", "optional", "required"] = ""
    outside: bool = False
    """No one transaction: it calls another machine, or reads and then takes its time; doing it twice must be harmless."""
    versioned: bool = False

    @property
    def name(self) -> str:
        """Give the name by which clients know it."""
        return self.handler.__name__

    @property
    def summary(self) -> str:
        """Give the first sentence of the handler's docstring."""
        return (inspect.getdoc(self.handler) or "").split("\n\n")[0].replace("\n", " ")

    @property
    def description(self) -> str:
        """Give the rest of the docstring."""
        return "\n\n".join((inspect.getdoc(self.handler) or "").split("\n\n")[1:])

    @property
    def parameters(self) -> tuple[str, ...]:
        """Name the holes in the path."""
        return tuple(HOLE.findall(self.path))

    @property
    def writes(self) -> bool:
        """Tell whether it may change something."""
        return self.method != "GET"

    @cached_property
    def body_optional(self) -> bool:
        """Tell whether the body may be left out, because no field of it is needed."""
        return self.body is not None and not any(each.required for each in msgspec.structs.fields(self.body))
