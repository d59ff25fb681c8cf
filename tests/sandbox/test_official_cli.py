"""The triggers of Stripe's official command line run against the sandbox; which of them do is written down exactly."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import stripe

from marketplace.sandbox import SandboxServer
from tests.sandbox import official_cli
from tests.sandbox.conftest import KEY

OURS = re.compile(
    r"(account|balance|charge|checkout\.session|payment_intent|payment_method|payout|setup_intent|topup|transfer)\."
    r"|customer\.(created|deleted|updated)$"
)
"""The triggers that count: those about objects that the marketplace, or its sandbox, has to do with."""

NO_CAPABILITY = (
    "the fixture transfers to an account made a moment ago; it has no capability for that, here as at Stripe"
)
FAILING = {
    "payment_intent.partially_funded": "needs bank transfers into a customer's balance at Stripe, in Japan; we have none",
    "transfer.created": NO_CAPABILITY,
    "transfer.reversed": NO_CAPABILITY,
    "transfer.updated": NO_CAPABILITY,
}
PASSING = 36

Trigger = Callable[..., tuple[bool, str]]


@pytest.fixture(scope="module")
def bank() -> Iterator[SandboxServer]:
    """Give one bank for all triggers, which does what is due before it answers."""
    with SandboxServer(background=False, prompt=True) as server:
        yield server


@pytest.fixture(scope="module")
def trigger(bank: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Trigger:
    """Give what runs a trigger: whether it went well and its event was sent, and what the program said."""
    home = tmp_path_factory.mktemp("home")

    def run(name: str, *wishes: str) -> tuple[bool, str]:
        before = number_of(bank, name)
        ended = command(home, "trigger", name, "--api-base", bank.url, *wishes)
        said = ended.stdout + ended.stderr
        if ended.returncode or "Trigger succeeded!" not in said:
            return False, said
        # Slow methods answer minutes later.
        if number_of(bank, name) == before:
            bank.sandbox.clock.advance(3600)
        return number_of(bank, name) > before, said + f"\nNo event {name}."

    return run


def command(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the program with a home of its own and no way out to the network."""
    nowhere = "http://127.0.0.1:9"
    environment = {"HOME": str(home), "STRIPE_API_KEY": KEY, "HTTPS_PROXY": nowhere, "STRIPE_CLI_TELEMETRY_OPTOUT": "1"}
    return subprocess.run(
        [official_cli.program(), *arguments], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def number_of(bank: SandboxServer, name: str) -> int:
    """Return how many events of a type there are, with what is due done."""
    while bank.sandbox.tick():
        pass
    with bank.sandbox.store.read() as tx:
        return len(tx.find("event", {"type": name}))


def test_every_trigger_about_our_objects_passes_but_those_named(trigger: Trigger, tmp_path: Path) -> None:
    listed = command(tmp_path, "trigger", "--help").stdout.partition("Supported events:")[2].partition("Usage:")[0]
    names = [name for name in listed.split() if OURS.match(name)]
    said = {}
    for name in names:
        passed, text = trigger(name)
        if not passed:
            said[name] = text
    assert said.keys() == FAILING.keys(), "\n".join(said[name] for name in said.keys() - FAILING.keys())
    assert len(names) - len(said) == PASSING


@pytest.mark.parametrize("name", ["transfer.created", "transfer.updated", "transfer.reversed"])
def test_triggers_of_transfers_pass_with_an_account_that_may_be_paid(
    trigger: Trigger, bank: SandboxServer, name: str
) -> None:
    refused, said = trigger(name)
    assert not refused
    assert "insufficient_capabilities_for_transfer" in said
    passed, said = trigger(name, "--skip", "account", "--override", f"transfer:destination={ready_account(bank)}")
    assert passed, said


def ready_account(bank: SandboxServer) -> str:
    """Return a connected account that has answered all questions."""
    transport = stripe.RequestsClient()
    client = stripe.StripeClient(KEY, base_addresses={"api": bank.url}, http_client=transport).v1
    account = client.accounts.create(
        {
            "controller": {"stripe_dashboard": {"type": "express"}, "fees": {"payer": "application"}},
            "capabilities": {"transfers": {"requested": True}},
        }
    )
    transport.close()
    with bank.sandbox.call() as call:
        from marketplace.sandbox.objects import accounts

        loaded = accounts.load(call, account.id)
        accounts.submit(call, loaded, business_type="individual", iban="NL91ABNA0417164300", leave_open=False)
    return account.id


def test_a_machine_that_the_program_is_not_fetched_for_is_told_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Windows")
    with pytest.raises(official_cli.CliMissing, match="MARKETPLACE_STRIPE_CLI=/path/to/stripe"):
        official_cli.fetch()
    with pytest.raises(official_cli.CliMissing, match="make test"):
        official_cli.program()
    monkeypatch.setenv("MARKETPLACE_STRIPE_CLI", str(Path(__file__)))
    assert official_cli.fetch() == Path(__file__)


def test_a_download_that_is_not_what_was_published_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stripe.tgz").write_bytes(b"something else")
    with pytest.raises(official_cli.CliMissing, match="is not what was published"):
        official_cli.check(tmp_path / "stripe.tgz")
