"""Error answers: a page for people, a problem for programs, a reference on both, and never a traceback."""

import re
from collections.abc import Callable

import pytest
import structlog
from flask import Flask
from sqlalchemy import text

from marketplace import lost_races
from marketplace.database import db, is_sqlite, transaction
from marketplace.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused
from marketplace.testing.clients import MarketplaceClient, client_of
from marketplace.testing.factories import Factories
from marketplace.users.models import User

REFERENCE = re.compile(r"\b[0-9a-f]{4}-[0-9a-f]{4}\b")
RAISED = {
    "refused": Refused("Not now", code="closed"),
    "conflict": Conflict("Somebody was faster"),
    "missing": NotFound("No such thing"),
    "forbidden": Forbidden("Not for you"),
    "invalid": InvalidInput({"title": "Too long", "place": "Unknown"}),
    "crash": ZeroDivisionError("secret inner workings"),
}


@pytest.fixture
def broken(app: Flask) -> Flask:
    """Give an app with addresses that go wrong, for people and for programs."""

    def fail(what: str) -> str:
        raise RAISED[what]

    def half_way() -> str:
        with transaction():
            Factories().user(name="Half")
            raise ZeroDivisionError

    app.add_url_rule("/broken/<what>", "broken", fail)
    app.add_url_rule("/api/broken/<what>", "api_broken", fail)
    app.add_url_rule("/half-way", "half_way", half_way)
    return app


@pytest.mark.parametrize(
    ("what", "status"),
    [("refused", 409), ("conflict", 409), ("missing", 404), ("forbidden", 403), ("invalid", 422), ("crash", 500)],
)
def test_people_get_a_page_with_words_and_a_reference(broken: Flask, what: str, status: int) -> None:
    answer = client_of(broken).get(f"/broken/{what}")
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    assert "</html>" in answer.text
    assert REFERENCE.search(answer.text)
    assert "Traceback" not in answer.text
    assert "secret inner workings" not in answer.text


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [("refused", 409, "closed"), ("conflict", 409, "conflict"), ("missing", 404, "not_found"), ("forbidden", 403, "forbidden"),
     ("invalid", 422, "invalid_input"), ("crash", 500, "internal_error")],
)  # fmt: skip
def test_programs_get_a_problem(broken: Flask, what: str, status: int, code: str) -> None:
    answer = client_of(broken).get(f"/api/broken/{what}")
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert answer.json is not None
    assert (answer.json["status"], answer.json["code"]) == (status, code)
    assert answer.json["type"].endswith(f"/problems/{code}")
    assert answer.json["title"]
    assert "secret inner workings" not in answer.text


def test_a_problem_of_input_names_every_field(broken: Flask) -> None:
    answer = client_of(broken).get("/api/broken/invalid")
    assert answer.json is not None
    assert answer.json["errors"] == {"title": "Too long", "place": "Unknown"}


def test_the_reference_on_the_page_is_in_the_log_with_what_happened(broken: Flask) -> None:
    with structlog.testing.capture_logs() as logged:
        page = client_of(broken).get("/broken/crash").text
    (line,) = [line for line in logged if line["event"] == "request_failed"]
    assert line["reference"] in page
    assert (line["path"], line["method"], line["exc_info"]) == ("/broken/crash", "GET", True)


def test_two_failures_have_two_references(broken: Flask) -> None:
    texts = [client_of(broken).get("/broken/crash").text for _time in range(2)]
    found = [match.group(0) for text in texts if (match := REFERENCE.search(text))]
    assert len(set(found)) == 2


def test_a_crash_half_way_leaves_nothing_behind(broken: Flask) -> None:
    assert client_of(broken).get("/half-way").status_code == 500
    db.session.rollback()
    assert db.session.query(User).count() == 0


def test_who_lost_a_race_is_told_that_nothing_was_done(broken: Flask) -> None:
    if is_sqlite():  # one writer at a time: nobody is ended for the sake of another
        assert not lost_races.lost(RAISED["crash"])
        return

    def deadlock() -> str:
        with transaction() as session:
            Factories().user(name="Half")
            session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'in a circle' USING ERRCODE = '40P01'; END $$"))
        return "done"

    broken.add_url_rule("/deadlock", "deadlock", deadlock)
    answer = client_of(broken).get("/deadlock")
    assert (answer.status_code, "go back and send it once more" in answer.text) == (409, True)
    assert db.session.query(User).count() == 0


def test_an_unknown_address_has_a_page_and_a_problem(client: MarketplaceClient) -> None:
    page = client.get("/no/such/page")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert client.get("/api/v1/no-such-thing").mimetype == "application/problem+json"


def test_a_wrong_method_says_which_ones_there_are(client: MarketplaceClient) -> None:
    page = client.delete("/discover")
    assert page.status_code == 405
    assert {"GET", "HEAD"} <= set(page.headers["Allow"].split(", "))
    program = client.delete("/api/v1/listings")
    assert (program.status_code, program.mimetype) == (405, "application/problem+json")
    assert "GET" in program.headers["Allow"]


def test_a_body_that_is_too_large_is_refused_in_words(make_app: Callable[..., Flask]) -> None:
    app = make_app(max_content_length=1000)
    client = client_of(app)
    page = client.post("/login", data={"email": "x" * 2000})
    assert (page.status_code, page.mimetype) == (413, "text/html")
    assert "Traceback" not in page.text
    program = client.post("/webhooks/stripe", data=b"x" * 2_000_000)
    assert (program.status_code, program.mimetype) == (413, "application/problem+json")


@pytest.mark.parametrize("cookie", ["", "garbage", "a.b.c", "é", "x" * 4000, ".eJwNwztuwzAMAFA.Z.x", "null", "\\x00"])
def test_a_broken_cookie_makes_a_guest_and_no_error(client: MarketplaceClient, cookie: str) -> None:
    headers = {"Cookie": f"session={cookie}; remember_token={cookie}; theme={cookie}; locale={cookie}"}
    for address in ("/", "/discover", "/login"):
        assert client.get(address, headers=headers).status_code == 200
    assert client.get("/account", headers=headers).status_code == 302


def test_a_form_without_its_token_is_refused_in_words(client: MarketplaceClient) -> None:
    answer = client.post("/login", data={"email": "a@example.org", "password": "x"}, csrf=False)
    assert answer.status_code == 400
    assert "This form was too old" in answer.text
    forged = client.post("/login", data={"csrf_token": "forged"}, csrf=False)
    assert forged.status_code == 400


def test_a_number_that_no_database_can_count_to_has_no_page(client: MarketplaceClient) -> None:
    for number in ("9" * 30, str(2**63), "0", "-1", "1e3", "٣"):
        assert client.get(f"/members/{number}").status_code == 404


@pytest.mark.parametrize(
    "query", ["?q=%00", "?after=%FF%FE", "?page=-1", "?sort=%27;--", "?radius=1e309", "?price=NaN", "?lat=inf"]
)
def test_a_senseless_query_is_no_error_of_ours(client: MarketplaceClient, query: str) -> None:
    assert client.get(f"/discover{query}").status_code in (200, 400, 422)
