"""The process that starts all others: it loads the app once and forks, so that a start costs milliseconds, not a second.

It is told what to do line by line on its input, and ends everything when that input ends, however the run ended.
A forked process is killed like any other; what it had in memory is gone.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from marketplace import clock
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.database import db
from marketplace.jobs import worker
from marketplace.payments.gateways import stripe_gateway  # noqa: F401 - loaded here, once for all that are forked
from marketplace.sandbox.clock import Clock
from marketplace.sandbox.faults import Fault, Faults
from marketplace.sandbox.server import SandboxServer
from marketplace.testing.bank import API_KEY, WEBHOOK_SECRET
from tests.crash import broken
from tests.crash.shared_clock import SPEED, SharedClock

DEATH_OF_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_libc = ctypes.CDLL(None)

WARMING = ("/healthz", "/login", "/discover", "/api/v1/campaigns", "/api/v1/openapi.json")


class Gunicorn(BaseApplication):
    """The web server with the loaded app, as `--preload` does it."""

    def __init__(self, app: Flask, port: int) -> None:
        """Serve `app` on a port of loopback."""
        self.app = app
        self.port = port
        super().__init__()

    def load_config(self) -> None:
        """Set what the command line of docs/operate.md sets."""
        options = {
            "bind": f"127.0.0.1:{self.port}", "worker_class": "gthread", "workers": 2, "threads": 4, "preload_app": True,
            "loglevel": "error", "control_socket_disable": True, "graceful_timeout": 1,
        }  # fmt: skip
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Give the app."""
        return self.app


class Nursery:
    """Forks servers and workers on demand; each is a process group of its own."""

    def __init__(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Load the app for the environment's settings; `facts` are the ports, the seed and the variant."""
        self.folder = folder
        self.facts = facts
        self.groups: set[int] = set()
        self.clock = SharedClock(folder / "clock")
        set_clocks(self.clock)
        if facts["broken"]:
            broken.VARIANTS[facts["broken"]]()
        self.app = create_app(Settings.from_env())
        self.makers: Mapping[str, Callable[[], None]] = {"site": self.site, "worker": self.worker, "bank": self.bank}

    def warm(self) -> None:
        """Load what is loaded late by answering a few requests, and leave no connection to be shared by the children."""
        client = self.app.test_client()
        for path in WARMING:
            client.get(path)
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
        gc.collect()
        gc.freeze()  # pages that no collection touches stay shared

    def site(self) -> None:
        """Answer members and the bank's events."""
        Arbiter(Gunicorn(self.app, self.facts["site"])).run()

    def worker(self) -> None:
        """Do the jobs."""
        worker.Worker(self.app).run(idle_seconds=0.05)

    def bank(self) -> None:
        """Be the payment provider."""
        server = SandboxServer(
            self.folder / "bank.db",
            port=self.facts["bank"],
            api_keys=(API_KEY,),
            webhook=f"http://127.0.0.1:{self.facts['site']}/webhooks/stripe",
            webhook_secret=WEBHOOK_SECRET,
        )
        server.sandbox.faults.seed(self.facts["seed"])
        self._note_calls(server.sandbox.faults)
        server.run()

    def _note_calls(self, faults: Faults) -> None:
        """Write down of each call what went wrong with it, for the figures."""
        notes = os.open(self.folder / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        draw = faults.draw

        def drawn(operation: str) -> Fault | None:
            fault = draw(operation)
            os.write(notes, f"{fault.kind if fault else 'answered'}\n".encode())
            return fault

        faults.draw = drawn  # type: ignore[method-assign]

    def fork(self, kind: str) -> int:
        """Start a process of a kind and give its number."""
        pid = os.fork()
        if pid == 0:
            self._live(kind)
        with suppress(OSError):  # the child does the same, and may be gone already
            os.setpgid(pid, pid)
        self.groups.add(pid)
        return pid

    def reap(self, _signal: int, _frame: Any) -> None:
        """Bury the dead; their numbers may come round again, for processes that are not ours."""
        with suppress(ChildProcessError):
            while pid := os.waitpid(-1, os.WNOHANG)[0]:
                self.groups.discard(pid)

    def _live(self, kind: str) -> None:
        status = 1
        try:
            os.setpgid(0, 0)
            _libc.prctl(DEATH_OF_PARENT, signal.SIGKILL)  # should the nursery itself be killed
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            quiet = os.open(os.devnull, os.O_RDONLY)
            log = os.open(self.folder / f"{kind}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(quiet, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            self.makers[kind]()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)

    def end(self) -> None:
        """End every process that was started here."""
        for group in tuple(self.groups):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def set_clocks(shared: SharedClock) -> None:
    """Let the marketplace and the bank go by the run's clock, and what beats in real time beat as much faster."""
    clock.now = shared.now
    Clock.precise = lambda _self: shared.seconds()  # type: ignore[method-assign]
    worker.HEARTBEAT_SECONDS /= SPEED
    worker.SWEEP_SECONDS /= SPEED


def main() -> None:
    """Start what each line of the input names, and answer with its number; end everything at the end of the input."""
    folder = Path(sys.argv[1])
    nursery = Nursery(folder, json.loads(sys.argv[2]))
    nursery.warm()
    signal.signal(signal.SIGCHLD, nursery.reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then closes our input
    try:
        print("ready", flush=True)
        for line in sys.stdin:
            print(nursery.fork(line.strip()), flush=True)
    finally:
        nursery.end()


if __name__ == "__main__":
    main()
