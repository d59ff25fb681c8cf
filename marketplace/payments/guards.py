"""Who gets as far as a payment page: members, and only where payments are on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, cast

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_login import login_required

from marketplace.runtime import runtime

P = ParamSpec("P")
View = Callable[P, Any]


def for_members(view: View[P]) -> View[P]:
    """Send guests to the log-in page first."""
    return cast(View[P], login_required(view))


def where_payments_are_on(view: View[P]) -> View[P]:
    """Show, where payments are off, a page that says so."""

    @wraps(view)
    def guarded(*args: P.args, **values: P.kwargs) -> Any:
        if not runtime().settings.payments:
            return render_template("payments/off.html")
        return view(*args, **values)

    return guarded


def where_a_provider_is(view: View[P]) -> View[P]:
    """Show, where only bank transfers and cash are taken, the member's page about money instead."""

    @wraps(view)
    def guarded(*args: P.args, **values: P.kwargs) -> Any:
        if not runtime().settings.payments:
            return render_template("payments/off.html")
        if not runtime().settings.takes("stripe"):
            flash(_("This site takes no payments through a provider."), "warning")
            return redirect(url_for("payments.account"), 303)
        return view(*args, **values)

    return guarded
