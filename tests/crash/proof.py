"""The proof after each round: provider = ledger = expected, to the cent and pledge by pledge, and nothing done twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.jobs.models import DONE, Job
from marketplace.ledger import service as ledger
from marketplace.ledger.models import LedgerAccount
from marketplace.notifications.models import Notification
from marketplace.notifications.service import MAIL_JOB
from marketplace.payments.models import GatewayEvent, Payment
from marketplace.sandbox.fees import charge_fee, dispute_fee
from plugins.funding import totals
from tests.crash.bank import Bank
from tests.crash.pledging import CURRENCY, Promise

ONCE = ("funding.pledged", "funding.collected", "funding.released", "funding.cancelled", "funding.dropped")
"""Mails about a step that an agreement takes once."""


class Proof:
    """Compares three records of the same money: the bank's, the ledger's, and what members were promised."""

    def __init__(self, bank: Bank, mail: Path) -> None:
        """Take the bank and the folder that mail is written to."""
        self._bank = bank
        self._mail = mail
        self._last_job = 0
        self.jobs_again = 0
        self._told: Counter[tuple[int, str, str]] = Counter()

    def differences(self, promises: Sequence[Promise], closed: set[int], failed: set[int]) -> list[str]:
        """Name everything that does not agree; an empty list is the proof.

        `closed` are the campaigns that were charged and paid out, `failed` those whose pledges were released.
        """
        db.session.rollback()
        standing = [promise for promise in promises if not promise.ended]
        charged = [promise for promise in standing if promise.campaign_id in closed and promise.good]
        return [
            *self._sums(charged),
            *self._pledges(promises, charged, closed, failed),
            *self._at_bank(charged),
            *self._books(),
            *self._events(),
            *self._mails(),
        ]

    def _sums(self, charged: Sequence[Promise]) -> Iterator[str]:
        """Compare the sums of the three, currency by currency."""
        db.session.expire_all()
        taken = sum(promise.amount for promise in charged)
        back = sum(promise.refunded for promise in charged)
        theirs = sum(charge_fee(promise.amount, CURRENCY.lower()) for promise in charged)
        ours = sum(promise.fee for promise in charged)
        asked = [promise for promise in charged if promise.charged_back]
        theirs += dispute_fee(CURRENCY.lower()) * len(asked)
        lost = sum(promise.amount for promise in asked if promise.charged_back == "lost")
        sent = taken - ours - back  # the owners of all closed campaigns have an account by now
        books = self._ledger()
        expected = {
            "provider_clearing": taken - back - theirs - sent - lost,
            "provider_fees": theirs,
            "platform_fees": ours,
            "receivable": lost,  # by owners who had been paid out
            "owed": 0,
        }
        for role, minor in expected.items():
            booked = books.pop((role, CURRENCY), 0)
            if booked != minor:
                yield f"ledger: {role} {CURRENCY} is {booked}, expected {minor}"
        yield from (
            f"ledger: {role} {currency} is {minor}, expected 0" for (role, currency), minor in books.items() if minor
        )
        kept = self._bank.balance()
        for currency in {CURRENCY, *kept}:
            here = expected["provider_clearing"] if currency == CURRENCY else 0
            if kept.get(currency, 0) != here:
                yield f"provider: the balance in {currency} is {kept.get(currency, 0)}, expected {here}"

    @staticmethod
    def _ledger() -> dict[tuple[str, str], int]:
        """Sum up the accounts by role and currency, each in its own direction; what we owe to anybody is one role."""
        account = LedgerAccount
        rows = db.session.execute(
            select(
                account.role, account.kind, account.currency, func.sum(account.posted_debit - account.posted_credit)
            ).group_by(account.role, account.kind, account.currency)
        )
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for role, kind, currency, minor in rows:
            grows_by_debit = kind in ("asset", "expense")
            sums["owed" if kind == "liability" else role, currency] += int(minor) * (1 if grows_by_debit else -1)
        return sums

    def _pledges(
        self, promises: Sequence[Promise], charged: Sequence[Promise], closed: set[int], failed: set[int]
    ) -> Iterator[str]:
        """Compare each pledge with what its backer was told, and find pledges that nobody made."""
        paid = {promise.agreement_id for promise in charged}
        columns = select(
            Agreement.id, Agreement.state, Payment.amount_minor, Payment.refunded_minor, Payment.state.label("payment"),
            Payment.earned_minor,
        )  # fmt: skip
        rows = {row.id: row for row in db.session.execute(columns.join(Payment, Payment.agreement_id == Agreement.id))}
        known = Counter(promise.agreement_id for promise in promises)
        yield from (f"pledge {number} is nobody's" for number in rows.keys() - known.keys())
        yield from (f"pledge {number} answers {count} requests" for number, count in known.items() if count > 1)
        for promise in promises:
            row = rows.get(promise.agreement_id)
            if row is None:
                yield f"pledge {promise.agreement_id} was acknowledged and is lost"
                continue
            states = _states(promise, promise.agreement_id in paid, closed, failed)
            told = (promise.amount, promise.refunded)
            if row.state not in states or (row.amount_minor, row.refunded_minor) != told:
                found = (row.state, row.amount_minor, row.refunded_minor)
                yield f"pledge {row.id} is {found}, expected one of {states} with {told} (card: {promise.card})"
            if row.id in paid and row.earned_minor != promise.earned:
                yield f"pledge {row.id} earned {row.earned_minor}, expected {promise.earned}"

    def _at_bank(self, charged: Sequence[Promise]) -> Iterator[str]:
        """Look for each pledge at the bank: one successful charge, refunds and one transfer of just that much."""
        took: dict[str, list[int]] = defaultdict(list)
        groups: dict[str, str] = {}
        for _seq, intent in self._bank.objects("payment_intent"):
            groups[intent["id"]] = intent["transfer_group"]
            if intent["status"] == "succeeded":
                took[intent["transfer_group"]].append(intent["amount_received"])
        back: dict[str, int] = defaultdict(int)
        for _seq, refund in self._bank.objects("refund"):
            if (
                refund["payment_intent"] and refund["status"] != "failed"
            ):  # the others are reversals, as owners see them
                back[groups[refund["payment_intent"]]] += refund["amount"]
        wanted = {f"agreement-{promise.agreement_id}": promise for promise in charged}
        for group in wanted.keys() | took.keys():
            promise = wanted.get(group)
            right = ([promise.amount], promise.refunded) if promise else ([], 0)
            if (took[group], back[group]) != right:
                yield f"provider: {group} was charged {took[group]} and refunded {back[group]}, expected {right}"
        sent: dict[str, list[int]] = defaultdict(list)
        for _seq, transfer in self._bank.objects("transfer"):
            sent[transfer["transfer_group"]].append(transfer["amount"] - transfer["amount_reversed"])
        for group in wanted.keys() | sent.keys():
            expected = [wanted[group].earned] if group in wanted else []
            if sent[group] != expected:
                yield f"provider: {group} was paid out {sent[group]}, expected {expected}"

    @staticmethod
    def _books() -> Iterator[str]:
        """Let the ledger and the campaigns prove themselves."""
        yield from (f"ledger audit: {finding}" for finding in ledger.audit())
        yield from (f"campaign totals: {drift}" for drift in totals.drift())

    def _events(self) -> Iterator[str]:
        """Every event of the bank is in the inbox once, and none that the bank did not send."""
        theirs = {row[0] for row in self._bank.rows("SELECT DISTINCT event_id FROM delivery WHERE state = 'delivered'")}
        ours = set(db.session.scalars(select(GatewayEvent.event_id)))
        if theirs != ours:
            yield f"events: {len(theirs - ours)} are lost, {len(ours - theirs)} were forged"

    def _mails(self) -> Iterator[str]:
        """Every mail that was promised was written, and those about a single step once; operators heard of no alarm."""
        written = {name.rpartition("-")[2].removesuffix(".eml") for name in _names(self._mail)}
        newest = db.session.scalar(select(func.max(Job.id))) or 0
        fresh = (Job.id > self._last_job, Job.id <= newest)
        self.jobs_again = db.session.scalar(select(func.count()).where(*fresh, Job.deaths > 0)) or 0
        payloads = db.session.scalars(select(Job.payload).where(*fresh, Job.kind == MAIL_JOB, Job.state == DONE)).all()
        self._last_job = newest
        for payload in payloads:
            if payload["token"] not in written:
                yield f"mail: {payload['template']} to member {payload.get('user_id')} was never sent"
            if payload.get("kind") in ONCE:
                self._told[payload["user_id"], payload["kind"], payload["url"]] += 1
        yield from (f"mail: {about} was sent {count} times" for about, count in self._told.items() if count > 1)
        alarms: Any = select(Notification.params).where(Notification.kind == "payment_alarm").distinct()
        yield from (f"alarm: {facts}" for facts in db.session.scalars(alarms))


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.eml")] if folder.exists() else []


def _states(promise: Promise, paid: bool, closed: set[int], failed: set[int]) -> tuple[str, ...]:
    """Give the states in which a pledge may be, by what its backer did and what became of its campaign."""
    if promise.ended:
        return (promise.ended,)
    if promise.campaign_id in failed:
        return ("released",)
    if promise.campaign_id not in closed:
        return ("pledged",)
    if promise.charged_back == "lost":
        return ("charged_back",)
    return ("collected",) if paid else ("dropped",)
