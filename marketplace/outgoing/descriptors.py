"""What webhooks to other systems bring to the core: their background work, and what operators are told."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import JobKind, NotificationKind
from marketplace.late import late

JOBS: tuple[JobKind, ...] = (
    JobKind("outgoing.spread", late("marketplace.outgoing.delivering:spread"), label=_l("Tell other systems")),
    JobKind("outgoing.deliver", late("marketplace.outgoing.delivering:deliver"), label=_l("Call another system")),
    JobKind(
        "outgoing.tidy",
        late("marketplace.outgoing.delivering:tidy"),
        every=timedelta(days=1),
        label=_l("Remove old messages to other systems"),
    ),
)
NOTIFICATIONS: tuple[NotificationKind, ...] = (
    NotificationKind(
        "outgoing_switched_off",
        _l("Webhooks to %(name)s were switched off because they did not arrive."),
        group="community",
        icon="webhook",
        required=True,
    ),
)
