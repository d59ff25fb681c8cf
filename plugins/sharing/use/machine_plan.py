"""The life of a plan: paid month by month until somebody ends it or a payment fails for good."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.api import Role
from plugins.sharing.use.monthly_life import life

PLAN = life(
    "plan",
    runs=_l("The plan runs"),
    leaving=_l("End the plan"),
    leavers=frozenset({Role.MEMBER, Role.OWNER, Role.OPERATOR}),
)
