"""The categories that listings are sorted into: one closed list, each with its icon and colour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flask_babel import lazy_gettext as _l

from marketplace.display import locale_code

if TYPE_CHECKING:
    from wtforms.fields.choices import SelectChoice

OTHER = "other"


@dataclass(frozen=True, slots=True)
class Category:
    """A category: the stored key, its name, an icon of the sprite, and the class of its colour."""

    key: str
    label: Any
    icon: str
    art: str


CATEGORIES = (
    Category("tools", _l("Tools"), "drill", "art-amber"),
    Category("bikes", _l("Bikes"), "bike", "art-teal"),
    Category("transport", _l("Transport"), "truck", "art-blue"),
    Category("outdoors", _l("Outdoors"), "tent", "art-green"),
    Category("garden", _l("Garden"), "sprout", "art-lime"),
    Category("household", _l("Household"), "washing-machine", "art-blue"),
    Category("home", _l("Home and furniture"), "sofa", "art-teal"),
    Category("kitchen", _l("Kitchen"), "cooking-pot", "art-orange"),
    Category("food", _l("Food"), "utensils", "art-amber"),
    Category("party", _l("Parties"), "party-popper", "art-rose"),
    Category("electronics", _l("Electronics"), "projector", "art-blue"),
    Category("books", _l("Books"), "book-open", "art-violet"),
    Category("games", _l("Games"), "dices", "art-violet"),
    Category("music", _l("Music"), "guitar", "art-violet"),
    Category("sport", _l("Sport"), "volleyball", "art-orange"),
    Category("kids", _l("Children"), "baby", "art-amber"),
    Category("clothing", _l("Clothing"), "shirt", "art-rose"),
    Category("crafts", _l("Crafts"), "scissors", "art-rose"),
    Category("art", _l("Art"), "palette", "art-rose"),
    Category("culture", _l("Culture"), "theater", "art-violet"),
    Category("animals", _l("Animals"), "paw-print", "art-amber"),
    Category("nature", _l("Nature"), "trees", "art-green"),
    Category("energy", _l("Energy"), "sun", "art-orange"),
    Category("spaces", _l("Spaces"), "warehouse", "art-teal"),
    Category("learning", _l("Learning"), "graduation-cap", "art-blue"),
    Category("help", _l("A helping hand"), "hand-helping", "art-green"),
    Category("neighbourhood", _l("Neighbourhood"), "house", "art-teal"),
    Category("community", _l("Community"), "users", "art-green"),
    Category("technology", _l("Technology"), "lightbulb", "art-blue"),
    Category("health", _l("Health"), "heart", "art-rose"),
    Category(OTHER, _l("Something else"), "hand-heart", "art-green"),
)

BY_KEY = {category.key: category for category in CATEGORIES}


def category(key: str) -> Category:
    """Give the category of that key; an unknown key, of a site that once had more, is "something else"."""
    return BY_KEY.get(key, BY_KEY[OTHER])


_worded: dict[str, tuple[Category, ...]] = {}


def worded() -> tuple[Category, ...]:
    """Give all categories with their names in the request's language, looked up once per language."""
    code = locale_code()
    known = _worded.get(code)
    if known is None:
        known = _worded[code] = tuple(replace(each, label=str(each.label)) for each in CATEGORIES)
    return known


def choices() -> list[SelectChoice]:
    """Give all categories for a form."""
    from wtforms.fields.choices import SelectChoice  # lists of listings need no form

    return [SelectChoice(each.key, each.label) for each in worded()]
