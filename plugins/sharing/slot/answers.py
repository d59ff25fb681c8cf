"""The one question behind calendar, search and commit: can this item be had in this window, and if not, why not?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.api import clock, db
from plugins.sharing.item.item_models import Occupancy
from plugins.sharing.slot import barred, situation, together, who
from plugins.sharing.slot.refusals import Reason, Why
from plugins.sharing.slot.rules import Rules, load, refusal
from plugins.sharing.slot.windows import Window


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a window is free, on which units, and else why not and what is free nearby."""

    free: bool
    why: Why | None = None
    unit_ids: tuple[int, ...] = ()
    alternatives: tuple[Window, ...] = ()

    @property
    def reason(self) -> str | None:
        """Give the reason as a sentence in the reader's language."""
        return None if self.why is None else str(self.why)

    @property
    def code(self) -> str | None:
        """Give the reason as a code for programs."""
        return None if self.why is None else self.why.code


def answer(item_id: int, window: Window, member_id: int | None = None, *, with_alternatives: bool = True) -> Answer:
    """Say whether somebody (or this member) could have the item in a window now; raises NotFound.

    A slot that the member holds already is free to them.
    """
    now = clock.now()
    rules = load(item_id, window)
    found = refusal(rules, window, now) or personal(rules, window, member_id)
    if found is None:
        units = situation.read(item_id, rules.blocked(window), now)
        own = {unit.unit_id for unit in units for row in unit.rows if is_own(row, window, member_id, now)}
        free = [unit.unit_id for unit in units if unit.unit_id in own or unit.reason(rules, window, now) is None]
        found = parts(rules, window, member_id) if free else situation.why(units, rules, window, now)
        if free and found is None:
            return Answer(True, unit_ids=tuple(free))
    near = alternatives(rules, window, now, member_id) if with_alternatives else []
    return Answer(False, found, alternatives=tuple(near))


def alternatives(
    rules: Rules, window: Window, now: datetime, member_id: int | None, *, unit_id: int | None = None
) -> list[Window]:
    """Give what this member could have instead, the nearest first: nothing that would be refused for the same reason."""
    if who.refusal(rules, member_id, window.starts_at) is not None:
        return []
    suits = None
    if rules.quota_count is not None and rules.quota_days is not None and member_id is not None:
        count, days = rules.quota_count, rules.quota_days
        slots = _own_slots(rules, member_id, window, timedelta(days=days) + situation.reach_of(window))

        def suits(other: Window) -> bool:
            mine = (other.starts_at, other.ends_at) in slots  # had already, so no other choice
            return not mine and not barred.too_many(slots, other, count, days)

    others = together.parts_of(rules.item_id) if rules.is_bundle else []
    if not all(part.ready for part in others):
        return []
    its = [load(part.item_id, window) for part in others]
    near = situation.alternatives(rules, window, now, unit_id=unit_id, suits=suits, parts=its)
    return [other for other in near if parts(rules, other, member_id) is None]


def _own_slots(rules: Rules, member_id: int, window: Window, period: timedelta) -> list[tuple[datetime, datetime]]:
    """Read a member's slots of the item that begin less than a period before or after a window."""
    own = barred.own_slots(member_id, window, period).where(Occupancy.item_id == rules.item_id)
    return [(since, until) for _item, since, until in db.session.execute(own)]


def parts(rules: Rules, window: Window, member_id: int | None) -> Why | None:
    """Say which thing of a bundle can't be had in a window, and why not; None when all can, and for what is no bundle."""
    if not rules.is_bundle:
        return None
    for part in together.parts_of(rules.item_id):
        if not part.ready:
            return Why(Reason.INCOMPLETE)
        found = answer(part.item_id, window, member_id, with_alternatives=False)
        if found.why is not None:
            return Why(Reason.PART, {"title": part.title, "why": str(found.why)})
    return None


def is_own(row: situation.Row, window: Window, member_id: int | None, now: datetime) -> bool:
    """Tell whether a row is the member's own hold of exactly this window."""
    return (
        row.kind == "hold"
        and member_id is not None
        and row.member_id == member_id
        and (row.starts_at, row.ends_at) == (window.starts_at, window.ends_at)
        and not row.lapsed(now)
    )


def personal(rules: Rules, window: Window, member_id: int | None) -> Why | None:
    """Say why this member can't have the item: who may have it, or one use too many within the item's period."""
    found = who.refusal(rules, member_id, window.starts_at)
    if found is not None or rules.quota_count is None or rules.quota_days is None or member_id is None:
        return found
    slots = _own_slots(rules, member_id, window, timedelta(days=rules.quota_days))
    if barred.too_many(slots, window, rules.quota_count, rules.quota_days):
        return Why(Reason.QUOTA, {"count": rules.quota_count, "days": rules.quota_days})
    return None
