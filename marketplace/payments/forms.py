"""The choice of a way to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask_babel import lazy_gettext as _l
from wtforms import RadioField

from marketplace.forms import Form
from marketplace.payments.methods import describe_method
from marketplace.payments.models import SavedMethod
from marketplace.payments.offline.methods import Offer

NEW = "new"


class MethodForm(Form):
    """One of the saved cards, another one, or a way to pay by hand."""

    method = RadioField(_l("How do you want to pay?"))
    notes: Mapping[str, str] = {}

    def offer(
        self,
        methods: Sequence[SavedMethod],
        chosen: int | None,
        by_hand: Sequence[Offer] = (),
        *,
        provider: bool = True,
    ) -> None:
        """Offer the saved cards and another one, and what is paid by hand; the present choice, or the first, is marked."""
        self.method.choices = [(str(method.id), describe_method(method)) for method in methods if provider]
        if provider:
            self.method.choices.append((NEW, str(_l("Another card, on the payment provider's page"))))
        self.method.choices += [(offer.kind, offer.label) for offer in by_hand]
        self.notes = {offer.kind: offer.help for offer in by_hand}
        known = {value for value, _label in self.method.choices}
        if self.method.data is None:
            first = self.method.choices[0][0] if self.method.choices else None
            self.method.data = str(chosen) if str(chosen) in known else first
