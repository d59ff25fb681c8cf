"""A very small browser: reads a page's forms and submits them, following redirects only on request."""

import http.client
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str
    url: str

    @property
    def location(self) -> str:
        """Return where a redirect leads."""
        return urljoin(self.url, self.headers["location"])


@dataclass
class Form:
    """One form of a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Forms(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(facts.get("action", "")))
        elif tag == "input" and self.forms and facts.get("type") not in {"radio", "checkbox"}:
            self.forms[-1].fields[facts["name"]] = facts.get("value", "")


class Browser:
    """Talks to one bank."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.language = "en"

    def request(self, method: str, url: str, data: dict[str, str] | None = None, **headers: str) -> Answer:
        """Send one request and return its answer."""
        full = urljoin(self.base, url)
        parts = urlsplit(full)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            sent = {"Accept-Language": self.language, **headers}
            body = None
            if data is not None:
                body = urlencode(data)
                sent["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
            response = connection.getresponse()
            text = response.read().decode()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, text, full)
        finally:
            connection.close()

    def get(self, url: str) -> Answer:
        """Open a page."""
        return self.request("GET", url)

    def submit(self, page: Answer, values: dict[str, str], place: int = 0) -> Answer:
        """Submit a form of a page as a browser would, with `values` filled in or a button pressed."""
        reader = Forms()
        reader.feed(page.text)
        form = reader.forms[place]
        return self.request("POST", urljoin(page.url, form.action), form.fields | values)

    def pay(self, url: str, number: str, **values: str) -> Answer:
        """Fill in the card form of a checkout page and submit it."""
        filled = {"number": number, "expiry": "12/39", "cvc": "123", "name": "Anna de Vries"}
        return self.submit(self.get(url), filled | values)
