"""Members' browsers and programs: they ask again until they are answered, as people do, with the same key or form."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

PATIENCE = 90.0
TIMEOUT_SECONDS = 20
PAUSE = 0.02


class NoAnswer(RuntimeError):
    """Somebody asked again and again, and got no answer that settles the matter."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back in the end."""

    status: int
    text: str
    place: str

    @property
    def json(self) -> Any:
        """Read the answer of a program's request."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """Give the code of a problem, "" when there is none."""
        try:
            return str(self.json.get("code", ""))
        except (ValueError, AttributeError):
            return ""


class Tally:
    """What all clients together went through; safe to use from several threads."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, what: str, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[what] += count

    def __getitem__(self, what: str) -> int:
        """Give a count."""
        with self._lock:
            return self._counts[what]

    def table(self) -> dict[str, int]:
        """Give all counts."""
        with self._lock:
            return dict(self._counts)


def once(url: str, method: str, body: str | bytes | None, headers: Mapping[str, str]) -> Answer:
    """Send one request; raises OSError or HTTPException when no answer came."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)) as line:
        line.request(method, path, body, dict(headers))
        answer = line.getresponse()
        text = answer.read().decode("utf-8", "replace")
        place = answer.getheader("Location")
        return Answer(answer.status, text, urljoin(url, place) if place else "")


class Client:
    """One member's line to the site."""

    def __init__(self, base: str, tally: Tally, token: str, cookie: str, csrf: str) -> None:
        """Take the site's address and what was given to the member beforehand."""
        self._base = base
        self._tally = tally
        self._token = token
        self._cookie = cookie
        self._csrf = csrf

    def ask(self, method: str, url: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        """Send a request until an answer comes that is not about the machine; raises NoAnswer."""
        deadline = time.monotonic() + PATIENCE
        last: object = None
        while time.monotonic() < deadline:
            try:
                answer = once(url, method, body, headers)
            except (OSError, http.client.HTTPException) as error:
                self._tally.note("requests cut")
                last = error
            else:
                if answer.status < 500 and answer.code != "in_progress":
                    return answer
                self._tally.note(f"answers {answer.status}")
                last = answer
            time.sleep(PAUSE)
        raise NoAnswer(f"{method} {url}: {last}")

    def program(self, method: str, path: str, body: Any = None, key: str = "") -> Answer:
        """Call the API with the member's token; `key` makes it one request however often it is sent."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        return self.ask(method, f"{self._base}/api/v1{path}", json.dumps(body) if body is not None else None, headers)

    def page(self, path: str) -> Answer:
        """Look at a page of the site."""
        return self.ask("GET", urljoin(self._base, path), None, {"Cookie": self._cookie})

    def form(self, path: str, **fields: Any) -> Answer:
        """Send a form of the site."""
        headers = {
            "Cookie": self._cookie,
            "X-CSRFToken": self._csrf,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return self.ask("POST", urljoin(self._base, path), urlencode(fields), headers)

    def elsewhere(self, url: str, **fields: Any) -> Answer:
        """Send a form on one of the bank's pages."""
        return self.ask("POST", url, urlencode(fields), {"Content-Type": "application/x-www-form-urlencoded"})
