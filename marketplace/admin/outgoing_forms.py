"""The form for an endpoint of another system."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length

from marketplace.admin.forms import clean
from marketplace.forms import Form
from marketplace.outgoing.addresses import LONGEST_URL
from marketplace.outgoing.endpoints import TYPES


class EndpointForm(Form):
    """What an endpoint is called, where it is, and what it hears of."""

    name = StringField(
        _l("Name"),
        [DataRequired(_l("Give it a name.")), Length(max=80, message=_l("Use at most 80 characters."))],
        filters=[clean],
    )
    url = StringField(
        _l("Address"),
        [DataRequired(_l("Say where messages go.")), Length(max=LONGEST_URL, message=_l("This address is too long."))],
        description=_l("A public https address of the other system."),
        filters=[clean],
        render_kw={"type": "url", "inputmode": "url", "autocomplete": "off", "spellcheck": "false"},
    )

    def chosen(self) -> list[str]:
        """Give the types that are ticked."""
        return [kind for kind in TYPES if self[field_of(kind)].data]


def field_of(kind: str) -> str:
    """Give the name of a type's field: a dot is no part of a field's name."""
    return "type_" + kind.replace(".", "_")


def endpoint_form(**data: Any) -> Any:
    """Make the form, with a box for each type; `types` ticks some."""
    ticked = data.pop("types", ())
    parts: dict[str, Any] = {field_of(kind): BooleanField(label) for kind, label in TYPES.items()}
    marks = {field_of(kind): kind in ticked for kind in TYPES}
    return type("FullEndpointForm", (EndpointForm,), parts)(data={**data, **marks})
