"""E-mail addresses: read once, kept in lower case, and never asked of the network."""

from __future__ import annotations

from flask_babel import gettext as _

from marketplace.errors import InvalidInput
from marketplace.runtime import runtime

LONGEST = 254


def normalised(email: str) -> str:
    """Give an address in the form in which it is kept; raises InvalidInput for what is no address."""
    trial = runtime().settings.environment != "production"  # lets @example.test and the like in
    from email_validator import EmailNotValidError, validate_email  # loads the table of international domain names

    try:
        found = validate_email(email.strip(), check_deliverability=False, test_environment=trial)
    except EmailNotValidError:
        raise InvalidInput({"email": _("This is not an e-mail address. Write it like name@example.org.")}) from None
    plain = found.normalized.lower()
    if len(plain) > LONGEST:
        raise InvalidInput({"email": _("This e-mail address is too long.")})
    return plain
