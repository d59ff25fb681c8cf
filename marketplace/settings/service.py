"""Reading and changing what operators may set while the site runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace import clock
from marketplace.admin import audit
from marketplace.database import after_commit, db, transaction
from marketplace.errors import Conflict, InvalidInput
from marketplace.hooks.types import SettingSpec
from marketplace.runtime import runtime
from marketplace.settings.models import SettingValue
from marketplace.settings.values import NotAValue, checked, to_json, to_text

FRESH_SECONDS = 5.0
"""Another process sees a change after at most this long; this process at once."""

CACHE = "settings_cache"


class UnknownSetting(LookupError):
    """Nobody registered a setting of that key; the text names it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting as an operator's form shows it: `text` is the present value, `version` guards against a lost update."""

    key: str
    label: Any
    help: Any
    group: Any
    type: str
    text: str
    checked: bool
    version: int


def spec_of(key: str) -> SettingSpec:
    """Give a setting's descriptor; raises UnknownSetting when nobody that is switched on registered it."""
    try:
        return runtime().registry.settings[key]
    except KeyError:
        raise UnknownSetting(f"no setting {key!r} is registered") from None


def get(key: str) -> Any:
    """Give a setting as bool, int, Decimal, str or Money (of the site's currency); raises UnknownSetting.

    Values are kept for a few seconds per process, so that a page rarely needs a statement for them. A change is seen once
    it is committed, not before.
    """
    spec = spec_of(key)
    stored = _stored()
    return _typed(spec, stored[key][0] if key in stored else spec.default)


def set_value(key: str, value: Any, actor_id: int | None, reason: str = "", *, version: int | None = None) -> Any:
    """Change a setting and write it into the audit trail, in one transaction; gives the typed value.

    `value` is typed, or the text of a form field. With `version`, raises Conflict when somebody changed the setting since
    that version was read. Raises InvalidInput with a message for the field `key`, and UnknownSetting.
    """
    typed = check(key, value)
    with transaction() as session:
        statement = select(SettingValue).where(SettingValue.key == key).with_for_update()
        row = session.scalars(statement.execution_options(populate_existing=True)).one_or_none()
        if version is not None and version != (row.version if row else 0):
            raise Conflict(_("Somebody else changed this setting meanwhile. Look at it again."), field=key)
        before = row.value if row else to_json(_typed(spec_of(key), spec_of(key).default))
        if row is None:
            row = SettingValue(key=key, version=0)
            session.add(row)
        row.value, row.version = to_json(typed), row.version + 1
        row.updated_at, row.updated_by = clock.now(), actor_id
        audit.record(actor_id, "setting.changed", "setting", key, reason, {"before": before, "after": to_json(typed)})
        session.flush()
        after_commit(forget)
    return typed


def check(key: str, value: Any) -> Any:
    """Give the value in its setting's type; raises InvalidInput with a message for the field `key`, and UnknownSetting."""
    spec = spec_of(key)
    try:
        typed = checked(spec, value, runtime().settings.currency)
    except NotAValue as error:
        raise InvalidInput({key: str(error)}) from None
    if spec.check is not None and (wrong := spec.check(typed)):
        raise InvalidInput({key: str(wrong)})
    return typed


def form_fields() -> Sequence[Field]:
    """List every registered setting with its present value, the core's first, by one statement."""
    forget()
    stored = _stored()
    fields = []
    for key, spec in runtime().registry.settings.items():
        value, version = stored.get(key, (spec.default, 0))
        typed = _typed(spec, value)
        fields.append(Field(key, spec.label, spec.help, spec.group, spec.type, to_text(typed), typed is True, version))
    return fields


def forget() -> None:
    """Drop what this process remembers; the next reader asks the database."""
    runtime().parts.pop(CACHE, None)


def _typed(spec: SettingSpec, value: Any) -> Any:
    return checked(spec, value, runtime().settings.currency)


def _stored() -> dict[str, tuple[Any, int]]:
    here = runtime().parts
    known = here.get(CACHE)
    if known is None or time.monotonic() - known[0] >= FRESH_SECONDS:
        # Its own connection: what the caller's open transaction sees may never be committed, and must not be kept.
        with db.engine.connect() as connection:
            rows = connection.execute(select(SettingValue.key, SettingValue.value, SettingValue.version)).all()
        known = here[CACHE] = (time.monotonic(), {key: (value, version) for key, value, version in rows})
    return known[1]
