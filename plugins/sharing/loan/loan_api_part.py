"""What belongs to the whole API of loans: its scopes, the names it sorts its operations under, and who may see a loan."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.api import Actor, Agreement, NotFound, User, access, agreements, api_v1, db
from plugins.sharing.loan.booking_models import Loan

part = api_v1.ApiPart(
    "sharing_loan_api",
    scopes={
        "loans:read": _l("See what you borrow and lend"),
        "loans:write": _l("Ask for items and book them in your name"),
    },
)
LOANS, CLAIMS = "Loans", "Claims"
READ, WRITE = ("loans:read",), ("loans:write",)
PHOTOS = ("image/jpeg", "image/png", "image/webp")


def party(loan_id: int, user: User) -> tuple[Agreement, Loan, Actor]:
    """Give a loan to its two sides and to operators, and in what capacity they act; raises NotFound for others."""
    agreement, side = db.session.get(Agreement, loan_id), db.session.get(Loan, loan_id)
    if agreement is None or side is None:
        raise NotFound(_("There is no such loan."))
    access.require(user, "agreement.see", agreement)
    return agreement, side, agreements.actor_for(user, agreement)
