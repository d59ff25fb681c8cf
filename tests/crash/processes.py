"""The run's side of the nursery: which processes there are, how they are killed, and that they all end."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from marketplace.config import Settings

PATIENCE = 60.0
WORKERS = 2


class Died(RuntimeError):
    """A process that should run does not."""


def free_port() -> int:
    """Give a port of loopback that nobody uses."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(what: Callable[[], Any], why: str, seconds: float = PATIENCE) -> Any:
    """Wait until something is so and give what it gave; raises TimeoutError that says what was waited for."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s in vain: {why}")
        time.sleep(0.01)
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs (and is not only waiting to be buried)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


def answers(port: int) -> bool:
    """Tell whether somebody listens there."""
    with closing(socket.socket()) as line:
        line.settimeout(2)
        return line.connect_ex(("127.0.0.1", port)) == 0


class Processes:
    """Site, workers and bank of one run; a context manager that leaves none of them behind."""

    def __init__(self, folder: Path, settings: Settings, ports: tuple[int, int], seed: int, broken: str = "") -> None:
        """Take the run's folder and settings; `ports` are the site's and the bank's."""
        self.folder = folder
        self.site_port, self.bank_port = ports
        self._settings = settings
        self._facts = {"site": ports[0], "bank": ports[1], "seed": seed, "broken": broken}
        self._nursery: subprocess.Popen[str] | None = None
        self.site = 0
        self.workers: list[int] = []
        self.kills: Counter[str] = Counter()

    def __enter__(self) -> Self:
        """Load the app."""
        with (self.folder / "nursery.log").open("w") as log:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "tests.crash.nursery", str(self.folder), json.dumps(self._facts)],
                env=environment(self._settings),
                cwd=Path(__file__).resolve().parents[2],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        if self._said() != "ready":
            self._nursery.communicate()
            raise Died("the app did not load: " + (self.folder / "nursery.log").read_text()[-2000:])
        return self

    def __exit__(self, *_error: object) -> None:
        """End all of them; the nursery kills what it started when its input ends."""
        if self._nursery is not None:
            self._nursery.communicate()
            for pid in (self.site, *self.workers):
                until(lambda pid=pid: not alive(pid), "a process that was killed is still there")

    def _said(self) -> str:
        assert self._nursery is not None
        assert self._nursery.stdout is not None
        return self._nursery.stdout.readline().strip()

    def _born(self, kind: str) -> int:
        assert self._nursery is not None
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(kind + "\n")
        self._nursery.stdin.flush()
        said = self._said()
        if not said.isdigit():
            raise Died("the nursery is gone: " + (self.folder / "nursery.log").read_text()[-2000:])
        return int(said)

    def start(self) -> None:
        """Start bank, site and workers."""
        self._born("bank")
        until(lambda: answers(self.bank_port), "the bank does not answer")
        self.site = self._born("site")
        until(lambda: answers(self.site_port), "the site does not answer")
        self.workers = [self._born("worker") for _number in range(WORKERS)]

    def servers(self) -> list[int]:
        """Give the processes that answer requests; the first process only watches over them."""
        try:
            with open(f"/proc/{self.site}/task/{self.site}/children", encoding="ascii") as file:
                return [int(pid) for pid in file.read().split() if alive(int(pid))]
        except FileNotFoundError:
            return []

    def kill_one(self, dice: random.Random, share: float) -> None:
        """Kill something: with the chance `share` a server's process, or every fifth time the whole site; else a worker."""
        if dice.random() >= share:
            self._kill(dice.choice(self.workers), "worker")
        elif (servers := self.servers()) and dice.random() < 0.8:
            self._kill(dice.choice(servers), "server")
        else:
            self._kill(self.site, "site")

    def _kill(self, pid: int, kind: str) -> None:
        try:
            (os.killpg if kind == "site" else os.kill)(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        else:
            self.kills[kind] += 1
        if kind == "site":
            until(lambda: not answers(self.site_port), "the killed site still answers")
            self.site = self._born("site")
        elif kind == "worker":
            self.workers[self.workers.index(pid)] = self._born("worker")

    def kill_workers(self) -> None:
        """Kill every worker and start none: the machine is off."""
        for pid in self.workers:
            os.kill(pid, signal.SIGKILL)
            self.kills["worker"] += 1
            until(lambda pid=pid: not alive(pid), "a killed worker still runs")

    def start_workers(self) -> None:
        """Start workers again after `kill_workers`."""
        self.workers = [self._born("worker") for _number in range(WORKERS)]


def environment(settings: Settings) -> dict[str, str]:
    """Give the environment that makes a process read these settings; coverage would only slow what is killed anyway."""
    facts = {
        "ENVIRONMENT": "test", "DATABASE_URL": settings.database_url, "INSTANCE_DIR": str(settings.instance_dir),
        "SECRET_KEY": settings.secret_key, "MAIL_URL": settings.mail_url, "STRIPE_API_KEY": settings.stripe_api_key,
        "STRIPE_API_BASE": settings.stripe_api_base, "STRIPE_WEBHOOK_SECRETS": ",".join(settings.stripe_webhook_secrets),
        "BASE_URL": settings.base_url, "PLUGINS": ",".join(settings.plugins),
    }  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    return {**inherited, **{f"MARKETPLACE_{name}": value for name, value in facts.items()}}
