"""What circles bring to the plugin's hooks, light enough for every start."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import JobKind, SettingSpec, late

JOBS = (
    JobKind(
        "sharing.circles",
        late("plugins.sharing.circle.circle_sweep:sweep"),
        every=timedelta(minutes=10),
        label=_l("Mind the circles: remind, say that somebody is missing, write the calendar on"),
    ),
)


def settings() -> list[SettingSpec]:
    """Give the settings of circles."""
    return [
        SettingSpec("sharing.circle_members", _l("Most members of a circle"), "int", 60, minimum=2, maximum=500,
            group=_l("Sharing: help and circles")),
    ]  # fmt: skip
