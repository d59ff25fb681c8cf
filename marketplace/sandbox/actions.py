"""What a person or a test may do to the bank: move the clock, ask for faults, dispute, expire, restrict, resend."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from marketplace.sandbox import deliveries
from marketplace.sandbox.due import run_due
from marketplace.sandbox.errors import InvalidRequest, Missing
from marketplace.sandbox.objects import account_standing, accounts, disputes, exchange, payouts, webhook_endpoints
from marketplace.sandbox.params import Params
from marketplace.sandbox.store import Doc

if TYPE_CHECKING:
    from marketplace.sandbox.app import Sandbox


def hang_up(connection: socket.socket) -> None:
    """Cut a connection, whatever state it is in."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def move_clock(sandbox: "Sandbox", params: Params) -> Doc:
    """Move the clock by `advance` seconds or to `set` (seconds since 1970), and do what falls due by that."""
    advance = params.integer("advance", 0)
    at = params.integer("set", 0)
    if (advance is None) == (at is None):
        raise InvalidRequest("Give advance (seconds) or set (seconds since 1970).", param="advance")
    now = sandbox.clock.advance(advance) if advance is not None else sandbox.clock.set(float(at or 0))
    done = run_due(sandbox.store, sandbox.clock)
    sandbox.bell.set()
    return {"now": now, "done": done}


def add_fault(sandbox: "Sandbox", params: Params) -> Doc:
    """Ask for a fault; `times=0` means until it is cleared, `rate` is a chance from 0 to 1."""
    times = params.integer("times", 0)
    return sandbox.faults.add(
        params.need_text("operation"),
        params.need_text("kind"),
        None if times == 0 else times or 1,
        _number(params, "rate", 1.0),
        _number(params, "seconds", 1.0),
    )


def _number(params: Params, name: str, default: float) -> float:
    value = params.text(name)
    try:
        return float(value) if value is not None else default
    except ValueError as error:
        raise InvalidRequest(f"{name} must be a number.", param=name) from error


def clear_faults(sandbox: "Sandbox", params: Params) -> Doc:
    """Let everything go well again, or take back the fault of a `number`."""
    sandbox.faults.clear(params.integer("number", 1))
    return {}


def dispute(sandbox: "Sandbox", params: Params) -> Doc:
    """Let the cardholder dispute a charge."""
    identifier = params.need_text("charge")
    with sandbox.call(_owner(sandbox, identifier)) as call:
        opened = disputes.opens(
            call,
            call.load("charge", identifier, "charge"),
            params.text("reason") or "fraudulent",
            params.integer("amount", 1),
            inquiry=params.flag("inquiry"),
            even_refunded=params.flag("even_refunded"),
        )
        if opened is None:
            raise InvalidRequest("Nothing is left of that charge, or it is disputed already.", param="charge")
        return opened


def settle_dispute(sandbox: "Sandbox", params: Params) -> Doc:
    """Decide a dispute: `won` true or false."""
    identifier = params.need_text("dispute")
    with sandbox.call(_owner(sandbox, identifier)) as call:
        return disputes.settle(call, call.load("dispute", identifier, "dispute"), params.flag("won"))


def escalate_dispute(sandbox: "Sandbox", params: Params) -> Doc:
    """Let a bank that only asked take the money."""
    identifier = params.need_text("dispute")
    with sandbox.call(_owner(sandbox, identifier)) as call:
        found = call.load("dispute", identifier, "dispute")
        if not found["status"].startswith("warning_"):
            raise InvalidRequest("That dispute has taken the money already.", param="dispute")
        return disputes.withdraws(call, found, call.load("charge", found["charge"]), "charge.dispute.updated")


def fail_payout(sandbox: "Sandbox", params: Params) -> Doc:
    """Let a pay-out come back."""
    identifier = params.need_text("payout")
    with sandbox.call(_owner(sandbox, identifier)) as call:
        return payouts.fails(call, call.load("payout", identifier, "payout"))


def expire_card(sandbox: "Sandbox", params: Params) -> Doc:
    """Let a saved card expire: every charge of it is declined from now on."""
    identifier = params.need_text("payment_method")
    with sandbox.call(_owner(sandbox, identifier)) as call:
        method = call.load("payment_method", identifier, "payment_method")
        method["card"].update(exp_month=1, exp_year=2020)
        return call.tx.update(method)


