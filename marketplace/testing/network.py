"""Keeps a test run on this machine: a connection beyond loopback, or to a mail server of this machine, fails the test."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

MAIL_PORTS = frozenset({25, 465, 587})
"""A machine's own mail server would really deliver, so these are closed on loopback too; tests use free ports."""


class NetworkReached(BaseException):
    """A test tried to leave this machine; a BaseException, so that no retry or `except Exception` hides it."""


@contextmanager
def loopback_only() -> Iterator[list[str]]:
    """Refuse every connection and look-up beyond loopback within this process; yields what was refused.

    Sockets of the operating system's own (Chromium's, a child process's) are not covered: the browser fixture
    closes those by itself.
    """
    refused: list[str] = []
    restore: list[tuple[Any, str, Any]] = []

    def guard(owner: Any, name: str, target_of: Callable[..., tuple[Any, Any] | None]) -> None:
        original = getattr(owner, name)

        def guarded(*args: Any, **kwargs: Any) -> Any:
            target = target_of(*args, **kwargs)
            if target is not None and not _allowed(*target):
                refused.append(f"{name} to {target[0]!r} port {target[1]!r}")
                raise NetworkReached(f"a test tried to reach the network: {refused[-1]}")
            return original(*args, **kwargs)

        restore.append((owner, name, original))
        setattr(owner, name, guarded)

    guard(socket.socket, "connect", _connect_target)
    guard(socket.socket, "connect_ex", _connect_target)
    guard(socket.socket, "sendto", _sendto_target)
    guard(socket, "getaddrinfo", lambda host, port, *_rest, **_named: (host, port))
    guard(socket, "gethostbyname", lambda host: (host, None))
    try:
        yield refused
    finally:
        for owner, name, original in restore:
            setattr(owner, name, original)


def _connect_target(self: socket.socket, address: Any) -> tuple[Any, Any] | None:
    return (address[0], address[1]) if self.family in (socket.AF_INET, socket.AF_INET6) else None


def _sendto_target(self: socket.socket, *args: Any) -> tuple[Any, Any] | None:
    return _connect_target(self, args[-1])


def _allowed(host: Any, port: Any) -> bool:
    if str(port).isdigit() and int(port) in MAIL_PORTS:
        return False
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(str(name).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
