"""What somebody looks for: read from an address, checked, and written back into one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from flask_babel import gettext as _

from marketplace.listings import places
from marketplace.listings.categories import BY_KEY
from marketplace.money import Money, NotAnAmount, parse_amount
from marketplace.runtime import runtime
from marketplace.search.words import LONGEST_TEXT, words_of

NEW, NEAR, PRICE, ENDING = "new", "near", "price", "ending"
SORTS = (NEW, NEAR, PRICE, ENDING)
RADII_KM = (1, 2, 5, 10, 25, 50, 100)
USUAL_RADIUS_KM = 25
MOST_MINOR = 10**13


@dataclass(frozen=True, slots=True)
class Origin:
    """Where distances are measured from: a name for the page, and degrees."""

    label: str
    lat: float
    lon: float


@dataclass(frozen=True, slots=True)
class Filters:
    """One search. Empty values filter nothing; `price` is a highest price in minor units of the site's currency.

    `radius` is in kilometres and counts from `origin`. `after` and `before` are cursors that a page of results gave.
    `errors` has a message for each part of the address that could not be understood and was left out.
    """

    q: str = ""
    kind: str = ""
    category: str = ""
    place: str = ""
    radius: int | None = None
    price: int | None = None
    free: bool = False
    pictures: bool = False
    sort: str = NEW
    after: str = ""
    before: str = ""
    origin: Origin | None = None
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, args: Mapping[str, str], viewer: Any = None) -> Filters:
        """Read an address's arguments; `viewer` (a User, or a guest) lends their own place when none is named."""
        errors: dict[str, str] = {}
        origin, radius = _origin(args, viewer, errors), _radius(args, errors)
        near = radius is not None or bool(args.get("place", "").strip() and origin)
        sort = args.get("sort", "")
        if sort and sort not in SORTS:
            errors["sort"] = _("Choose one of the orders.")
        if sort not in SORTS:
            sort = NEAR if near else NEW
        if sort == NEAR or (near and radius is None):
            radius = radius or USUAL_RADIUS_KM
        return cls(
            q=" ".join(args.get("q", "")[:LONGEST_TEXT].replace("\x00", " ").split()),
            kind=_kind(args, errors),
            category=_category(args, errors),
            place=args.get("place", "").strip()[:80],
            radius=radius,
            price=_price(args, errors),
            free=_flag(args, "free"),
            pictures=_flag(args, "pictures"),
            sort=sort,
            after=args.get("after", "")[:60],
            before=args.get("before", "")[:60] if not args.get("after") else "",
            origin=origin,
            errors=errors,
        )

    @property
    def words(self) -> tuple[str, ...]:
        """Give the words to look for."""
        return words_of(self.q)

    def arguments(self, **changes: Any) -> dict[str, str]:
        """Give the address's arguments of this search with changes; what has no effect is left out, so is the page."""
        wanted = replace(self, **{"after": "", "before": "", **changes}) if changes else self
        usual = NEAR if wanted.radius else NEW
        parts = {
            "q": wanted.q,
            "kind": wanted.kind,
            "category": wanted.category,
            "place": wanted.place,
            "radius": str(wanted.radius) if wanted.radius else "",
            "price": _typed(wanted.price),
            "free": "1" if wanted.free else "",
            "pictures": "1" if wanted.pictures else "",
            "sort": wanted.sort if wanted.sort != usual else "",
            "after": wanted.after,
            "before": wanted.before,
        }
        return {name: value for name, value in parts.items() if value}

    def query(self, **changes: Any) -> str:
        """Write `arguments` as the end of an address: "?q=drill&radius=5", or "" when there are none."""
        encoded = urlencode(self.arguments(**changes))
        return f"?{encoded}" if encoded else ""

    @property
    def narrowed(self) -> bool:
        """Tell whether anything but the order was asked for."""
        return bool(set(self.arguments()) - {"sort", "after", "before"})


def _typed(minor: int | None) -> str:
    if minor is None:
        return ""
    amount = Money(minor, runtime().settings.currency).decimal()
    return str(int(amount)) if amount == amount.to_integral_value() else str(amount)


def _flag(args: Mapping[str, str], name: str) -> bool:
    return args.get(name, "").lower() in ("1", "y", "on", "true", "yes")


def _kind(args: Mapping[str, str], errors: dict[str, str]) -> str:
    kind = args.get("kind", "")
    if kind and kind not in runtime().registry.listing_kinds:
        errors["kind"] = _("This is not offered here at the moment.")
        return ""
    return kind


def _category(args: Mapping[str, str], errors: dict[str, str]) -> str:
    key = args.get("category", "")
    if key and key not in BY_KEY:
        errors["category"] = _("Choose one of the categories.")
        return ""
    return key


def _radius(args: Mapping[str, str], errors: dict[str, str]) -> int | None:
    typed = args.get("radius", "").strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit() or not 1 <= int(typed[:6]) <= RADII_KM[-1]:
        errors["radius"] = _("Choose a distance from 1 to %(most)s km.", most=RADII_KM[-1])
        return None
    return int(typed)


def _price(args: Mapping[str, str], errors: dict[str, str]) -> int | None:
    typed = args.get("price", "").strip()
    if not typed:
        return None
    try:
        minor = parse_amount(typed, runtime().settings.currency).minor
    except NotAnAmount:
        errors["price"] = _("This is not an amount. Write it like 25 or 25,50.")
        return None
    return min(minor, MOST_MINOR)


def home_origin(viewer: Any = None) -> Origin:
    """Give the place that a person starts from: their own, or else the site's centre."""
    if viewer is not None and viewer.is_authenticated and viewer.lat is not None and viewer.lon is not None:
        return Origin(viewer.place, viewer.lat, viewer.lon)
    settings = runtime().settings
    return Origin(settings.home_place, settings.home_lat, settings.home_lon)


def _origin(args: Mapping[str, str], viewer: Any, errors: dict[str, str]) -> Origin | None:
    """Give where to measure from: the named place, or the person's own where the address speaks of distance."""
    name = args.get("place", "").strip()
    if name:
        found = places.find(name)
        if found is not None:
            return Origin(found.label, found.lat, found.lon)
        near = ", ".join(place.label for place in places.suggest(name))
        errors["place"] = (
            _("We don't know this place. Did you mean %(places)s?", places=near)
            if near
            else _("We don't know this place.")
        )
    own = viewer is not None and viewer.is_authenticated and viewer.lat is not None
    return home_origin(viewer) if own or args.get("radius") or args.get("sort") == NEAR else None
