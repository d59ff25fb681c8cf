"""What falls due by itself: balances become available, holds and sessions end, pay-outs arrive, disputes open."""

from collections.abc import Callable

from marketplace.sandbox.calls import Call
from marketplace.sandbox.clock import Clock
from marketplace.sandbox.objects import (
    account_standing,
    accounts,
    balance,
    bank_answers,
    charging,
    checkout,
    disputes,
    payouts,
    refunds,
    topups,
)
from marketplace.sandbox.store import Doc, Store

SAME_RUN_SECONDS = 3600  # Stripe makes money available in runs and tells of each run once


def _available(call: Call, txn: Doc) -> None:
    balance.make_available(call, txn)
    more = call.tx.run(
        "SELECT 1 FROM due WHERE kind = 'balance_available' AND at <= ? LIMIT 1", (call.now + SAME_RUN_SECONDS,)
    ).fetchone()
    if not more and not call.account:
        balance.announce(call)


def _session_expires(call: Call, session: Doc) -> None:
    if session["status"] == "open":
        checkout.end(call, session)


def _pay_out(call: Call, account: Doc) -> None:
    payouts.automatic(call.on(account["id"]), accounts.load(call, account["id"]))


def _dispute(call: Call, charge: Doc) -> None:
    disputes.opens(call, charge)


def _inquiry(call: Call, charge: Doc) -> None:
    disputes.opens(call, charge, "fraudulent", inquiry=True)


_KINDS: dict[str, Callable[[Call, Doc], None]] = {
    "balance_available": _available,
    "bank_answers": bank_answers.answers,
    "hold_ends": charging.hold_ends,
    "session_expires": _session_expires,
    "payout_arrives": payouts.arrives,
    "pay_out": _pay_out,
    "dispute": _dispute,
    "inquiry": _inquiry,
    "topup_arrives": topups.arrives,
    "dispute_answer_due": disputes.answer_due,
    "refund_settles": refunds.settles,
    "account_overdue": account_standing.overdue,
}


def run_due(store: Store, clock: Clock, limit: int = 100_000) -> int:
    """Do what is due, in order of time, each in its own transaction; return how much it was.

    What happens is dated with the instant it was due, so that a clock moved by a month writes a month's history.
    """
    done = 0
    while done < limit:
        now = clock.now()
        with store.read() as tx:
            if tx.run("SELECT 1 FROM due WHERE at <= ? LIMIT 1", (now,)).fetchone() is None:
                return done
        with store.write() as tx:
            row = tx.run(
                "SELECT seq, at, kind, object_id FROM due WHERE at <= ? ORDER BY at, seq LIMIT 1", (now,)
            ).fetchone()
            if row is None:
                return done
            seq, at, kind, identifier = row
            tx.run("DELETE FROM due WHERE seq = ?", (seq,))
            doc = tx.get(identifier)
            if doc is not None:
                _KINDS[kind](Call(tx, at, tx.owner(identifier)), doc)
        done += 1
    return done
