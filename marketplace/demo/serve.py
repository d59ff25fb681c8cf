"""`marketplace demo`: one command that migrates, fills and runs site, worker and payment sandbox until it is ended."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from marketplace.config import Settings

KEY = "sk_test_sandbox"
PATIENCE = 20.0


@click.command("demo")
@click.option("--port", default=8000, show_default=True, help="Port of the site; the next free one when it is taken.")
@click.option("--fresh", is_flag=True, help="Throw the former demo away and begin anew.")
@click.option("--days-later", default=0.0, help="Let the demo's clock run this much further ahead than before.")
@click.option("--load-only", is_flag=True, help="Fill the database and end.")
def demo_command(port: int, fresh: bool, days_later: float, load_only: bool) -> None:
    """Run the whole marketplace with demo data; press Ctrl-C to end it."""
    folder = Settings.from_env(environment="development").instance_dir / "demo"
    with alone(folder):
        run(folder, port, fresh=fresh, days_later=days_later, load_only=load_only)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep the folder to one demo: two workers at one database, each with a bank of its own, would tell the books two stories.

    Raises ClickException when another one runs there; what holds the folder goes with the process that took it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(f"a demo is already running in {folder}; end it first (Ctrl-C)") from None
        yield


def run(folder: Path, port: int, *, fresh: bool, days_later: float, load_only: bool) -> None:
    """Start what a marketplace needs, fill it, and wait until somebody ends it."""
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    site, bank = free_port(port), free_port(12111)
    ahead = days_ahead(folder, days_later)
    environ = environment(folder, site, bank, ahead)
    running = Processes(environ)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        click.echo("Starting the payment sandbox …")
        running.start(
            "marketplace.sandbox", "--port", str(bank), "--database", str(folder / "sandbox.db"),
            "--webhook", f"http://127.0.0.1:{site}/webhooks/stripe", "--webhook-secret", webhook_secret(folder),
            "--days-ahead", str(ahead),
        )  # fmt: skip
        wait_for(bank)
        fill(environ)
        if load_only:
            return
        running.start("gunicorn", "--no-control-socket", "--worker-class", "gthread", "--threads", "8", "--workers", "1",
                      "--bind", f"127.0.0.1:{site}", "--log-level", "warning", "marketplace:create_app()")  # fmt: skip
        running.start("marketplace.cli", "jobs", "work")
        wait_for(site)
        welcome(site, bank if Settings.from_env(environ).takes("stripe") else None)
        running.wait()
    except KeyboardInterrupt:
        click.echo("\nEnding …")
    finally:
        running.end()


def days_ahead(folder: Path, more: float) -> float:
    """Move the demo's clock further ahead and give by how many days it is; it never goes back."""
    path = folder / "days_ahead"
    total = (float(path.read_text(encoding="ascii")) if path.exists() else 0.0) + max(0.0, more)
    path.write_text(str(total), encoding="ascii")
    return total


def environment(folder: Path, site: int, bank: int, ahead: float = 0.0) -> dict[str, str]:
    """Give the environment of the demo's processes."""
    ours = {
        "ENVIRONMENT": "demo",
        "INSTANCE_DIR": str(folder),
        "BASE_URL": f"http://127.0.0.1:{site}",
        "STRIPE_API_KEY": KEY,
        "STRIPE_API_BASE": f"http://127.0.0.1:{bank}",
        "STRIPE_WEBHOOK_SECRETS": webhook_secret(folder),
        "DAYS_AHEAD": str(ahead),
    }
    return {**os.environ, **{f"MARKETPLACE_{name}": value for name, value in ours.items()}}


def webhook_secret(folder: Path) -> str:
    """Make the secret that sandbox and site share, once per demo."""
    path = folder / "webhook_secret"
    if not path.exists():
        path.write_text(f"whsec_{secrets.token_hex(16)}", encoding="ascii")
        path.chmod(0o600)
    return path.read_text(encoding="ascii")


def fill(environ: dict[str, str]) -> None:
    """Migrate the database and, when nobody lives there yet, load the demo with a progress bar."""
    from marketplace.app import create_app
    from marketplace.demo import load
    from marketplace.hooks import lineages
    from marketplace.logs import quiet

    app = create_app(Settings.from_env(environ))
    lineages.upgrade_all(app)
    with app.app_context():
        if load.is_loaded():
            return
    quiet()
    started = time.monotonic()
    with click.progressbar(length=load.CORE_STEPS + plugin_steps(app), label="Filling the neighbourhood") as bar:
        load.load(app, lambda: bar.update(1))
    click.echo(f"Filled in {time.monotonic() - started:.1f} s")


def plugin_steps(app: Any) -> int:
    """Add up how many things the plugins' demos say they will make."""
    from marketplace.runtime import runtime

    return sum(getattr(module, "DEMO_STEPS", 0) for module in runtime(app).hooks.modules.values())


def free_port(wanted: int) -> int:
    """Give the wanted port, or the next free one."""
    for port in range(wanted, wanted + 100):
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise click.ClickException(f"no free port from {wanted} on")


def wait_for(port: int) -> None:
    """Wait until something listens."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise click.ClickException(f"nothing answers on port {port}")


class Processes:
    """The demo's own processes: when one of them or the command ends, all end."""

    def __init__(self, environ: dict[str, str]) -> None:
        """Start them all in this environment."""
        self.environ = environ
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, module: str, *arguments: str) -> None:
        """Run a module of this very Python."""
        command = [sys.executable, "-m", module, *arguments]
        self.running.append(subprocess.Popen(command, env=self.environ, start_new_session=True))  # noqa: S603

    def wait(self) -> None:
        """Wait until one of them ends."""
        while all(process.poll() is None for process in self.running):
            time.sleep(0.3)

    def end(self) -> None:
        """End them, the youngest first, and those that will not with force."""
        for process in reversed(self.running):
            process.terminate()
        for process in self.running:
            try:
                process.wait(8)
            except subprocess.TimeoutExpired:
                process.kill()


def welcome(site: int, bank: int | None) -> None:
    """Print where to look and how to log in; `bank` is the sandbox's port where cards are taken."""
    from marketplace.demo.people import DOMAIN, OPERATOR, PASSWORD, PEOPLE

    cards = (
        f"  Play bank:           http://127.0.0.1:{bank}   (move the clock, dispute, let things fail)\n"
        "  Card to pay with:    4242 4242 4242 4242, any date to come, any code\n"
    )
    click.echo(
        f"\n  The marketplace:     http://127.0.0.1:{site}\n"
        f"  Member:              {PEOPLE[0].key}@{DOMAIN}   password: {PASSWORD}\n"
        f"  Operator:            {OPERATOR.key}@{DOMAIN}    password: {PASSWORD}\n"
        f"  Mail that was sent:  http://127.0.0.1:{site}/demo/mail\n"
        f"{cards if bank else ''}"
        '\n  Ctrl-C ends it. To see a deadline pass: make demo ARGS="--days-later 31"\n'
    )
