"""The jobs around calendars: other sites' are fetched, and holds that lapsed long ago go."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import JobKind, late

JOBS = (
    JobKind(
        "sharing.look_for_calendars",
        late("plugins.sharing.slot.imports:look"),
        every=timedelta(minutes=10),
        label=_l("Look for calendars to fetch"),
    ),
    JobKind("sharing.fetch_calendar", late("plugins.sharing.slot.imports:refresh"), label=_l("Fetch a calendar")),
    JobKind(
        "sharing.forget_holds",
        late("plugins.sharing.slot.imports:forget_lapsed"),
        every=timedelta(hours=6),
        label=_l("Forget lapsed holds"),
    ),
)
