"""The forms of log-in, registration and account."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    EmailField,
    FloatField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.display import language_name
from marketplace.errors import InvalidInput
from marketplace.forms import Form
from marketplace.runtime import runtime
from marketplace.users import passwords
from marketplace.users.addresses import LONGEST as LONGEST_EMAIL
from marketplace.users.addresses import normalised

NEEDED = _l("Fill this in.")
PASSWORD_HELP = _l("At least 10 characters. A few words in a row are easy to remember.")


def _stripped(text: str | None) -> str | None:
    """Leave out blanks around, and the zero byte, which PostgreSQL does not keep."""
    return text.replace("\0", "").strip() if text else text


class DegreesField(FloatField):
    """Degrees of latitude or longitude, with a point or a comma."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was typed; raises ValueError for what is no number."""
        if not valuelist or not valuelist[0].strip():
            return
        self.data = None
        try:
            self.data = float(valuelist[0].strip().replace(",", "."))
        except ValueError:
            raise ValueError(_("Write degrees as a number, like 52.37.")) from None


def _email(label: str) -> EmailField:
    checks = [InputRequired(NEEDED), Length(max=LONGEST_EMAIL, message=_l("This e-mail address is too long."))]
    return EmailField(label, checks, filters=[_stripped], render_kw={"autocomplete": "email", "spellcheck": "false"})


def _new_password(label: str) -> PasswordField:
    hints = {"autocomplete": "new-password"}
    return PasswordField(label, [InputRequired(NEEDED)], description=PASSWORD_HELP, render_kw=hints)


def _present_password(label: str) -> PasswordField:
    return PasswordField(label, [InputRequired(NEEDED)], render_kw={"autocomplete": "current-password"})


def _check_email(_form: Form, field: EmailField) -> None:
    """Refuse what can't be an address; whether it is anybody's is not told."""
    try:
        normalised(field.data or "")
    except InvalidInput as error:
        raise ValidationError(error.message) from None


def languages() -> list[tuple[str, str]]:
    """Give the site's languages, each in its own words."""
    return [(code, language_name(code)) for code in runtime().settings.locales]


class RegisterForm(Form):
    """Become a member."""

    name = StringField(
        _l("Your name"),
        [DataRequired(NEEDED), Length(max=80, message=_l("Use at most 80 characters."))],
        description=_l("As your neighbours know you; it stands beside everything you share."),
        filters=[_stripped],
        render_kw={"autocomplete": "name"},
    )
    email = _email(_l("E-mail address"))
    password = _new_password(_l("Choose a password"))
    locale = RadioField(_l("Language"), choices=languages)

    validate_email = _check_email

    def validate_password(self, field: PasswordField) -> None:
        """Refuse what is guessed first, in the same answer as all other faults."""
        if wrong := passwords.problem(field.data or "", name=self.name.data or "", email=self.email.data or ""):
            raise ValidationError(wrong)


class LoginForm(Form):
    """Log in."""

    email = _email(_l("E-mail address"))
    password = _present_password(_l("Password"))
    remember = BooleanField(_l("Stay logged in on this device for 30 days"))
    next = HiddenField()


class EmailForm(Form):
    """Ask for a mail."""

    email = _email(_l("E-mail address"))

    validate_email = _check_email


class ConfirmForm(Form):
    """Nothing but the button, so that a mail program that looks at links ahead confirms nothing."""


class ResetForm(Form):
    """Choose a new password after forgetting the former."""

    password = _new_password(_l("New password"))


class ProfileForm(Form):
    """What others see of a member, and from where distances are counted."""

    name = StringField(
        _l("Name"),
        [DataRequired(NEEDED), Length(max=80, message=_l("Use at most 80 characters."))],
        filters=[_stripped],
        render_kw={"autocomplete": "name"},
    )
    about = TextAreaField(
        _l("About you"),
        [Length(max=2000, message=_l("Use at most 2,000 characters."))],
        description=_l("What you like to share, and what your neighbours may ask you for."),
        filters=[_stripped],
    )
    place = StringField(
        _l("Where you live"),
        [Length(max=80, message=_l("Use at most 80 characters."))],
        description=_l(
            "A neighbourhood or town, for instance “Jordaan, Amsterdam”. Everybody may see it; your street nobody."
        ),
        filters=[_stripped],
        render_kw={"list": "places", "autocomplete": "address-level2"},
    )
    lat = DegreesField(_l("Latitude"), [Optional()], render_kw={"inputmode": "decimal"})
    lon = DegreesField(_l("Longitude"), [Optional()], render_kw={"inputmode": "decimal"})
    locale = RadioField(_l("Language of pages and mails"), choices=languages)


class PasswordForm(Form):
    """Change the password."""

    present = _present_password(_l("Present password"))
    password = _new_password(_l("New password"))


class NewEmailForm(Form):
    """Change the address."""

    email = _email(_l("New e-mail address"))
    password = _present_password(_l("Your password"))

    validate_email = _check_email


class CloseForm(Form):
    """Close the account for good."""

    password = _present_password(_l("Your password"))
    sure = BooleanField(_l("I know that this can't be undone"), [InputRequired(_l("Tick this to go on."))])


class MailChoicesForm(Form):
    """Which groups of notifications also come by mail."""

    groups = SelectMultipleField(option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False))
