"""The choice of a way to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField

from marketplace.forms import Form
from marketplace.payments.methods import describe_method
from marketplace.payments.models import SavedMethod
from marketplace.payments.offline.methods import Offer
from marketplace.payments.strategies import Choice, Strategy

NEW = "new"
"""A card that is saved on the provider's page; other kinds of method are named `save:<kind>` and `now:<kind>`."""


def value_of(way: Choice) -> str:
    """Give the form's value for a kind of method, as `choosing.lead_to_provider` reads it."""
    if way.strategy is Strategy.CHARGE_AND_REFUND:
        return f"now:{way.kind}"
    return NEW if way.kind == "card" else f"save:{way.kind}"


def label_of(way: Choice, *, first: bool = False) -> Any:
    """Give the name of a kind of method as a payer reads it; `first` when no card was saved before."""
    if value_of(way) != NEW:
        return way.name
    return _l("A card, on the payment provider's page") if first else _l("Another card, on the payment provider's page")


def note_of(way: Choice) -> str:
    """Tell what choosing it means: when it is paid, and when that is known."""
    notes = []
    if way.strategy is Strategy.CHARGE_AND_REFUND:
        notes.append(_("You pay now. If nothing comes of it, the money goes back to you."))
    if way.slow:
        notes.append(_("It takes some days until your bank has paid."))
    return " ".join(notes)


class MethodForm(Form):
    """One of the saved cards, another one, or a way to pay by hand."""

    method = RadioField(_l("How do you want to pay?"))
    notes: Mapping[str, str] = {}

    def offer(
        self,
        methods: Sequence[SavedMethod],
        chosen: int | str | None,
        by_hand: Sequence[Offer] = (),
        ways: Sequence[Choice] = (),
        *,
        refused: bool = False,
    ) -> None:
        """Offer saved methods, what the provider takes, and what is paid by hand; the present choice, or the first, is marked.

        `chosen` is the id of a saved method, or the kind of one by hand. Where the bank has just `refused` the present choice,
        the first of the others is.
        """
        self.method.choices = [(str(method.id), describe_method(method)) for method in methods]
        self.method.choices += [(value_of(way), str(label_of(way, first=not methods))) for way in ways]
        self.method.choices += [(offer.kind, offer.label) for offer in by_hand]
        self.notes = {value_of(way): note for way in ways if (note := note_of(way))}
        self.notes |= {offer.kind: offer.help for offer in by_hand}
        known = [value for value, _label in self.method.choices]
        if self.method.data is None:
            marked = [str(chosen)] if str(chosen) in known else []
            others = [value for value in known if value not in marked]
            self.method.data = next(iter(others + marked if refused else marked + others), None)
