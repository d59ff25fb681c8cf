"""Runs the sandbox: a threaded HTTP server, and a thread that delivers webhooks and does what falls due."""

import logging
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from marketplace.sandbox.app import Sandbox, create_sandbox
from marketplace.sandbox.errors import LostResponse

log = logging.getLogger("marketplace.sandbox")

POLL_SECONDS = 0.25


class _Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1 (its server closes each connection after the answer), and is quiet."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; without this the second would wait for the client's word on the first.
    disable_nagle_algorithm = True
    timeout = 60

    def log(self, type: str, message: str, *args: Any) -> None:
        if type != "info":
            log.warning(message, *args)

    def run_wsgi(self) -> None:
        try:
            super().run_wsgi()
        except LostResponse:
            self.close_connection = True


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    # Joining the threads of kept connections would wait until their clients hang up.
    block_on_close = False
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that went away, or one whose answer we lost on purpose, is no error of ours.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError, ValueError)):
            super().handle_error(request, client_address)


class Worker(threading.Thread):
    """Delivers webhooks as soon as there are any, and looks four times a second for what is due."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(name="sandbox-worker", daemon=True)
        self._sandbox = sandbox
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.is_set():
            self._sandbox.bell.wait(POLL_SECONDS)
            self._sandbox.bell.clear()
            try:
                while self._sandbox.tick() and not self._stopping.is_set():
                    pass
            except Exception:  # one bad event must not end all deliveries
                log.exception("The sandbox's worker stumbled; it goes on.")
                self._stopping.wait(POLL_SECONDS)

    def stop(self) -> None:
        """End the thread after what it is doing."""
        self._stopping.set()
        self._sandbox.bell.set()
        self.join(timeout=15)


class SandboxServer:
    """A running sandbox on a port of loopback: `with SandboxServer() as bank: StripeClient(…, bank.url)`.

    Without `database` it lives in a directory that disappears with it; `background=False` leaves delivering to the
    caller (`bank.sandbox.tick()`), which makes tests exact; with `prompt` what is due is done before every answer.
    """

    def __init__(
        self,
        database: str | Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        background: bool = True,
        prompt: bool = False,
        **options: Any,
    ) -> None:
        self._directory = None if database else tempfile.TemporaryDirectory(prefix="sandbox-")
        place = Path(database) if database else Path(self._directory.name if self._directory else ".") / "sandbox.db"
        self.sandbox = create_sandbox(place, **options)
        self._server = _Server(host, port, self._promptly if prompt else self.sandbox, _Handler)
        self.url = f"http://{host}:{self._server.server_port}"
        self._background = background
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None

    def _promptly(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        while self.sandbox.tick():
            pass
        return self.sandbox(environ, start_response)

    def start(self) -> "SandboxServer":
        """Answer requests in a thread."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="sandbox-http", daemon=True
        )
        self._thread.start()
        self._start_worker()
        return self

    def run(self) -> None:
        """Answer requests in this thread until it is interrupted."""
        self._start_worker()
        try:
            self._server.serve_forever()
        finally:
            self.stop()

    def _start_worker(self) -> None:
        if self._background:
            self._worker = Worker(self.sandbox)
            self._worker.start()

    def stop(self) -> None:
        """End the threads, close the database, remove what was temporary."""
        if self._worker:
            self._worker.stop()
        if self._thread:
            self._server.shutdown()
            self._thread.join(timeout=15)
        self._server.server_close()
        self.sandbox.close()
        if self._directory:
            self._directory.cleanup()

    def __enter__(self) -> "SandboxServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
