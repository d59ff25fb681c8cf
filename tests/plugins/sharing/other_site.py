"""Another site with a calendar, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


def ics(*events: str) -> bytes:
    """Write a calendar as other sites do."""
    body = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\n{body}END:VCALENDAR\r\n".encode()


def event(*lines: str) -> str:
    """Write an event with a UID."""
    return "\r\n".join(("UID:1@elsewhere", "DTSTAMP:20260301T000000Z", *lines))


@contextmanager
def other_site() -> Iterator[tuple[str, dict[str, Any]]]:
    """Run it; gives its calendar's address, and what it answers (`status`, `body`)."""
    says: dict[str, Any] = {"status": 200, "body": b""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(says["status"])
            self.end_headers()
            self.wfile.write(says["body"])

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/calendar.ics", says
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
