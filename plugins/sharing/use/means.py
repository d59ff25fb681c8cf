"""What could pay for a use that begins: prepaid credit that nothing else will take, or a saved method."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.api import Refused
from plugins.sharing.tariffs.model import Terms
from plugins.sharing.use import credits, reaching, standing


def refuse_without(terms: Terms, holder_id: int, owner_id: int, currency: str) -> None:
    """Raise Refused when nothing could pay: no saved method, and no credit left for prices that take it.

    Uses that have no bill yet have taken nothing so far; what they come to is no credit that is left.
    """
    if not standing.takes_cards() or not _costs(terms) or standing.chargeable(holder_id):
        return
    # What the uses take is read before the balance: a bill that is sealed in between makes too little of it, never too much.
    taken = reaching.taken(holder_id, owner_id, currency) if terms.credits else 0
    balance = credits.balance(holder_id, owner_id, currency) if terms.credits else 0
    if balance > taken:
        return
    text = _("Save a card first: you pay afterwards, for what you used.")
    if balance:
        text = _("The prepaid credit is taken up by uses that have no bill yet. Save a card first, or get more credit.")
    raise Refused(text, code="method_needed")


def _costs(terms: Terms) -> bool:
    return any(part.price or part.rates for part in terms.components) or bool(terms.minimum)
