"""The sandbox as a program: it starts, refuses production, is a stranger to the rest, survives many threads."""

import ast
import json
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import stripe
from werkzeug.test import Client

from marketplace.sandbox import Sandbox, SandboxServer, create_sandbox
from marketplace.sandbox.app import RefusesToStart
from marketplace.sandbox.errors import LostResponse
from tests.sandbox.browsing import Browser

ROOT = Path(__file__).parents[2]


def test_it_imports_nothing_of_the_rest_of_the_marketplace() -> None:
    found = set()
    for path in (ROOT / "marketplace" / "sandbox").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    ours = {name for name in found if name.split(".")[0] in {"marketplace", "plugins", "stripe"}}
    assert all(name.startswith("marketplace.sandbox") for name in ours), ours


def test_it_refuses_production_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKETPLACE_ENVIRONMENT", "production")
    with pytest.raises(RefusesToStart, match="--even-in-production"):
        create_sandbox(tmp_path / "bank.db")
    assert not (tmp_path / "bank.db").exists()
    create_sandbox(tmp_path / "bank.db", even_in_production=True).close()
    ended = subprocess.run(
        [sys.executable, "-m", "marketplace.sandbox", "--port", "0", "--database", str(tmp_path / "other.db")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert "does not start" in ended.stderr


def test_the_program_answers_and_ends_on_a_signal_and_keeps_its_books(tmp_path: Path) -> None:
    names: list[list[str]] = []
    for _ in range(2):
        running = subprocess.Popen(
            [sys.executable, "-m", "marketplace.sandbox", "--port", "0", "--database", str(tmp_path / "bank.db")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        transport = stripe.RequestsClient()
        client = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": url}, http_client=transport)
        client.v1.customers.create({"name": "Anna"})
        names.append([str(item.name) for item in client.v1.customers.list().data])
        transport.close()
        running.terminate()
        assert running.wait(timeout=15) == 0
        assert "ended" in running.stdout.read()
        running.stdout.close()
    assert names == [["Anna"], ["Anna", "Anna"]]


def test_its_clock_runs_as_far_ahead_as_the_program_is_told_and_never_goes_back(tmp_path: Path) -> None:
    days = []
    for ahead in ("31", "2"):
        command = [sys.executable, "-m", "marketplace.sandbox", "--port", "0", "--database", str(tmp_path / "bank.db")]
        running = subprocess.Popen([*command, "--days-ahead", ahead], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert running.stdout is not None
        with urllib.request.urlopen(f"{running.stdout.readline().split()[-1]}/_sandbox/clock") as answer:
            days.append((json.load(answer)["now"] - time.time()) / 86_400)
        running.terminate()
        assert running.wait(timeout=15) == 0
        running.stdout.close()
    assert days == pytest.approx([31, 31], abs=0.01)


def test_it_runs_in_process_as_a_wsgi_application(tmp_path: Path) -> None:
    bank = create_sandbox(tmp_path / "bank.db")
    client = Client(bank)
    key = {"Authorization": "Bearer sk_test_sandbox"}
    made = client.post("/v1/customers", data={"name": "Anna"}, headers=key)
    assert made.status_code == 200
    assert made.json is not None
    assert made.json["name"] == "Anna"
    bank.faults.add("customers.create", "lost")
    with pytest.raises(LostResponse):
        client.post("/v1/customers", data={"name": "Bob"}, headers=key)
    listed = client.get("/v1/customers", headers=key).json
    assert listed is not None
    assert [item["name"] for item in listed["data"]] == ["Bob", "Anna"]
    bank.close()


def test_sixteen_threads_pay_at_once_and_the_books_are_right(sdk: stripe.StripeClient, bank: SandboxServer) -> None:
    def work() -> None:
        for _ in range(5):
            sdk.v1.payment_intents.create(
                {
                    "amount": 1000,
                    "currency": "eur",
                    "payment_method": "pm_card_visa",
                    "confirm": True,
                    "allowed_payment_method_types": ["card"],
                }
            )

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = json.loads(Browser(bank.url).get("/_sandbox/state").text)
    assert state["charges"] == {"eur": 80_000}
    assert state["balance"][""]["eur"]["pending"] == 80 * (1000 - 40)
    assert state["consistent"] is True


def test_the_clock_only_moves_forward(bank: SandboxServer, browser: Browser) -> None:
    ahead = bank.sandbox.clock.now() + 1000
    answer = browser.request("POST", "/_sandbox/clock", {"set": str(ahead)})
    assert json.loads(answer.text)["now"] in {ahead, ahead + 1}
    assert browser.request("POST", "/_sandbox/clock", {"set": "1000"}).status == 400
    assert browser.request("POST", "/_sandbox/clock", {}).status == 400


def test_the_clock_stays_moved_after_a_restart(tmp_path: Path) -> None:
    first = Sandbox(tmp_path / "bank.db", ("k",), "")
    first.clock.advance(5000)
    then = first.clock.now()
    first.close()
    second = Sandbox(tmp_path / "bank.db", ("k",), "")
    assert then <= second.clock.now() <= then + 5
    second.close()


def test_a_reset_forgets_all_but_the_endpoints(sdk: stripe.StripeClient, bank: SandboxServer, browser: Browser) -> None:
    sdk.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    sdk.v1.customers.create()
    bank.sandbox.clock.advance(1000)
    assert browser.request("POST", "/_sandbox/reset", {}).status == 200
    assert not sdk.v1.customers.list().data
    assert len(sdk.v1.webhook_endpoints.list().data) == 1
    state = json.loads(browser.get("/_sandbox/state").text)
    assert state["objects"] == {"webhook_endpoint": 1}
    assert state["balance"] == {}
