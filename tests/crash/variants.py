"""Short, rough runs for the broken variants: small campaigns in weather in which each mistake must show."""

from __future__ import annotations

from tests.crash.bank import Weather
from tests.crash.site import Plan

ROUGH = Weather(lost=0.30, error_before=0.2, error_after=0.2, duplicate=0.10, reorder=0.80)
"""News of what was done comes late, so that nothing that was thought of it before is put right by chance."""


def plan_of(broken: str, seed: int) -> Plan:
    """Plan a run with a broken program, or with `broken` "" the first round of it with the right one.

    Kills hit workers only: a server that dies makes a member wait, and no mistake shows any sooner. The first
    difference ends a run; a mistake that the weather does not strike in one round has the next ones to show in.
    """
    operations = 40 if broken else 1
    return Plan(
        kills=1, operations=operations, seed=seed, backers=8, weather=ROUGH, servers=0.0, new_cards=0.0, broken=broken
    )
