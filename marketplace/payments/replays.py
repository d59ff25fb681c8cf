"""Looking once more at what an event was about, because somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import db, transaction
from marketplace.errors import NotFound, Refused
from marketplace.payments.gateway import ObjectRef
from marketplace.payments.inbox import ring
from marketplace.payments.inbox_models import WRONG_MODE, GatewayEvent

CHUNK = 500


def replayable(state: str, last_error: str | None) -> bool:
    """Tell whether looking again makes sense: not while it waits anyway, and never for an event of the other mode."""
    return state != "received" and last_error != WRONG_MODE


def replay(event_id: int, actor_id: int | None, reason: str = "", *, mail: bool = False) -> None:
    """Ask for another look at the object that an event is about; safe at any time, because facts are applied once.

    The event itself is not believed: the job reads the object as it is now. Whatever follows from it mails nobody unless
    `mail` is set; the lines in members' lists are written. Raises NotFound, Refused.
    """
    with transaction() as session:
        event = session.get(GatewayEvent, event_id, with_for_update=True, populate_existing=True)
        if event is None:
            raise NotFound(_("There is no such event."))
        if not replayable(event.state, event.last_error):
            raise Refused(_("This event waits already, or belongs to the gateway's other mode."), code="not_replayable")
        facts = {"state": event.state, "mail": mail}
        event.state, event.tries, event.last_error, event.settled_at = "received", 0, None, None
        event.quiet, event.waits_since = not mail, clock.now()
        session.flush()
        ring(event.gateway, ObjectRef(event.object_type, event.object_id, event.account))
        audit.record(actor_id, "gateway_event.replayed", "gateway_event", event_id, reason, facts)


def replay_all(state: str, actor_id: int | None, reason: str = "", *, mail: bool = False) -> int:
    """Replay every event in one of the states in which events end; gives how many."""
    count = last = 0
    while ids := _ids(state, last):
        for event_id in ids:
            last = event_id
            try:
                replay(event_id, actor_id, reason, mail=mail)
            except Refused:
                continue  # of the other mode, or somebody else was faster
            count += 1
    return count


def _ids(state: str, last: int) -> Sequence[int]:
    wanted = select(GatewayEvent.id).where(GatewayEvent.state == state, GatewayEvent.id > last)
    return db.session.scalars(wanted.order_by(GatewayEvent.id).limit(CHUNK)).all()
