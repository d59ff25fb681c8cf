"""The life of a pass: paid month by month until somebody ends it or a payment fails for good."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Role
from plugins.sharing.use.monthly_life import life

PASS = life(
    "pass",
    runs=_l("The pass runs"),
    leaving=_l("End the pass"),
    leavers=frozenset({Role.MEMBER, Role.OWNER, Role.OPERATOR, Role.SYSTEM}),
)
