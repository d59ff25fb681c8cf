"""One comparison: take in the provider's entries, set them against our books, look again at what differs, note the rest.

Running it twice finds the same and books nothing twice. What it looks at again mails nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from marketplace import clock
from marketplace.database import db, transaction
from marketplace.jobs.quiet import quietly
from marketplace.logs import log_of
from marketplace.payments import notices
from marketplace.payments.apply import apply
from marketplace.payments.facts import Refused, Trouble, Unknown
from marketplace.payments.gateway import ObjectRef, gateway, gateway_name
from marketplace.payments.reconciliation import books, findings
from marketplace.payments.reconciliation.books import Figures
from marketplace.payments.reconciliation.intake import Interrupted, Progress, entries_of, statement, take_in
from marketplace.payments.reconciliation.models import Comparison, Difference, ProviderEntry
from marketplace.settings import service as settings

log = log_of(__name__)

OVERLAP = timedelta(days=3)
"""How far before the last run a run begins: entries may appear late, and a booking may wait for its answer."""

YOUNG = timedelta(hours=1)
"""What is younger may still be on its way from one side to the other; it is compared by the next run."""

BATCH = 200


@dataclass(frozen=True, slots=True)
class Row:
    """The two figures of one object in one currency, signed minor units."""

    subject: str
    currency: str
    theirs: int
    ours: int


def reconcile(
    since: datetime | None = None, progress: Progress | None = None, pauses: Sequence[float] = ()
) -> Comparison:
    """Compare everything since an instant (UTC; None: since shortly before the last run, or all of it).

    Gives the run's record; its `error` says why it was interrupted, if it was. `progress` hears how many entries came;
    `pauses` are the seconds to wait before asking again for a page that did not come.
    """
    name = gateway_name()
    run_id, since, ledger_from = _begin(name, since)
    try:
        added, seen = take_in(name, since, progress, pauses)
        named, upto = books.moved_since(name, ledger_from, clock.now() - YOUNG)
        left = _compare(name, seen | named | findings.open_subjects(name))
        booked = 0
        if left and settings.get("payments.reconcile_books"):
            _look_again(name, left)
            before, left = left, _compare(name, {row.subject for row in left})
            booked = _moved(before, left)
        count = findings.write(name, left, entries_known=_known(name, left))
        _compare_balance(name)
    except Interrupted as error:
        log.warning("reconciliation_interrupted", why=str(error))
        return _end(run_id, error=str(error)[:200])
    return _end(run_id, entries=added, compared=len(seen | named), booked=booked, differences=count, ledger_upto=upto)


def _begin(name: str, since: datetime | None) -> tuple[int, datetime | None, int]:
    whole = select(Comparison).where(
        Comparison.gateway == name, Comparison.ended_at.is_not(None), Comparison.error == ""
    )
    newest = db.session.scalars(whole.order_by(Comparison.id.desc()).limit(1)).first()
    if since is None and newest is not None:
        since = newest.started_at - OVERLAP
    earlier = whole.where(Comparison.started_at <= since) if since is not None else whole.where(Comparison.id < 0)
    mark = db.session.scalar(earlier.order_by(Comparison.id.desc()).limit(1).with_only_columns(Comparison.ledger_upto))
    with transaction():
        run = Comparison(gateway=name, since=since, started_at=clock.now())
        db.session.add(run)
        db.session.flush()
    return run.id, since, int(mark or 0)


def _end(run_id: int, **figures: int | str) -> Comparison:
    with transaction():
        db.session.execute(update(Comparison).where(Comparison.id == run_id).values(ended_at=clock.now(), **figures))
    run = db.session.get_one(Comparison, run_id, populate_existing=True)
    if run.differences:
        notices.alarm("books_differ_from_provider", run=run.id, differences=run.differences)
    return run


def _compare(name: str, subjects: Iterable[str]) -> list[Row]:
    """Give what differs, but nothing of which an entry is still young."""
    listed = sorted(set(subjects) - {findings.BALANCE})
    found = []
    for start in range(0, len(listed), BATCH):
        part = listed[start : start + BATCH]
        theirs, pairs = books.theirs(name, part)
        ours = books.booked(name, books.keys_of(part, pairs))
        found += _differing(theirs, ours)
    return found


def _differing(theirs: Figures, ours: Figures) -> list[Row]:
    rows = (Row(*key, theirs.get(key, 0), ours.get(key, 0)) for key in sorted({*theirs, *ours}))
    return [row for row in rows if row.theirs != row.ours]


def _known(name: str, rows: Sequence[Row]) -> set[str]:
    subjects = {row.subject for row in rows}
    entries = select(ProviderEntry.subject).where(ProviderEntry.gateway == name, ProviderEntry.subject.in_(subjects))
    return set(db.session.scalars(entries.distinct()))


def _moved(before: Sequence[Row], after: Sequence[Row]) -> int:
    """Count the objects of which our books say something else than before: a look alone books nothing."""
    now = {(row.subject, row.currency): row.ours for row in after}  # what agrees by now is not among them
    return len({row.subject for row in before if now.get((row.subject, row.currency)) != row.ours})


def _look_again(name: str, rows: Sequence[Row]) -> None:
    """Ask the provider about each object that differs and apply what it says, telling nobody."""
    for subject in sorted({row.subject for row in rows}):
        entries = entries_of(name, [subject])
        db.session.commit()
        with quietly():
            with transaction():
                ruled = sum(books.book(entry) for entry in entries) > 0  # each of them, not only the first
            if not ruled:
                _apply(entries)


def _apply(entries: Sequence[ProviderEntry]) -> None:
    if not entries:
        return
    subject = ObjectRef(entries[-1].subject_kind, entries[-1].subject)
    answer = gateway().read(subject)
    if isinstance(answer, Unknown):  # what nobody could look at is no difference yet; another run looks again
        raise Interrupted(f"the provider does not answer about {subject.ref}")
    if isinstance(answer, Refused):
        return
    with transaction():
        for facts in answer:
            apply(facts)


def _compare_balance(name: str) -> None:
    """Set the totals against each other; our side is allowed what the single differences explain, so nothing is told twice."""
    for _try in range(3):  # money may move between the two looks
        answer = statement().balance()
        if isinstance(answer, Trouble):
            return
        ours = books.balances(name)
        explained = _explained(name)
        allowed = {currency: ours.get(currency, 0) + explained.get(currency, 0) for currency in {*answer, *ours}}
        off = {
            currency: (answer.get(currency, 0), minor)
            for currency, minor in allowed.items()
            if answer.get(currency, 0) != minor
        }
        if not off:
            break
    findings.write_balance(name, off)


def _explained(name: str) -> dict[str, int]:
    """Give what single differences leave between the totals, theirs less ours; settled ones count, for they stay."""
    rows = db.session.execute(
        select(Difference.currency, func.sum(Difference.theirs_minor - Difference.ours_minor))
        .where(Difference.gateway == name, Difference.kind != "balance", Difference.state.in_(("open", "settled")))
        .group_by(Difference.currency)
    ).all()
    return {currency: int(minor) for currency, minor in rows}
