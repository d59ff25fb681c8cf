"""From which amount a second operator has to look."""

from __future__ import annotations

from marketplace.money import Money
from marketplace.runtime import runtime
from marketplace.settings.service import get


def needs_two(amount: Money) -> bool:
    """Tell whether one operator alone may not confirm this amount.

    The limit is set in the site's currency; of amounts in another all need two, because two currencies can't be compared.
    """
    if amount.currency != runtime().settings.currency:
        return True
    limit: Money = get("offline.two_eyes_above")
    return limit < amount
