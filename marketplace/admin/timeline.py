"""Everything that happened to an agreement or a payment, from five sources, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import CompoundSelect, Select, String, cast, select, union_all

from marketplace.admin import books
from marketplace.admin.models import AuditEntry
from marketplace.admin.words import booking_label, words
from marketplace.agreements.models import Agreement, AgreementEvent
from marketplace.agreements.page import state_label
from marketplace.database import db
from marketplace.display import money
from marketplace.payments.dispute_models import Dispute
from marketplace.payments.gateway import gateway_name
from marketplace.payments.models import GatewayEvent, Payment, PaymentAttempt, Refund
from marketplace.payments.payout_models import PayoutPart
from marketplace.payments.replays import replayable
from marketplace.runtime import agreement_kind
from marketplace.users.models import User

MOST = 200
"""Of each source, the newest so many."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened; `at` is UTC, `replay` the gateway event that can be looked at again."""

    at: datetime
    icon: str
    text: Any
    badge: str = ""
    tone: str = ""
    note: str = ""
    url: str = ""
    reference: str = ""
    raw: str = ""
    replay: int | None = None


def of_agreement(agreement: Agreement) -> list[Moment]:
    """Gather an agreement's history, attempts, refunds, gateway events, bookings and acts of operators."""
    payments = select(Payment.id).where(Payment.agreement_id == agreement.id)
    return _sorted([
        *_history(agreement),
        *_money(payments),
        *_bookings(books.bookings_of(agreement_id=agreement.id)),
        *_acts((AuditEntry.subject_type == "agreement") & (AuditEntry.subject_id == str(agreement.id)), payments),
    ])  # fmt: skip


def of_payment(payment_id: int) -> list[Moment]:
    """Gather a payment's attempts, refunds, gateway events, bookings and acts of operators."""
    payments = select(Payment.id).where(Payment.id == payment_id)
    return _sorted([*_money(payments), *_bookings(books.bookings_of(payment_id=payment_id)), *_acts(None, payments)])


def _sorted(moments: list[Moment]) -> list[Moment]:
    return sorted(moments, key=lambda moment: moment.at)


def _history(agreement: Agreement) -> list[Moment]:
    rows = db.session.execute(
        select(
            AgreementEvent.transition, AgreementEvent.to_state, AgreementEvent.actor_role, AgreementEvent.note,
            AgreementEvent.at, User.name,
        )
        .outerjoin(User, User.id == AgreementEvent.actor_id)
        .where(AgreementEvent.agreement_id == agreement.id)
        .order_by(AgreementEvent.seq.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    kind = agreement_kind(agreement.kind)
    return [
        Moment(
            row.at, "handshake", state_label(kind, row.to_state), note=_note(row.name or _("The marketplace"), row.note),
            reference=row.transition,
        )
        for row in reversed(rows)
    ]  # fmt: skip


def _note(who: str, text: str) -> str:
    return f"{who}: {text}" if text else who


def _money(payments: Select[*tuple[Any, ...]]) -> list[Moment]:
    return [*_attempts(payments), *_refunds(payments), *gateway_moments(payments)]


def _attempts(payments: Select[*tuple[Any, ...]]) -> list[Moment]:
    refunds = select(Refund.id).where(Refund.payment_id.in_(payments))
    rows = db.session.execute(
        select(
            PaymentAttempt.kind, PaymentAttempt.state, PaymentAttempt.ref, PaymentAttempt.error_code,
            PaymentAttempt.created_at, PaymentAttempt.payment_id,
        )
        .where(PaymentAttempt.payment_id.in_(payments) | PaymentAttempt.refund_id.in_(refunds))
        .order_by(PaymentAttempt.id.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    return [
        Moment(
            row.created_at, "send", words("attempt_kind", row.kind)[0], *words("attempt", row.state),
            note=(row.error_code or "").replace("_", " "), reference=row.ref or "",
            url=url_for("operator.payment", payment_id=row.payment_id) if row.payment_id else "",
        )
        for row in reversed(rows)
    ]  # fmt: skip


def _refunds(payments: Select[*tuple[Any, ...]]) -> list[Moment]:
    rows = db.session.execute(
        select(
            Refund.payment_id, Refund.state, Refund.amount_minor, Refund.currency, Refund.reason, Refund.created_at,
            Refund.ref, User.name,
        )
        .outerjoin(User, User.id == Refund.actor_id)
        .where(Refund.payment_id.in_(payments))
        .order_by(Refund.id.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    return [
        Moment(
            row.created_at, "undo-2",
            _("Refund of %(amount)s", amount=money(row.amount_minor, row.currency, exact=True)),
            *words("refund", row.state), note=_note(row.name or _("The marketplace"), row.reason),
            reference=row.ref or "", url=url_for("operator.payment", payment_id=row.payment_id),
        )
        for row in reversed(rows)
    ]  # fmt: skip


def gateway_moments(payments: Select[*tuple[Any, ...]]) -> list[Moment]:
    """Give the gateway's events about any object of these payments, with their raw bodies."""
    refunds = select(Refund.id).where(Refund.payment_id.in_(payments))
    refs: CompoundSelect[Any] = union_all(
        select(PaymentAttempt.ref).where(PaymentAttempt.payment_id.in_(payments)),
        select(PaymentAttempt.ref).where(PaymentAttempt.refund_id.in_(refunds)),
        select(Payment.source_ref).where(Payment.id.in_(payments)),
        select(Refund.ref).where(Refund.payment_id.in_(payments)),
        select(Dispute.ref).where(Dispute.payment_id.in_(payments)),
        select(PayoutPart.ref).where(PayoutPart.payment_id.in_(payments)),
    )
    rows = db.session.execute(
        select(
            GatewayEvent.id, GatewayEvent.type, GatewayEvent.state, GatewayEvent.object_id, GatewayEvent.raw,
            GatewayEvent.last_error, GatewayEvent.received_at,
        )
        .where(GatewayEvent.gateway == gateway_name(), GatewayEvent.object_id.in_(refs))
        .order_by(GatewayEvent.id.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    return [
        Moment(
            row.received_at, "webhook", row.type, *words("event", row.state), note=row.last_error or "",
            url=url_for("operator.gateway_event", event_id=row.id), reference=row.object_id,
            raw=row.raw.decode("utf-8", "replace"), replay=row.id if replayable(row.state, row.last_error) else None,
        )
        for row in reversed(rows)
    ]  # fmt: skip


def _bookings(found: Sequence[books.Booking]) -> list[Moment]:
    return [
        Moment(
            one.at, "book-open", booking_label(one.description), reference=one.key, badge=_("Booked"), tone="info",
            url=url_for("operator.ledger_transaction", transaction_id=one.id),
        )
        for one in found
    ]  # fmt: skip


def _acts(also: Any, payments: Select[*tuple[Any, ...]]) -> list[Moment]:
    """Give what operators did with these payments, and with what `also` names."""
    ids = payments.with_only_columns(cast(Payment.id, String))
    about = (AuditEntry.subject_type == "payment") & AuditEntry.subject_id.in_(ids)
    rows = db.session.execute(
        select(AuditEntry.at, AuditEntry.action, AuditEntry.reason, User.name)
        .outerjoin(User, User.id == AuditEntry.actor_id)
        .where(about if also is None else about | also)
        .order_by(AuditEntry.id.desc())
        .limit(MOST)
    ).all()
    return [
        Moment(row.at, "shield-check", _("An operator acted"), note=_note(row.name or _("The marketplace"), row.reason),
               reference=row.action)
        for row in reversed(rows)
    ]  # fmt: skip
