"""The closed list of places in core pages that a plugin may fill."""

from enum import StrEnum


class Slot(StrEnum):
    """One member per place; each is rendered in exactly one core template (a test counts)."""

    HOME_MAIN = "home_main"
    LISTING_MAIN = "listing_main"
    LISTING_ASIDE = "listing_aside"
    AGREEMENT_MAIN = "agreement_main"
    AGREEMENT_ASIDE = "agreement_aside"
    MEMBER_MAIN = "member_main"
    ACCOUNT_MAIN = "account_main"
    OPERATOR_OVERVIEW = "operator_overview"


class UnknownSlot(ValueError):
    """A template or a plugin named a slot that does not exist."""


def as_slot(name: "str | Slot") -> Slot:
    """Give the slot of that name; raises UnknownSlot."""
    try:
        return Slot(name)
    except ValueError:
        raise UnknownSlot(f"{name!r} is no slot; there are {', '.join(Slot)}") from None
