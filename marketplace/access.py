"""One question, one place: may this person do this with that thing?"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from flask_babel import gettext as _

from marketplace.errors import Forbidden, NotFound
from marketplace.runtime import decide

Rule = Callable[[Any, Any], bool]
"""(user or None, subject) -> allowed"""

RULES: dict[str, Rule] = {}
"""The core's own rules by action, e.g. "listing.edit"; each core package adds its own with `rule`."""

HOMES = {
    "agreement": "marketplace.agreements.access",
    "listing": "marketplace.listings.rules",
    "member": "marketplace.users.access",
    "payment": "marketplace.payments.access",
    "thread": "marketplace.messages.service",
    "user": "marketplace.users.access",
}
"""The module that has the rules of an action's first word; it is imported when one of them is first asked for."""

HIDING = frozenset({"agreement.see", "thread.see", "payment.see", "listing.see", "picture.see"})
"""Actions whose refusal must look like absence, so that foreign ids tell nothing."""


def rule(action: str) -> Callable[[Rule], Rule]:
    """Register the core's rule for an action; a second rule for the same action is an error."""

    def register(function: Rule) -> Rule:
        if action in RULES:
            raise ValueError(f"the rule for {action!r} exists already")
        RULES[action] = function
        return function

    return register


def is_operator(user: Any) -> bool:
    """Tell whether `user` (or None) is an active operator."""
    return user is not None and user.is_authenticated and user.role == "operator"


@rule("operator.act")
def _operators_act(user: Any, _subject: Any) -> bool:
    return is_operator(user)


def may(user: Any, action: str, subject: Any = None) -> bool:
    """Answer: any plugin's False refuses, else any True allows, else the core's rule; no rule at all refuses."""
    answers = decide("access_rules", user=user, action=action, subject=subject)
    if False in answers:
        return False
    if True in answers:
        return True
    own = RULES.get(action) or _loaded(action)
    return bool(own and own(user, subject))


def _loaded(action: str) -> Rule | None:
    home = HOMES.get(action.partition(".")[0])
    if home is not None:
        import_module(home)
    return RULES.get(action)


def require(user: Any, action: str, subject: Any = None) -> None:
    """Raise Forbidden, or NotFound where even the existence is private, unless `may` says yes."""
    if may(user, action, subject):
        return
    if action in HIDING:
        raise NotFound(_("This page does not exist, or is not for you."))
    raise Forbidden(_("You may not do this."))
