"""The page of a set: its maker says what belongs to it and for which part of the price, and each owner agrees or not."""

from __future__ import annotations

import re
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_required
from werkzeug.wrappers import Response
from wtforms import IntegerField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from marketplace.api import DomainError, Form, NotFound
from plugins.sharing.item import bundle_asks, bundles
from plugins.sharing.item.views import blueprint

NUMBER = re.compile(r"(?:^|/items/)(\d{1,18})")


class PartForm(Form):
    """A thing that is to belong to a set."""

    item = StringField(
        _l("Address of the thing's page"), [DataRequired(), Length(max=300)], render_kw={"autocomplete": "off"},
        description=_l("Copy it from the page of the thing, or write its number."),
    )  # fmt: skip
    percent = IntegerField(
        _l("Its owner's part of the price, in per cent"),
        [Optional(), NumberRange(min=0, max=100)],
        description=_l("Of what is left after the fee. Leave it empty for a thing of your own."),
    )

    def number(self) -> int:
        """Give the number of the thing, 0 when none was written."""
        found = NUMBER.search((self.item.data or "").strip())
        return int(found[1]) if found else 0


@blueprint.route("/items/<int:listing_id>/set", methods=["GET", "POST"])
@login_required
def set_of(listing_id: int) -> Any:
    """Show what belongs to a set, and let its maker ask for more."""
    listing, rows, maker = bundles.seen(listing_id, current_user)
    form = PartForm()
    if maker and form.validate_on_submit():
        try:
            part = bundles.add(listing_id, current_user, form.number(), form.percent.data or 0)
        except DomainError as error:
            form.refuse(error)
        else:
            flash(_("It belongs to the set.") if part.state == "agreed" else _("Its owner is asked."), "success")
            return redirect(url_for("sharing.set_of", listing_id=listing_id), 303)
    rest = 100 - sum(row.percent for row in rows)
    page = render_template(
        "sharing/set.html", listing=listing, rows=rows, maker=maker, form=form, rest=rest,
        answer_within=bundle_asks.ANSWER_WITHIN,
    )  # fmt: skip
    return page, 422 if form.errors or form.form_errors else 200


@blueprint.post("/items/<int:listing_id>/set/<int:item_id>/<word>")
@login_required
def change_set(listing_id: int, item_id: int, word: str) -> Response:
    """Agree, decline or take back as a thing's owner; remove a thing as the maker."""
    _listing, rows, maker = bundles.seen(listing_id, current_user)
    if word == "remove" and maker:
        bundles.remove(listing_id, current_user, item_id)
    elif word in ("agree", "decline"):
        bundles.answer(listing_id, item_id, current_user, agree=word == "agree")
    else:
        raise NotFound(_("This page does not exist, or is not for you."))
    flash(_("Saved."), "success")
    return redirect(url_for("sharing.set_of" if maker or rows else "sharing.index", listing_id=listing_id), 303)
