"""What wtforms says of fields, in the site's own catalogue: its Dutch has gaps, and does not speak as the site does.

The texts are wtforms' own, word for word, so that they are found; a test finds those that are missing here or there.
"""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 - the name by which texts are collected for translators
    """Mark a text for translation."""
    return text


OWN = frozenset({
    N_("This field is required."),
    N_("Invalid input."),
    N_("Not a valid choice."),
    N_("'%(value)s' is not a valid choice for this field."),
    N_("'%(value)s' are not valid choices for this field."),
    N_("Not a valid integer value."),
    N_("Not a valid decimal value."),
    N_("Not a valid date value."),
    N_("Not a valid time value."),
    N_("Number must be at least %(min)s."),
    N_("Number must be at most %(max)s."),
    N_("Number must be between %(min)s and %(max)s."),
    N_("Date must be at least %(min)s."),
    N_("Date must be at most %(max)s."),
    N_("Date must be between %(min)s and %(max)s."),
    N_("Field must be at least %(min)d character long."),
    N_("Field must be at least %(min)d characters long."),
    N_("Field cannot be longer than %(max)d character."),
    N_("Field cannot be longer than %(max)d characters."),
    N_("Field must be between %(min)d and %(max)d characters long."),
})  # fmt: skip

PLAINER = {
    "Invalid Choice: could not coerce.": "Not a valid choice.",
    "Invalid choice(s): one or more data inputs could not be coerced.": "Not a valid choice.",
}
"""What wtforms says in a programmer's words, and what of OWN is said in its place."""
