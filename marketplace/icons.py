"""Icons of the sprite, and the drawn covers of listings without a picture."""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from marketplace.assets import STATIC, asset
from marketplace.listings.categories import OTHER, category
from marketplace.runtime import runtime

ARTS = ("art-teal", "art-amber", "art-green", "art-rose", "art-blue", "art-violet", "art-orange", "art-lime")


class UnknownIcon(LookupError):
    """A page named an icon that the sprite does not hold."""


@lru_cache(1)
def known_icons() -> frozenset[str]:
    """Give the names of all icons in the sprite."""
    drawn = (STATIC / "vendor" / "icons.svg").read_text(encoding="utf-8")
    return frozenset(part.partition('"')[0] for part in drawn.split('<symbol id="')[1:])


@lru_cache(2048)
def _drawn_icon(sprite: str, name: str, label: str | None, classes: str) -> Markup:
    if runtime().strict and name not in known_icons():
        raise UnknownIcon(f"{name}: add it to scripts/icons.txt and run scripts/vendor_frontend.py")
    access = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon{}" width="20" height="20" {}><use href="{}#{}"></use></svg>').format(
        f" {classes}" if classes else "", access, sprite, name
    )


def icon(name: str, label: str | None = None, classes: str = "") -> Markup:
    """Draw a lucide icon from the sprite; without a label it is hidden from screen readers."""
    return _drawn_icon(asset("vendor/icons.svg"), name, label, classes)


@lru_cache(1024)
def _drawn_cover(sprite: str, key: str, chance: int) -> Markup:
    found = category(key)
    art = ARTS[chance] if found.key == OTHER else found.art
    return Markup('<span class="art {}">{}</span>').format(art, _drawn_icon(sprite, found.icon, None, ""))


def cover_art(key: str | None, seed: int = 0) -> Markup:
    """Draw the cover of a listing of that category that has no picture; decoration, so screen readers skip it."""
    return _drawn_cover(asset("vendor/icons.svg"), key or OTHER, seed % len(ARTS))
