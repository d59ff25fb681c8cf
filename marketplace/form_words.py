"""What the site says where wtforms finds fault with a field: its own words are a programmer's, and its Dutch has gaps.

The keys are wtforms' texts, word for word, so that they are found; a test finds those that are missing here or there.
"""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 - the name by which texts are collected for translators
    """Mark a text for translation."""
    return text


CHOOSE = N_("Choose one of these.")

SAID = {
    "This field is required.": N_("Fill this in."),
    "Invalid input.": N_("This can't be right."),
    "Not a valid choice.": CHOOSE,
    "Invalid Choice: could not coerce.": CHOOSE,
    "Invalid choice(s): one or more data inputs could not be coerced.": CHOOSE,
    "'%(value)s' is not a valid choice for this field.": N_(
        "“%(value)s” is not on the list. Choose from what is there."
    ),
    "'%(value)s' are not valid choices for this field.": N_(
        "“%(value)s” are not on the list. Choose from what is there."
    ),
    "Not a valid integer value.": N_("This is not a whole number."),
    "Not a valid decimal value.": N_("This is not a number."),
    "Not a valid date value.": N_("This is not a date."),
    "Not a valid time value.": N_("This is not a time. Write it like 17:30."),
    "Number must be at least %(min)s.": N_("Choose a number from %(min)s on."),
    "Number must be at most %(max)s.": N_("Choose a number up to %(max)s."),
    "Number must be between %(min)s and %(max)s.": N_("Choose a number from %(min)s to %(max)s."),
    "Date must be at least %(min)s.": N_("Choose a date from %(min)s on."),
    "Date must be at most %(max)s.": N_("Choose a date up to %(max)s."),
    "Date must be between %(min)s and %(max)s.": N_("Choose a date from %(min)s to %(max)s."),
    "Field must be at least %(min)d character long.": N_("Use at least %(min)d character."),
    "Field must be at least %(min)d characters long.": N_("Use at least %(min)d characters."),
    "Field cannot be longer than %(max)d character.": N_("Use at most %(max)d character."),
    "Field cannot be longer than %(max)d characters.": N_("Use at most %(max)d characters."),
    "Field must be between %(min)d and %(max)d characters long.": N_("Use %(min)d to %(max)d characters."),
}
