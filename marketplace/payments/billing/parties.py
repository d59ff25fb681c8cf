"""Names and addresses as they stand on a bill, taken when it is written: later changes do not touch it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Table, bindparam, select

from marketplace.payments.billing.models import BillingDetails
from marketplace.prepared import Prepared
from marketplace.runtime import runtime
from marketplace.settings.service import get
from marketplace.users.models import User

_user, _details = cast(Table, User.__table__), cast(Table, BillingDetails.__table__)
_MEMBER = Prepared(
    select(
        _user.c.name, _user.c.place, _user.c.locale,
        _details.c.name.label("own"), _details.c.address, _details.c.tax_number,
    )
    .outerjoin(_details, _details.c.user_id == _user.c.id)
    .where(_user.c.id == bindparam("user"))
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Party:
    """A member on a bill: name and address in lines, and the language that the member reads."""

    lines: str
    language: str


def platform() -> str:
    """Give the platform's own lines."""
    name = str(get("bills.name")) or runtime().settings.site_name
    address = [part.strip() for part in str(get("bills.address")).split(",")]
    return _lines(name, *address, str(get("bills.numbers")))


def member(user_id: int) -> str:
    """Give a member's lines: what the member told for bills, or else the name and place of the profile."""
    return of(user_id).lines


def language(user_id: int) -> str:
    """Give the language in which a member reads."""
    return of(user_id).language


def of(user_id: int) -> Party:
    """Give a member's lines and language; raises LookupError for nobody."""
    row = _MEMBER.one(user=user_id)
    if row is None:
        raise LookupError(f"there is no member {user_id}")
    settings = runtime().settings
    lines = _lines(row.own or row.name, *(row.address or row.place or "").splitlines(), row.tax_number or "")
    return Party(lines, row.locale if row.locale in settings.locales else settings.locale)


def _lines(*parts: str) -> str:
    return "\n".join(part.strip() for part in parts if part and part.strip())
