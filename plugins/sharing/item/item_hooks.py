"""What items add to the marketplace: their kind of listing, and what operators set for all of sharing."""

from __future__ import annotations

from datetime import timedelta

from flask_babel import lazy_gettext as _l

from marketplace.api import JobKind, ListingKind, SettingSpec, fee_settings, late

ITEM = ListingKind(
    name="item",
    label=_l("Item"),
    plural=_l("Items"),
    icon="package-open",
    endpoint="sharing.item",
    new_endpoint="sharing.new",
    edit_endpoint="sharing.manage",
    card_facts=late("plugins.sharing.item.free_now:card_facts"),
    publish_problems=late("plugins.sharing.item.items:publish_problems"),
    api_details=late("plugins.sharing.item.item_shapes:details"),
    help=_l("Lend it, rent it out, or have it paid for by use."),
)

SETS = JobKind(
    "sharing.sets",
    late("plugins.sharing.item.bundle_asks:lapse"),
    every=timedelta(hours=6),
    label=_l("Mind the sets: whoever is silent has declined"),
)


def settings() -> list[SettingSpec]:
    """Give the bounds that operators set."""
    group = _l("Sharing")
    return [
        *fee_settings("sharing.fee", group, "10"),
        SettingSpec("sharing.hold_minutes", _l("Minutes that a slot is held during payment"), "int", 30,
            minimum=5, maximum=1440, group=group),
        SettingSpec("sharing.map_tiles", _l("Map with streets: address of its tiles"), "str", "", group=group,
            help=_l("Such as https://tiles.example.org/{z}/{x}/{y}.png. Empty: the map is drawn here, without streets.")),
        SettingSpec("sharing.map_words", _l("Map with streets: whose it is"), "str", "", group=group,
            help=_l("What the makers of the map want to be read on it.")),
    ]  # fmt: skip
