"""Money that people send by hand: refunds and pay-outs as a list of tasks, with an export for the bank."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin.door import blueprint, me
from marketplace.admin.incoming_forms import DoneForm, OrderForm
from marketplace.admin.paging import chips, one_of, paged
from marketplace.database import db
from marketplace.errors import DomainError, NotFound
from marketplace.payments.hand_views import today
from marketplace.payments.models import BankOrder, Refund
from marketplace.payments.offline import orders
from marketplace.payments.offline.reference import in_groups
from marketplace.payments.offline.wording import ORDER_STATES, WAY_LABELS
from marketplace.users.models import User


@blueprint.get("/bank-orders")
def bank_orders() -> Any:
    """List what has to be sent by hand, the newest first."""
    state = one_of("state", ORDER_STATES)
    listed = select(
        BankOrder.id, BankOrder.payout_id, BankOrder.refund_id, BankOrder.way, BankOrder.account, BankOrder.holder,
        BankOrder.amount_minor, BankOrder.currency, BankOrder.state, BankOrder.created_at, BankOrder.user_id, User.name,
    ).join(User, User.id == BankOrder.user_id)  # fmt: skip
    if state:
        listed = listed.where(BankOrder.state == state)
    return render_template(
        "operator/bank_orders.html",
        page=paged(listed, BankOrder.id),
        states=chips("state", [(name, words[0]) for name, words in ORDER_STATES.items()]),
        order_words=ORDER_STATES,
        ways=WAY_LABELS,
        groups=in_groups,
    )


@blueprint.post("/bank-orders/export")
def bank_orders_export() -> Any:
    """Put everything that waits and has an account number on a list for the bank, and give it as CSV."""
    text = orders.export(me().id)
    name = f"bank-orders-{clock.now():%Y%m%d-%H%M%S}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype="text/csv", headers=headers)


@blueprint.get("/bank-orders/<int:order_id>")
def bank_order(order_id: int) -> Any:
    """Show one task, and what can be done with it."""
    order = _order(order_id)
    person = db.session.get_one(User, order.user_id)
    payment_id = (
        db.session.scalar(select(Refund.payment_id).where(Refund.id == order.refund_id)) if order.refund_id else None
    )
    done = DoneForm(done_on=today())
    return render_template(
        "operator/bank_order.html", form=OrderForm(obj=order), done=done, **_page(order, person, payment_id)
    )


def _page(order: BankOrder, person: User, payment_id: int | None) -> dict[str, Any]:
    same = order.two_eyes and order.exported_by in (None, me().id)
    return {
        "order": order, "person": person, "payment_id": payment_id, "order_words": ORDER_STATES, "ways": WAY_LABELS,
        "account": in_groups(order.account), "needs_other": same,
    }  # fmt: skip


def _order(order_id: int) -> BankOrder:
    order = db.session.get(BankOrder, order_id)
    if order is None:
        raise NotFound(_("There is no such task."))
    return order


@blueprint.post("/bank-orders/<int:order_id>/where")
def bank_order_where(order_id: int) -> Any:
    """Fill in where a task's money goes."""
    order, form = _order(order_id), OrderForm()
    if form.validate_on_submit():
        try:
            orders.fill_in(order_id, form.account.data or "", form.holder.data or "", form.way.data or "", me().id)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("Saved."), "success")
            return redirect(url_for("operator.bank_order", order_id=order_id))
    person = db.session.get_one(User, order.user_id)
    done = DoneForm(formdata=None, done_on=today())
    return render_template("operator/bank_order.html", form=form, done=done, **_page(order, person, None)), 422


@blueprint.post("/bank-orders/<int:order_id>/prepare")
def bank_order_prepare(order_id: int) -> Any:
    """Say as the first of two people that a task is prepared."""
    try:
        orders.prepare(order_id, me().id)
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
    else:
        flash(_("Prepared. Another operator confirms that it was sent."), "success")
    return redirect(url_for("operator.bank_order", order_id=order_id))


@blueprint.post("/bank-orders/<int:order_id>/done")
def bank_order_done(order_id: int) -> Any:
    """Say that a task was carried out; it is booked."""
    order, done = _order(order_id), DoneForm()
    if done.validate_on_submit():
        try:
            orders.done(order_id, orders.Done(done.done_on.data, done.note.data or ""), me().id)
        except DomainError as error:
            done.refuse(error)
        else:
            flash(_("Booked as sent."), "success")
            return redirect(url_for("operator.bank_orders"))
    person = db.session.get_one(User, order.user_id)
    form = OrderForm(formdata=None, obj=order)
    return render_template("operator/bank_order.html", form=form, done=done, **_page(order, person, None)), 422
