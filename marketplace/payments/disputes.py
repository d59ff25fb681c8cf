"""What operators do about a chargeback: gather evidence, submit it, or give the case up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import Conflict, InvalidInput, NotFound, Refused
from marketplace.jobs.service import enqueue
from marketplace.payments.apply import apply
from marketplace.payments.attempts import locked, new_key, open_attempt
from marketplace.payments.dispute_models import ANSWERABLE, Dispute, DisputeFile
from marketplace.payments.errands import Errand, carry_out, errand
from marketplace.payments.facts import Trouble
from marketplace.payments.models import PaymentAttempt
from marketplace.payments.orders import AnswerOrder
from marketplace.payments.provider import provider

LONGEST = 20_000
"""Characters of one text; the provider takes 150,000 of all together."""

MOST_BYTES = 5 * 1024 * 1024
"""Of one file (https://docs.stripe.com/disputes/best-practices: 4.5 MB together is what banks accept)."""

SIGNS = {b"%PDF-": "pdf", b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg"}
"""How the kinds of file that banks take begin."""


@dataclass(frozen=True, slots=True)
class Field:
    """One piece of evidence by the provider's name; `file` for an upload, else a text of several lines or of one."""

    name: str
    label: Any
    file: bool = False
    lines: int = 1


FIELDS: tuple[Field, ...] = (
    Field("product_description", _l("What was paid for"), lines=4),
    Field("customer_name", _l("Name of the payer")),
    Field("customer_email_address", _l("Mail address of the payer")),
    Field("customer_purchase_ip", _l("Address (IP) from which it was paid")),
    Field("billing_address", _l("Address of the payer")),
    Field("service_date", _l("When it was used or delivered")),
    Field("access_activity_log", _l("Log that shows the use of it"), lines=4),
    Field("refund_policy_disclosure", _l("How the payer was told about refunds"), lines=3),
    Field("refund_refusal_explanation", _l("Why nothing was refunded"), lines=3),
    Field("cancellation_policy_disclosure", _l("How the payer was told about cancelling"), lines=3),
    Field("cancellation_rebuttal", _l("Why it was not cancelled"), lines=3),
    Field("duplicate_charge_explanation", _l("Why this is no second charge of the same"), lines=3),
    Field("shipping_address", _l("Address it was sent to")),
    Field("shipping_carrier", _l("Who carried it")),
    Field("shipping_date", _l("When it was sent")),
    Field("shipping_tracking_number", _l("Tracking number")),
    Field("uncategorized_text", _l("Anything else"), lines=5),
    Field("customer_communication", _l("Messages with the payer"), file=True),
    Field("receipt", _l("Receipt or confirmation"), file=True),
    Field("service_documentation", _l("Proof that it was delivered or used"), file=True),
    Field("shipping_documentation", _l("Proof that it was sent"), file=True),
    Field("refund_policy", _l("Refund policy"), file=True),
    Field("cancellation_policy", _l("Cancellation policy"), file=True),
    Field("customer_signature", _l("Signature of the payer"), file=True),
    Field("uncategorized_file", _l("Any other file"), file=True),
)
TEXTS = tuple(field for field in FIELDS if not field.file)
FILES = tuple(field for field in FIELDS if field.file)


def get(dispute_id: int) -> Dispute:
    """Give a dispute; raises NotFound."""
    dispute = db.session.get(Dispute, dispute_id)
    if dispute is None:
        raise NotFound(_("There is no such chargeback."))
    return dispute


def files_of(dispute_id: int) -> dict[str, DisputeFile]:
    """Give the files that were uploaded for a dispute, by the name of the evidence."""
    rows = db.session.scalars(select(DisputeFile).where(DisputeFile.dispute_id == dispute_id))
    return {row.field: row for row in rows}


def _locked(dispute_id: int) -> Dispute:
    payment_id = db.session.scalar(select(Dispute.payment_id).where(Dispute.id == dispute_id))
    if payment_id is None:
        raise NotFound(_("There is no such chargeback."))
    locked(payment_id)
    return db.session.get_one(Dispute, dispute_id, with_for_update=True, populate_existing=True)


def _answerable(dispute: Dispute) -> None:
    if dispute.state not in ANSWERABLE or dispute.answer:
        raise Refused(_("This chargeback can't be answered any more."), code="dispute_state")


def save(dispute_id: int, texts: Mapping[str, str], version: int) -> Dispute:
    """Keep a draft of the evidence here; raises Conflict when somebody else changed it, Refused once it was sent."""
    known = {field.name for field in TEXTS}
    given = {name: text.strip() for name, text in texts.items() if name in known and text.strip()}
    too_long = {name: str(_("Use at most 20,000 characters.")) for name, text in given.items() if len(text) > LONGEST}
    if too_long:
        raise InvalidInput(too_long)
    with transaction():
        dispute = _locked(dispute_id)
        _answerable(dispute)
        if dispute.evidence != given:
            if dispute.version != version:
                raise Conflict(_("Meanwhile this chargeback changed. Look at it again; what you wrote is still here."))
            dispute.evidence = given
            dispute.updated_at = clock.now()
            dispute.version += 1
    return dispute


def upload(dispute_id: int, field: str, name: str, content: bytes) -> str | Trouble:
    """Upload a file to the provider and remember its reference; gives the reference. Must not run in a transaction.

    Raises InvalidInput for what no bank takes: other kinds than PDF, PNG and JPEG, an empty file, or more than 5 MB.
    """
    if field not in {one.name for one in FILES}:
        raise NotFound(_("There is no such evidence."))
    kind = next((kind for sign, kind in SIGNS.items() if content.startswith(sign)), "")
    if not kind:
        raise InvalidInput({field: _("Banks take PDF, PNG and JPEG files.")})
    if len(content) > MOST_BYTES:
        raise InvalidInput({field: _("This file is larger than 5 MB.")})
    with transaction():
        _answerable(_locked(dispute_id))
    answer = provider().upload_evidence(new_key(), f"{field}.{kind}", content)
    if isinstance(answer, str):
        with transaction() as session:
            dispute = _locked(dispute_id)
            old = select(DisputeFile).where(DisputeFile.dispute_id == dispute.id, DisputeFile.field == field)
            row = session.scalars(old).one_or_none() or DisputeFile(dispute_id=dispute.id, field=field)
            row.ref, row.name, row.size, row.uploaded_at = answer, name[:120], len(content), clock.now()
            session.add(row)
    return answer


def submit(dispute_id: int, actor_id: int) -> Dispute:
    """Send the evidence to the bank, once and for all; a job does it after the commit. Raises Refused without any."""
    with transaction():
        dispute = _locked(dispute_id)
        _answerable(dispute)
        if not dispute.evidence and not files_of(dispute.id):
            raise Refused(_("Write or upload something first: the bank looks at it only once."), code="no_evidence")
        _ask(dispute, "evidence", actor_id, "")
    return dispute


def concede(dispute_id: int, actor_id: int, reason: str) -> Dispute:
    """Give the case up: it is lost. A job tells the provider after the commit."""
    with transaction():
        dispute = _locked(dispute_id)
        _answerable(dispute)
        _ask(dispute, "concede", actor_id, reason)
    return dispute


def _ask(dispute: Dispute, answer: str, actor_id: int, reason: str) -> None:
    dispute.answer, dispute.answer_error = answer, None
    dispute.updated_at = clock.now()
    action = "dispute.conceded" if answer == "concede" else "dispute.answered"
    audit.record(actor_id, action, "payment", dispute.payment_id, reason, {"dispute": dispute.id})
    payload = {"dispute": dispute.id, "actor": actor_id}
    enqueue("payments.answer_dispute", payload, key=f"payments.answer_dispute:{dispute.id}")


def run_answer(dispute_id: int, actor_id: int) -> None:
    """Send what an operator answered; does nothing when it was sent."""
    job = _prepare(dispute_id, actor_id)
    if job is not None:
        carry_out(job)


def _prepare(dispute_id: int, actor_id: int) -> Errand | None:
    with transaction():
        dispute = _locked(dispute_id)
        live = db.session.scalars(
            select(PaymentAttempt)
            .where(PaymentAttempt.dispute_id == dispute.id, PaymentAttempt.state.in_(("open", "unknown")))
            .execution_options(populate_existing=True)
        ).one_or_none()
        if live is not None:
            return errand(live)
        if not dispute.answer or not dispute.is_open:
            return None
        conceding = dispute.answer == "concede"
        files = {} if conceding else {name: row.ref for name, row in files_of(dispute.id).items()}
        order = AnswerOrder(dispute.ref, {} if conceding else dict(dispute.evidence), files)
        return errand(
            open_attempt(
                dispute.answer, order, user_id=actor_id, payment_id=dispute.payment_id, dispute_id=dispute.id
            )
        )  # fmt: skip


def look(dispute_id: int) -> None:
    """Ask the provider how a case stands, in case no event came."""
    ref = db.session.scalar(select(Dispute.ref).where(Dispute.id == dispute_id))
    if ref is None:
        return
    answer = provider().read_case(ref)
    if not isinstance(answer, Trouble):
        for facts in answer:
            apply(facts)
