"""CPU time of calls, measured in turns so that a busy machine spoils all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Subject:
    """Something to measure: `ready` prepares a call (not measured), which is then made and timed.

    `server` is the process id of the database server that works for it, if any: its CPU time counts too.
    """

    name: str
    ready: Callable[[], Callable[[], Any]]
    server: int | None = None
    burst: int = 4
    cpu: list[int] = field(default_factory=list)
    wall: list[int] = field(default_factory=list)

    @property
    def cpu_ms(self) -> float:
        """Give the median CPU milliseconds of one call, client and server together."""
        return statistics.median(self.cpu) / 1e6

    @property
    def per_second(self) -> float:
        """Give how many calls one worker makes in a second, by the median of the wall clock."""
        return 1e9 / statistics.median(self.wall)


def spent(server: int | None) -> int:
    """Give the nanoseconds of CPU time that this process and its server process have used."""
    used = time.process_time_ns()
    if server is not None:
        used += int(Path(f"/proc/{server}/schedstat").read_text().split()[0])
    return used


ENOUGH_NS, LEAST_CALLS = 3_000_000_000, 10


def measure(subjects: Sequence[Subject], rounds: int) -> None:
    """Call every subject some times per round, round after round; the first round only warms up.

    Rounds begin with one subject after the other: whoever comes first finds the caches as the collector left them. A slow
    subject is left alone once it has had its share of seconds and been called ten times.
    """
    for number in range(rounds + 1):
        first = number % len(subjects)
        for subject in (*subjects[first:], *subjects[:first]):
            if len(subject.wall) >= LEAST_CALLS and sum(subject.wall) > ENOUGH_NS:
                continue
            for _each in range(subject.burst):
                _once(subject, kept=number > 0)
        gc.collect()


def _once(subject: Subject, *, kept: bool) -> None:
    call = subject.ready()
    before, began = spent(subject.server), time.perf_counter_ns()
    call()
    wall, used = time.perf_counter_ns() - began, spent(subject.server) - before
    if kept:
        subject.cpu.append(used)
        subject.wall.append(wall)


class WrongAnswer(RuntimeError):
    """A page did not answer as it should, so its figure would mean nothing."""


@dataclass(slots=True)
class Answer:
    """What a WSGI application answered."""

    status: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def ask(wsgi: Any, environ: dict[str, Any], expected: str = "200") -> Answer:
    """Call a WSGI application as a server does and take in the whole answer; raises WrongAnswer."""
    answer = Answer()

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], Any]:
        answer.status, answer.headers = status, headers
        return lambda _data: None

    parts = wsgi(environ, start_response)
    try:
        answer.body = b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    if not answer.status.startswith(expected):
        raise WrongAnswer(
            f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}: {answer.status}\n{answer.body[:2000]!r}"
        )
    return answer


def environ(path: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> dict[str, Any]:
    """Write the WSGI environment of a request; headers are named as `HTTP_COOKIE` or `CONTENT_TYPE`."""
    address, _, query = path.partition("?")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": address,
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "HTTP_ACCEPT_LANGUAGE": "en-GB,en;q=0.7,nl;q=0.3",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **headers,
    }
