"""The form base and the fields that flask-wtf lacks."""

from __future__ import annotations

from functools import cache
from typing import Any

from babel.support import Translations
from flask import current_app, has_request_context
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField
from wtforms.csrf.core import CSRFTokenField
from wtforms.i18n import messages_path
from wtforms.validators import ValidationError

from marketplace import display
from marketplace.errors import DomainError, InvalidInput
from marketplace.form_words import SAID
from marketplace.money import NotAnAmount, parse_amount
from marketplace.runtime import runtime


@cache
def _texts_of(language: str) -> Any:
    return Translations.load(messages_path(), [language], domain="wtforms")


class _FormWords:
    """What wtforms says: in the site's own words (`form_words`), else by its own, which is read once per language."""

    def gettext(self, text: str) -> str:
        """Translate into the reader's language."""
        if text in SAID:
            return _(SAID[text])
        return str(_texts_of(display.locale_code()).ugettext(text)) if has_request_context() else text

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """Translate a text about a number; the site's own languages know one thing and several."""
        if singular in SAID or not has_request_context():
            return self.gettext(singular if number == 1 else plural)
        return str(_texts_of(display.locale_code()).ungettext(singular, plural, number))


class _LateToken(CSRFTokenField):
    """A token that is signed when it is written into a page, and not for every form that came in."""

    @property
    def current_token(self) -> str:
        """Give the session's token."""
        return str(self.csrf_impl.generate_csrf_token(self))

    def process(self, *args: Any, **kwargs: Any) -> None:
        """Read what was sent."""
        HiddenField.process(self, *args, **kwargs)


class _LateTokens(FlaskForm.Meta.csrf_class):
    field_class = _LateToken


class Form(FlaskForm):
    """Every form of the site: CSRF-protected, and able to show what a use case refused beside the field."""

    class Meta(FlaskForm.Meta):
        """Do at each request only what a request needs."""

        csrf_class = _LateTokens
        words = _FormWords()

        def get_translations(self, form: Any) -> Any:
            """Give what translates wtforms' own texts."""
            return self.words

    def refuse(self, error: DomainError) -> None:
        """Put a use case's refusal beside its field, or above the form when it has none."""
        messages = error.errors if isinstance(error, InvalidInput) else {error.field or "": error.message}
        for name, message in messages.items():
            field = self._fields.get(name)
            if field is None:
                self.form_errors.append(message)
            else:
                field.errors = [*field.errors, message]


class MoneyField(StringField):
    """An amount as people type it; `data` is whole minor units of `currency` (the site's unless given), or None."""

    def __init__(self, *args: Any, currency: str | None = None, minimum: int = 0, **kwargs: Any) -> None:
        """Take the ISO currency and the least allowed amount in its minor units."""
        super().__init__(*args, **kwargs)
        self._currency = currency
        self.minimum = minimum
        self.typed: str | None = None

    @property
    def currency(self) -> str:
        """Give the currency that typed amounts are read in."""
        return self._currency or runtime(current_app).settings.currency

    @property
    def minor(self) -> int:
        """Give the amount in minor units; zero where nothing was typed."""
        return self.data or 0

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed; a text that is no amount stays in the field with a message."""
        self.typed = valuelist[0].strip() if valuelist else ""
        self.data: int | None = None
        if not self.typed:
            return
        try:
            self.data = parse_amount(self.typed, self.currency).minor
        except NotAnAmount:
            raise ValidationError(_("This is not an amount. Write it like 25 or 25,50.")) from None

    def pre_validate(self, form: Any) -> None:
        """Refuse amounts under the minimum."""
        if self.data is not None and self.data < self.minimum:
            least = display.money(self.minimum, self.currency)
            raise ValidationError(_("The least amount is %(amount)s.", amount=least))

    def _value(self) -> str:
        if self.typed is not None:
            return self.typed
        return display.typed_amount(self.data, self.currency) if self.data is not None else ""
