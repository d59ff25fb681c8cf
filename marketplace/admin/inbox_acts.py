"""Looking once more at an event of the gateway."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.admin import audit
from marketplace.database import transaction
from marketplace.errors import NotFound, Refused
from marketplace.payments.gateway import ObjectRef
from marketplace.payments.inbox import ring
from marketplace.payments.models import GatewayEvent

WRONG_MODE = "wrong mode"


def replayable(state: str, last_error: str | None) -> bool:
    """Tell whether looking again makes sense: not while it waits anyway, and never for an event of the other mode."""
    return state != "received" and last_error != WRONG_MODE


def replay(event_id: int, actor_id: int | None) -> None:
    """Ask for another look at the object that an event is about; safe at any time, because facts are applied once.

    The event itself is not believed: the job reads the object as it is now. Raises NotFound, Refused.
    """
    with transaction() as session:
        event = session.get(GatewayEvent, event_id, with_for_update=True, populate_existing=True)
        if event is None:
            raise NotFound(_("There is no such event."))
        if not replayable(event.state, event.last_error):
            raise Refused(_("This event waits already, or belongs to the gateway's other mode."), code="not_replayable")
        before = event.state
        event.state, event.tries, event.last_error, event.settled_at = "received", 0, None, None
        session.flush()
        ring(event.gateway, ObjectRef(event.object_type, event.object_id, event.account))
        audit.record(actor_id, "gateway_event.replayed", "gateway_event", event_id, data={"state": before})
