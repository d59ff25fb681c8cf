"""Catching up after an outage: walks the gateway's own list of events and takes in those that never came.

Running it twice does nothing: an event is kept once, and what it leads to is applied once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from marketplace import clock
from marketplace.database import db
from marketplace.logs import log_of
from marketplace.payments.facts import Refused, Unknown
from marketplace.payments.gateway import EventPage, gateway, gateway_name
from marketplace.payments.intake import read_event, take_in
from marketplace.payments.method_models import PayoutAccount
from marketplace.payments.signature import Forged

log = log_of(__name__)

PAUSES = (1.0, 4.0, 16.0)
"""Seconds to wait before asking again for a page that did not come."""

Progress = Callable[[float], None]


class Interrupted(RuntimeError):
    """The gateway stopped answering; what was taken in stays, and another run goes on."""


@dataclass(slots=True)
class Caught:
    """What a backfill saw and took in."""

    seen: int = 0
    added: int = 0
    accounts: int = 0
    unreadable: int = 0


def backfill(since: datetime, *, mail: bool = False, accounts: bool = True, progress: Progress | None = None) -> Caught:
    """Take in every event since an instant (UTC) that is not here yet; the worker then looks at their objects.

    Nobody gets mail about what follows unless `mail` is set. `accounts`: of members' connected accounts too. `progress`
    hears what part of the way is behind us, 0 to 1. Raises Interrupted.
    """
    caught = Caught()
    places = ["", *_connected()] if accounts else [""]
    now = clock.now()
    for number, account in enumerate(places):
        for page in _pages(since, account):
            _keep(page, account, mail, caught)
            if progress is not None and page.oldest_at is not None:
                way = (now - page.oldest_at) / max(now - since, clock.now() - now)
                progress((number + min(1.0, max(0.0, way))) / len(places))
        caught.accounts += bool(account)
    if progress is not None:
        progress(1.0)
    return caught


def _connected() -> list[str]:
    wanted = select(PayoutAccount.ref).where(PayoutAccount.gateway == gateway_name()).order_by(PayoutAccount.id)
    found = list(db.session.scalars(wanted))
    db.session.rollback()
    return found


def _pages(since: datetime, account: str) -> Iterator[EventPage]:
    after = ""
    while True:
        page = _page(since, after, account)
        if page is None:
            return
        yield page
        after = page.next_after
        if not after:
            return


def _page(since: datetime, after: str, account: str) -> EventPage | None:
    """Ask for a page, patiently; None for an account that is no longer connected."""
    for pause in (*PAUSES, None):
        answer = gateway().list_events(since, after, account)
        if isinstance(answer, EventPage):
            return answer
        if isinstance(answer, Refused):
            if not account:
                raise Interrupted(f"the gateway refuses: {answer.detail or answer.code}")
            log.warning("backfill_left_out", account=account, why=answer.code)
            return None
        if pause is None:
            break
        time.sleep(pause)
    why = answer.detail or str(answer.reason) if isinstance(answer, Unknown) else ""
    raise Interrupted(f"the gateway does not answer: {why}")


def _keep(page: EventPage, account: str, mail: bool, caught: Caught) -> None:
    events = []
    for body in page.bodies:
        try:
            events.append(read_event(body, account))
        except Forged as error:
            caught.unreadable += 1
            log.warning("backfill_unreadable", why=str(error), size=len(body))
    caught.seen += len(page.bodies)
    caught.added += take_in(events, quiet=not mail)
