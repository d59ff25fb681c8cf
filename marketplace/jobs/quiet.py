"""Work that mails nobody: what is only caught up on is booked and listed, but it is no news for anybody's mailbox.

Being quiet is handed on: a job that quiet work asks for is quiet too, and so is what that job asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_quiet: ContextVar[bool] = ContextVar("marketplace_quiet", default=False)


def is_quiet() -> bool:
    """Tell whether the work at hand must not cause mail."""
    return _quiet.get()


@contextmanager
def quietly(quiet: bool = True) -> Iterator[None]:
    """Let the block, and every job that it asks for, cause no mail; with False it may, whatever is around it."""
    token = _quiet.set(quiet)
    try:
        yield
    finally:
        _quiet.reset(token)
