"""Takes in the provider's list of entries: page after page, each entry once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from marketplace import clock
from marketplace.database import db, is_sqlite, transaction
from marketplace.payments.facts import Refused, Trouble, Unknown
from marketplace.payments.gateway import gateway
from marketplace.payments.reconciliation.facts import EntryFacts, EntryPage, Statement
from marketplace.payments.reconciliation.models import ProviderEntry

PAUSES = (1.0, 4.0, 16.0)
"""Seconds to wait before asking again for what did not come, where somebody waits for it; a job comes back later instead."""

Progress = Callable[[int], None]


class Interrupted(RuntimeError):
    """The provider stopped answering; what was taken in stays, and another run goes on."""


def statement() -> Statement:
    """Give the current gateway as one that can be compared."""
    return cast(Statement, gateway())


def take_in(
    name: str, since: datetime | None, progress: Progress | None = None, pauses: Sequence[float] = ()
) -> tuple[int, set[str]]:
    """Keep every entry since an instant (UTC; None for all); gives how many were new, and the objects of all that were seen.

    `progress` hears how many entries a page had; `pauses` are as PAUSES. Raises Interrupted.
    """
    added, seen, after = 0, set[str](), ""
    while True:
        page = _patiently(lambda after=after: statement().list_entries(since, after), pauses)  # type: ignore[misc]
        added += _keep(name, page)
        seen.update(entry.subject for entry in page.entries)
        if progress is not None:
            progress(len(page.entries))
        after = page.next_after
        if not after:
            return added, seen


def _patiently(ask: Callable[[], EntryPage | Trouble], pauses: Sequence[float]) -> EntryPage:
    for pause in (*pauses, None):
        answer = ask()
        if isinstance(answer, EntryPage):
            return answer
        if isinstance(answer, Refused):
            raise Interrupted(f"the provider refuses: {answer.detail or answer.code}")
        if pause is not None:
            time.sleep(pause)
    why = answer.detail or str(answer.reason) if isinstance(answer, Unknown) else ""
    raise Interrupted(f"the provider does not answer: {why}")


def _keep(name: str, page: EntryPage) -> int:
    if not page.entries:
        return 0
    rows = [_row(name, entry, clock.now()) for entry in page.entries]
    table = cast(Table, ProviderEntry.__table__)
    insert = sqlite.insert(table) if is_sqlite() else postgresql.insert(table)
    statement = insert.values(rows).on_conflict_do_nothing(index_elements=["gateway", "ref"]).returning(table.c.id)
    with transaction():
        return len(db.session.connection().execute(statement).all())


def _row(name: str, entry: EntryFacts, at: datetime) -> dict[str, object]:
    return {
        "gateway": name, "ref": entry.ref, "kind": entry.kind, "subject": entry.subject,
        "subject_kind": entry.subject_kind, "amount_minor": entry.amount_minor, "fee_minor": entry.fee_minor,
        "currency": entry.currency, "at": entry.at, "seen_at": at,
    }  # fmt: skip


def entries_of(name: str, subjects: list[str]) -> list[ProviderEntry]:
    """Give the kept entries of some objects, the oldest first."""
    wanted = (
        select(ProviderEntry)
        .where(ProviderEntry.gateway == name, ProviderEntry.subject.in_(subjects))
        .order_by(ProviderEntry.at, ProviderEntry.id)
    )
    return list(db.session.scalars(wanted))
