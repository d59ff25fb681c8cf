"""The choice of a card."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import RadioField

from marketplace.forms import Form
from marketplace.payments.methods import describe_method
from marketplace.payments.models import SavedMethod

NEW = "new"


class MethodForm(Form):
    """One of the saved cards, or another one."""

    method = RadioField(_l("How do you want to pay?"))

    def offer(self, methods: Sequence[SavedMethod], chosen: int | None) -> None:
        """Offer the saved cards and another one; the present choice, or the newest card, is marked."""
        self.method.choices = [(str(method.id), describe_method(method)) for method in methods]
        self.method.choices.append((NEW, str(_l("Another card, on the payment provider's page"))))
        known = {value for value, _label in self.method.choices}
        if self.method.data is None:
            self.method.data = str(chosen) if str(chosen) in known else self.method.choices[0][0]
