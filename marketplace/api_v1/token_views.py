"""The page on which a member makes and revokes tokens; a token is shown once, in the answer that makes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_required
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace import clock
from marketplace.api_v1 import tokens
from marketplace.api_v1.parts import scopes_of
from marketplace.api_v1.scopes import OPERATOR
from marketplace.errors import DomainError
from marketplace.extensions import limiter
from marketplace.forms import Form

blueprint = Blueprint("account_tokens", __name__, url_prefix="/account/tokens")

LIVES = {"7": _l("7 days"), "30": _l("30 days"), "90": _l("90 days"), "365": _l("A year"), "0": _l("Until I revoke it")}


class TokenForm(Form):
    """What a token is for, what it may do, and for how long."""

    name = StringField(
        _l("Name"),
        [InputRequired(_l("Give it a name that tells you later what it is for.")), Length(max=80)],
        render_kw={"autocomplete": "off"},
    )
    scopes = SelectMultipleField(
        _l("What it may do"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    days = SelectField(_l("Valid for"), default="90")

    def offer(self) -> None:
        """Offer the scopes that there are, the operator's only to operators."""
        own = current_user.is_operator
        self.scopes.choices = [
            SelectChoice(name, text) for name, text in scopes_of().items() if own or name != OPERATOR
        ]
        self.days.choices = [SelectChoice(days, text) for days, text in LIVES.items()]


@blueprint.after_request
def keep_out_of_caches(response: Response) -> Response:
    """A token does not stay behind in a shared browser."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _page(form: TokenForm, secret: str = "", status: int = 200) -> Response:
    found = [(token, token.scopes.split()) for token in tokens.of(current_user.id)]
    page = render_template("account/tokens.html", form=form, rows=found, secret=secret, now=clock.now())
    return make_response(page, status)


@blueprint.get("")
@login_required
def index() -> Response:
    """List the tokens and offer to make one."""
    form = TokenForm()
    form.offer()
    return _page(form)


@blueprint.post("")
@login_required
@limiter.limit("20 per hour")
def create() -> Response:
    """Make a token and show it, this once."""
    form = TokenForm()
    form.offer()
    if not form.validate_on_submit():
        return _page(form, status=422)
    days = int(form.days.data)
    expires = clock.now() + timedelta(days=days) if days else None
    try:
        _token, secret = tokens.create(
            current_user.id, name=form.name.data, scopes=form.scopes.data or (), expires_at=expires
        )
    except DomainError as error:
        form.refuse(error)
        return _page(form, status=422)
    fresh = TokenForm(formdata=None)
    fresh.offer()
    return _page(fresh, secret)


@blueprint.post("/<int:token_id>/revoke")
@login_required
def revoke(token_id: int) -> Any:
    """End a token."""
    tokens.revoke(current_user.id, token_id)
    flash(_("The token is revoked. Programs that use it are locked out from now on."), "success")
    return redirect(url_for(".index"))
