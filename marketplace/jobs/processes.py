"""Several worker processes under one command: each a fork of the loaded app, begun again when it dies, ended together."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

from marketplace.logs import log_of

log = log_of(__name__)

BREATH_SECONDS = 1.0
"""A worker that dies at once is not begun again in a tight loop."""


def run_forked(count: int, work: Callable[[], None]) -> None:
    """Run `work` in `count` processes until SIGTERM or Ctrl-C, which each gets; returns when all have ended.

    The app must not have opened a connection yet: two processes can't share one.
    """
    children: set[int] = set()
    stopping = False

    def stop(_number: int, _frame: Any) -> None:
        nonlocal stopping
        stopping = True
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}

    def begin() -> None:
        child = _fork(work)
        children.add(child)
        if stopping:
            os.kill(child, signal.SIGTERM)  # it was not among those that were told

    try:
        for _number in range(count):
            begin()
        while children:
            child, status = _wait()
            children.discard(child)
            if not stopping:
                log.error("worker_process_ended", process=child, status=status)
                time.sleep(BREATH_SECONDS)
            if not stopping:
                begin()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait() -> tuple[int, int]:
    child, status = os.wait()  # begins anew by itself after a signal
    return child, os.waitstatus_to_exitcode(status)


def _fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        # Ctrl-C reaches the whole group; the parent tells us, once.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        work()
        status = 0
    except KeyboardInterrupt:
        status = 0  # told to stop before the work had begun to listen
    finally:
        os._exit(status)  # nothing of the parent's is cleaned up twice
    return child
