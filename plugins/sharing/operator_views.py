"""The operator's pages of sharing: what is out, overdue, claimed and in use now, and the prices in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, render_template, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_required

from marketplace.api import access, clock, paging
from plugins.sharing import operator_reads
from plugins.sharing.buy import buy_lists
from plugins.sharing.buy.machine_purchase import PURCHASE
from plugins.sharing.circle import circle_moderation
from plugins.sharing.circle.circle_forms import LookForm
from plugins.sharing.loan import claims as claim_words
from plugins.sharing.loan.machine_loan import LOAN
from plugins.sharing.meal.machine_order import ORDER
from plugins.sharing.price.tariff_views import NAMES
from plugins.sharing.use.machine_use import USE

blueprint = Blueprint("sharing_operator", __name__, url_prefix="/operator/sharing")
MACHINES = {"overdue": (LOAN,), "uses": (USE,), "orders": (ORDER,), "purchases": (PURCHASE,)}
"""Whose words name the states in a list: states of different kinds have the same names."""

READS: dict[str, Callable[[], paging.Page]] = {
    "out": operator_reads.out,
    "overdue": operator_reads.overdue,
    "claims": operator_reads.claims,
    "uses": operator_reads.uses,
    "orders": operator_reads.orders,
    "purchases": buy_lists.listed,
    "prices": operator_reads.prices,
    "circles": circle_moderation.listed,
}


@blueprint.before_request
@login_required
def only_for_operators() -> None:
    """Refuse everybody but operators; a guest is asked to log in."""
    access.require(current_user, "operator.act")


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """What operators see is about other people; it does not stay behind in a browser or a proxy."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


@blueprint.get("")
def index() -> Any:
    """Show what is out now."""
    return _list("out")


@blueprint.get("/<any('overdue', 'claims', 'uses', 'orders', 'purchases', 'prices', 'circles'):name>")
def listed(name: str) -> Any:
    """Show another of the lists."""
    return _list(name)


@blueprint.route("/circles/<int:circle_id>", methods=["GET", "POST"])
def circle(circle_id: int) -> Any:
    """Show who is in a circle and when they meet, once the operator has said why; that goes into the audit trail."""
    circle_moderation.exists(circle_id)
    form, facts = LookForm(), None
    if form.validate_on_submit():
        facts = circle_moderation.look(circle_id, current_user, form.reason.data or "")
    page = render_template(
        "sharing/operator_circle.html", number_of=circle_id, form=form, facts=facts, states=circle_moderation.STATES,
        roles=circle_moderation.ROLES,
    )  # fmt: skip
    return page, 422 if form.errors else 200


def _list(name: str) -> Any:
    page, figures = READS[name](), operator_reads.figures()
    titles = {
        "out": _("Out now"),
        "overdue": _("Overdue"),
        "claims": _("Open claims"),
        "uses": _("In use"),
        "orders": _("Meal orders"),
        "purchases": _("Purchases"),
        "prices": _("Prices"),
        "circles": _("Circles"),
    }
    tabs = [(f"{title} ({getattr(figures, key)})", _address(key), key == name, "") for key, title in titles.items()]
    return render_template(
        f"sharing/operator_{name}.html", page=page, tabs=tabs, title=titles[name], now=clock.now(),
        states={state.name: state.label for machine in MACHINES.get(name, (LOAN,)) for state in machine.states},
        kinds=claim_words.KINDS, arrangements=NAMES,
    )  # fmt: skip


def _address(name: str) -> str:
    return url_for("sharing_operator.index") if name == "out" else url_for("sharing_operator.listed", name=name)
