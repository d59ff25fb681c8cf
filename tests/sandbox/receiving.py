"""A shop that is sent webhooks: keeps what arrives, and answers what it is told to."""

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe


@dataclass
class Arrived:
    """One webhook, as it came."""

    body: bytes
    signature: str

    def event(self, secret: str) -> stripe.Event:
        """Return the event, verified with the SDK. Raises SignatureVerificationError."""
        return stripe.Webhook.construct_event(self.body, self.signature, secret)


class Receiver:
    """A small server on loopback; `answers` are the statuses to give, in turn, then 200."""

    def __init__(self) -> None:
        self.arrived: list[Arrived] = []
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.arrived.append(Arrived(body, self.headers["Stripe-Signature"]))
                self.send_response(outer.answers.pop(0) if outer.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks/stripe"

    def wait_for(self, number: int, seconds: float = 10) -> bool:
        """Wait until `number` webhooks have arrived; return whether they have."""
        ends = time.monotonic() + seconds
        while len(self.arrived) < number and time.monotonic() < ends:
            time.sleep(0.01)
        return len(self.arrived) >= number

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()
