"""What members owe, as our fee on cash or after chargebacks and refunds, and what is set aside of what they earn."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from marketplace.admin.dispute_forms import ReserveForm, debt_form
from marketplace.admin.door import Question, asked, blueprint, me
from marketplace.admin.paging import chips, one_of, paged
from marketplace.admin.words import DEBT, options
from marketplace.agreements.models import Agreement
from marketplace.database import db
from marketplace.errors import DomainError, NotFound
from marketplace.listings.models import Listing
from marketplace.money import Money
from marketplace.payments import debts as owed
from marketplace.payments import reserve, reversals
from marketplace.payments.burden_models import DebtEntry, MemberDebt, ReserveHold
from marketplace.payments.models import Payment
from marketplace.users.models import User

OPEN = MemberDebt.amount_minor > MemberDebt.cleared_minor + MemberDebt.written_off_minor


@blueprint.get("/debts")
def debts() -> Any:
    """List what members owe, the newest first."""
    state = one_of("state", DEBT)
    listed = (
        select(
            MemberDebt.id, MemberDebt.user_id, User.name, MemberDebt.payment_id, Listing.title, MemberDebt.amount_minor,
            MemberDebt.cleared_minor, MemberDebt.written_off_minor, MemberDebt.currency, MemberDebt.created_at,
        )
        .join(User, User.id == MemberDebt.user_id)
        .join(Payment, Payment.id == MemberDebt.payment_id)
        .join(Agreement, Agreement.id == Payment.agreement_id)
        .join(Listing, Listing.id == Agreement.listing_id)
    )  # fmt: skip
    if state:
        listed = listed.where(OPEN if state == "open" else ~OPEN)
    return render_template(
        "operator/debts.html", page=paged(listed, MemberDebt.id), states=chips("state", options("debt"))
    )


@blueprint.get("/debts/<int:debt_id>")
def debt(debt_id: int) -> Any:
    """Show a debt: why there is one, and how it was paid so far."""
    found = owed.get(debt_id)
    entries = db.session.execute(
        select(
            DebtEntry.kind, DebtEntry.amount_minor, DebtEntry.returned_minor, DebtEntry.payment_id, DebtEntry.reason,
            DebtEntry.at, User.name,
        )
        .outerjoin(User, User.id == DebtEntry.actor_id)
        .where(DebtEntry.debt_id == found.id)
        .order_by(DebtEntry.id)
    ).all()  # fmt: skip
    person = db.session.get_one(User, found.user_id)
    of_cash = db.session.scalar(select(Payment.gateway).where(Payment.id == found.payment_id)) == "direct"
    return render_template("operator/debt.html", debt=found, entries=entries, person=person, of_cash=of_cash)


@blueprint.route("/debts/<int:debt_id>/<any(repay,write_off):act>", methods=["GET", "POST"])
def debt_act(debt_id: int, act: str) -> Any:
    """Book that a member paid, or give a debt up; either for a part of it, and with a reason."""
    found = owed.get(debt_id)
    form = debt_form(found.currency, found.open_minor)
    status = 200
    if form.validate_on_submit():
        amount = Money(form.amount.minor, found.currency)
        try:
            (owed.repay if act == "repay" else owed.write_off)(found.id, amount, me().id, form.reason.data or "")
        except DomainError as error:
            form.refuse(error)
            status = 422
        else:
            flash(_("It is booked."), "success")
            return redirect(url_for("operator.debt", debt_id=found.id), 303)
    elif form.errors:
        status = 422
    return make_response(render_template("operator/debt_act.html", debt=found, form=form, act=act), status)


@blueprint.route("/debts/<int:debt_id>/take-back", methods=["GET", "POST"])
def debt_take_back(debt_id: int) -> Any:
    """Ask once more, then take the money back from the member's account at the provider."""
    found = owed.get(debt_id)
    question = Question(
        _("Take the money back from the member's account?"),
        _("The provider reverses the transfer, as far as money is still there. What the member owes becomes less."),
        _("Take it back"),
        url_for("operator.debt", debt_id=found.id),
        danger=True,
        icon="undo-2",
    )
    return asked(question, lambda reason: reversals.take_back(found.id, me().id, reason), _("The provider is asked."))


@blueprint.route("/members/<int:member_id>/reserve", methods=["GET", "POST"])
def member_reserve(member_id: int) -> Any:
    """Show what is set aside of a member's earnings, and give the member a rule of their own."""
    person = db.session.get(User, member_id)
    if person is None:
        raise NotFound(_("There is no such member."))
    rule = reserve.rule_of(member_id)
    form = ReserveForm(data={"percent": rule.percent, "days": rule.days})
    back = url_for("operator.member_reserve", member_id=member_id)
    if form.validate_on_submit():
        chosen = None
        if request.form.get("act") != "site":
            chosen = reserve.Rule(Decimal(form.percent.data or 0), int(form.days.data or 0), own=True)
        try:
            reserve.set_rule(member_id, chosen, me().id, form.reason.data or "")
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("From the next settlement on."), "success")
            return redirect(back, 303)
    holds = db.session.execute(
        select(
            ReserveHold.currency, func.count().label("count"), func.sum(ReserveHold.left_minor).label("left"),
            func.min(ReserveHold.release_at).label("first"),
        )
        .where(ReserveHold.user_id == member_id, ReserveHold.left_minor > 0)
        .group_by(ReserveHold.currency)
        .order_by(ReserveHold.currency)
    ).all()  # fmt: skip
    page = render_template("operator/member_reserve.html", person=person, rule=rule, form=form, holds=holds)
    return make_response(page, 422 if form.errors else 200)
