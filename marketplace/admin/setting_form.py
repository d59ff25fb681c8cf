"""The form over every registered setting, made anew for each request because plugins decide what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, StringField, TextAreaField
from wtforms.validators import Length

from marketplace.admin.forms import LONGEST_REASON, clean
from marketplace.database import transaction
from marketplace.errors import InvalidInput
from marketplace.forms import Form, MoneyField
from marketplace.money import Money
from marketplace.runtime import runtime
from marketplace.settings import service
from marketplace.settings.service import Field

VERSION = "version:"


class SettingsForm(Form):
    """What every settings form has: why it is changed."""

    reason = TextAreaField(
        _l("Reason"),
        [Length(max=LONGEST_REASON, message=_l("Use at most 500 characters."))],
        description=_l("It is kept in the audit log."),
        filters=[clean],
        render_kw={"rows": 2, "maxlength": LONGEST_REASON},
    )


def made(fields: Sequence[Field]) -> SettingsForm:
    """Make the form, filled in with the present values; each carries the version that the operator saw."""
    parts: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for one in fields:
        parts[one.key] = _field(one)
        data[one.key] = one.checked if one.type == "bool" else one.text
        if one.type == "money":
            data[one.key] = service.get(one.key).minor
        parts[VERSION + one.key] = HiddenField()
        data[VERSION + one.key] = str(one.version)
    return type("AllSettings", (SettingsForm,), parts)(data=data)


def _field(one: Field) -> Any:
    facts = {"description": one.help, "render_kw": {"autocomplete": "off"}}
    if one.type == "bool":
        return BooleanField(one.label, **facts)
    if one.type == "money":
        return MoneyField(one.label, **facts)
    modes = {"int": "numeric", "decimal": "decimal"}
    if one.type in modes:
        facts["render_kw"] = {"autocomplete": "off", "inputmode": modes[one.type]}
    return StringField(one.label, filters=[clean], **facts)


def keep(form: SettingsForm, fields: Sequence[Field], actor_id: int) -> int:
    """Keep what was changed, all or nothing, and give how many settings that were.

    Raises InvalidInput with a message for each field that does not fit, and Conflict when somebody was quicker.
    """
    wanted, wrong = {}, {}
    for one in fields:
        try:
            value = service.check(one.key, _given(form, one))
        except InvalidInput as error:
            wrong.update(error.errors)
            continue
        if value != service.get(one.key):
            wanted[one.key] = value
    if wrong:
        raise InvalidInput(wrong)
    with transaction():
        for key, value in wanted.items():
            version = form[VERSION + key].data or ""
            seen = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else -1
            service.set_value(key, value, actor_id, form.reason.data or "", version=seen)
    return len(wanted)


def _given(form: SettingsForm, one: Field) -> Any:
    field = form[one.key]
    if one.type == "money":
        return Money(field.data, runtime().settings.currency) if field.data is not None else ""
    if one.type == "bool":
        return bool(field.data)
    # A program that sends only some of the settings leaves the others as they are.
    return field.data if one.key in request.form else one.text


def grouped(form: SettingsForm, fields: Sequence[Field]) -> list[tuple[Any, list[tuple[Any, Any]]]]:
    """Give the fields with their versions under the headings of their groups, in the order of registration."""
    groups: dict[str, list[tuple[Any, Any]]] = {}
    for one in fields:
        groups.setdefault(str(one.group or ""), []).append((form[one.key], form[VERSION + one.key]))
    return list(groups.items())
