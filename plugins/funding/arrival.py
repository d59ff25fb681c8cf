"""When a request reached us: a pledge counts by its arrival, not by when its turn came."""

from __future__ import annotations

from flask import g

from marketplace.api import clock


def note_arrival() -> None:
    """Remember it as `g.arrived_at` (UTC), before each request of the plugin's pages and API."""
    g.arrived_at = clock.now()
