"""The operator's first page: what needs attention, and the size of the place."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from marketplace.admin import attention, audit, books, finding
from marketplace.admin.door import blueprint
from marketplace.admin.paging import word
from marketplace.jobs import control
from marketplace.runtime import runtime

RECENT = 6


@blueprint.get("")
def overview() -> Any:
    """Show what waits for an operator."""
    return render_template(
        "operator/overview.html",
        figures=attention.figures(),
        shown=attention.shown,
        waiting=attention.waiting(),
        problems=attention.health(again="look" in request.args),
        jobs=control.overview(),
        lag=attention.lag_text,
        money_at=books.platform_balances() if runtime().settings.payments else [],
        recent=audit.entries(limit=RECENT),
    )


@blueprint.get("/search")
def search() -> Any:
    """Find anything by what an operator has in hand: a number, an address, a name, a title, or a gateway's reference."""
    q = word()
    return render_template("operator/search.html", q=q, groups=finding.find(q) if q else None)
