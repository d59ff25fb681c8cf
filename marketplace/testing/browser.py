"""A real browser against a real server: pages in Debian's Chromium, with what went wrong in them collected."""

import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketplace.testing.factories import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name resolves: a page that asks a third party for anything fails at once and is reported.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE = 30_000
"""How long a page may take, in milliseconds: a machine with much else to do is slow, not wrong."""
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""axe's tags for everything that WCAG 2.2 at level AA asks."""


class ChromiumMissing(RuntimeError):
    """No Chromium or Chrome on this machine."""


def chromium() -> str:
    """Return the path of Chromium: $MARKETPLACE_CHROMIUM, or the first one installed; raises ChromiumMissing."""
    named = os.environ.get("MARKETPLACE_CHROMIUM")
    for name in (named,) if named else NAMES:
        if path := shutil.which(name):
            return path
    raise ChromiumMissing("no Chromium found; `make test` installs Debian's, or set MARKETPLACE_CHROMIUM to its path")


@contextmanager
def launched() -> "Iterator[Browser]":
    """Run one headless Chromium; starting it takes about half a second."""
    from playwright.sync_api import expect, sync_playwright  # only browser tests need it

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS), headless=True)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class PageProblems:
    """What a browser complained about since the last look: policy violations, script errors, foreign requests."""

    base_url: str
    found: list[str] = field(default_factory=list)

    def watch(self, context: "BrowserContext") -> None:
        """Listen to every page of the context."""
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"script error: {error.error}"))
        context.on("request", self._request)
        context.on("response", self._response)

    def allow(self, text: str) -> None:
        """Forget the complaints that contain `text`: this test provokes them."""
        self.found[:] = [complaint for complaint in self.found if text not in complaint]

    def _console(self, message: Any) -> None:
        # A page that answers 404 or 422 on purpose is no error of the page; missing files are seen in `_response`.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.found.append(f"console {message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.base_url, "http://127.0.0.1:", "data:", "blob:", "about:")):
            self.found.append(f"request to a third party: {request.url}")

    def _response(self, response: Any) -> None:
        answered_on_purpose = response.request.resource_type in ("document", "fetch", "xhr") and response.status < 500
        if response.status >= 400 and not answered_on_purpose:
            self.found.append(f"{response.status} for {response.request.resource_type} {response.url}")


@contextmanager
def new_page(
    browser: "Browser",
    base_url: str,
    problems: PageProblems,
    *,
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    javascript: bool = True,
    locale: str = "en",
) -> "Iterator[Page]":
    """Open a page in a context of its own (no cookies, no storage), watched for problems; sizes in CSS pixels."""
    context = browser.new_context(
        base_url=base_url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        java_script_enabled=javascript,
        locale=locale,
        reduced_motion="reduce",
        service_workers="block",
    )
    context.set_default_timeout(PATIENCE)
    problems.watch(context)
    try:
        yield context.new_page()
    finally:
        context.close()


def press(link_or_button: "Locator") -> None:
    """Follow a link or send a form, and go on once the page that it leads to has loaded.

    A click alone may come back before a busy browser has begun to leave: what is read next is then the page before.
    For what leads to no other page (a menu, a part that is swapped), `click` is right. Raises playwright's TimeoutError.
    """
    with link_or_button.page.expect_navigation():
        link_or_button.click()


def enter(page: "Page", email: str, password: str = PASSWORD) -> "Page":
    """Log somebody in by the form, and give the page back."""
    page.goto("/login")
    page.locator("main [name=email]").fill(email)
    page.locator("main [name=password]").fill(password)
    press(page.locator("main form .button-primary"))
    return page


def axe(page: "Page") -> list[str]:
    """Check the page as it stands against WCAG 2.2 AA; one line for each violation, with the first elements."""
    from axe_playwright_python.sync_playwright import Axe  # only browser tests need it

    options = {"runOnly": {"type": "tag", "values": list(WCAG)}, "resultTypes": ["violations"]}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{page.url} {rule['id']}: {rule['help']}: {_elements(rule)}" for rule in found]


def _elements(rule: Mapping[str, Any]) -> str:
    nodes = [" ".join(map(str, node["target"])) for node in rule["nodes"]]
    return ", ".join(nodes[:5]) + (f" and {len(nodes) - 5} more" if len(nodes) > 5 else "")


@dataclass
class LiveServer:
    """The app behind a threaded server on loopback; `url` has no slash at its end."""

    url: str


@contextmanager
def served(app: Any, port: int = 0) -> Iterator[LiveServer]:
    """Serve a WSGI app on 127.0.0.1 from threads of this process, until the block ends."""
    from werkzeug.serving import WSGIRequestHandler, make_server  # only live servers need it

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:
            """Keep the test output readable."""

    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield LiveServer(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{chromium()}\n")
    except ChromiumMissing as problem:
        sys.exit(str(problem))