def restrict_account(sandbox: "Sandbox", params: Params) -> Doc:
    """Restrict a connected account for a `reason`; without one the restriction is lifted."""
    with sandbox.call() as call:
        account = accounts.load(call, params.need_text("account"))
        return accounts.restrict(call, account, params.text("reason") or "")


def ask_account(sandbox: "Sandbox", params: Params) -> Doc:
    """Let the bank ask a connected account for something more: `item`, due in `seconds` (0: it is late already)."""
    with sandbox.call() as call:
        account = accounts.load(call, params.need_text("account"))
        item = params.text("item") or "individual.verification.document"
        return account_standing.ask(call, account, item, params.integer("seconds", 0) or 0)


def leave_account(sandbox: "Sandbox", params: Params) -> Doc:
    """Let a connected account leave the platform: from now on it is not ours to see."""
    with sandbox.call() as call:
        return account_standing.leaves(call, accounts.load(call, params.need_text("account")))


def resend(sandbox: "Sandbox", params: Params) -> Doc:
    """Send a webhook once more."""
    if not deliveries.resend(sandbox.store, sandbox.clock, params.need_integer("delivery")):
        raise Missing("There is no such delivery.", param="delivery")
    sandbox.bell.set()
    return {}


def hold_delivery(sandbox: "Sandbox", params: Params) -> Doc:
    """Hold a waiting webhook back for `seconds`, or give it up for good when they are not given."""
    if not deliveries.hold(
        sandbox.store, sandbox.clock, params.need_integer("delivery"), params.integer("seconds", 0, 2_592_000)
    ):
        raise InvalidRequest("That webhook is not waiting to be sent.", param="delivery")
    return {}


def switch_endpoint(sandbox: "Sandbox", params: Params) -> Doc:
    """Send events to an endpoint (`enabled` true), or no longer: what happens meanwhile is never sent to it."""
    with sandbox.call() as call:
        endpoint = call.load("webhook_endpoint", params.need_text("endpoint"), "endpoint")
        endpoint["status"] = "enabled" if params.flag("enabled") else "disabled"
        return call.tx.update(endpoint)


def rotate_secret(sandbox: "Sandbox", params: Params) -> Doc:
    """Give an endpoint a new secret; the old one goes on signing for `old_for` seconds (a day unless given)."""
    with sandbox.call() as call:
        endpoint = call.load("webhook_endpoint", params.need_text("endpoint"), "endpoint")
        lasts = params.integer("old_for", 0)
        ends = call.now + (86_400 if lasts is None else lasts)
        rotated = webhook_endpoints.rotate(call, endpoint, ends, params.text("secret"))
        return {"id": endpoint["id"], "secret": rotated["_"]["secrets"][0]["secret"]}


def reset(sandbox: "Sandbox", _params: Params | None = None) -> Doc:
    """Forget everything but the webhook endpoints, and go back to real time."""
    with sandbox.store.read() as tx:
        kept = tx.find("webhook_endpoint", oldest_first=True)
    sandbox.store.wipe()
    sandbox.clock.reset()
    sandbox.faults.clear()
    with sandbox.store.write() as tx:
        for endpoint in kept:
            tx.insert(endpoint)
    return {}


def settle_in(sandbox: "Sandbox", params: Params) -> Doc:
    """Exchange what comes and goes in a currency `into` another at `rate`, or keep it again."""
    with sandbox.call() as call:
        return exchange.settle_in(call, params)


def _owner(sandbox: "Sandbox", identifier: str) -> str:
    with sandbox.store.read() as tx:
        return tx.owner(identifier)


ACTIONS: dict[str, Callable[["Sandbox", Params], dict[str, Any]]] = {
    "clock": move_clock,
    "faults": add_fault,
    "faults/clear": clear_faults,
    "dispute": dispute,
    "dispute/settle": settle_dispute,
    "dispute/escalate": escalate_dispute,
    "payout/fail": fail_payout,
    "card/expire": expire_card,
    "settle_in": settle_in,
    "account/restrict": restrict_account,
    "account/ask": ask_account,
    "account/leave": leave_account,
    "deliveries/resend": resend,
    "deliveries/hold": hold_delivery,
    "endpoint/switch": switch_endpoint,
    "endpoint/rotate": rotate_secret,
    "reset": reset,
}
