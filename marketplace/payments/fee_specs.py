"""The settings of a platform fee, for each kind of agreement that has one: light, because plugins register them at start-up."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from marketplace.hooks.types import SettingSpec


def fee_settings(prefix: str, group: object, percent: str = "0") -> list[SettingSpec]:
    """Describe the settings of one kind of agreement's fee, `prefix`_percent and so on; `percent` is the first value."""
    return [
        SettingSpec(f"{prefix}_percent", _l("Platform fee in per cent"), "decimal", percent, minimum=0, maximum=50, group=group,
            help=_l("Frozen into what is published or agreed; later changes only touch what comes later.")),
        SettingSpec(f"{prefix}_fixed", _l("Platform fee: fixed part"), "money", 0, minimum=0, group=group,
            help=_l("Added to the percentage of each payment. Not for payments in another currency than the site's.")),
        SettingSpec(f"{prefix}_minimum", _l("Platform fee: at least"), "money", 0, minimum=0, group=group,
            help=_l("Taken when percentage and fixed part come to less. Not for payments in another currency than the site's.")),
        SettingSpec(f"{prefix}_maximum", _l("Platform fee: at most"), "money", 0, minimum=0, group=group,
            help=_l("0 means no upper limit. Not for payments in another currency than the site's.")),
        SettingSpec(f"{prefix}_on_total", _l("Take the fee once on the total"), "bool", False, group=group,
            help=_l("Otherwise it is taken, and rounded, once for each payment.")),
        SettingSpec(f"{prefix}_owner_pays_provider", _l("The owner bears the payment provider's fee"), "bool", False, group=group,
            help=_l("Otherwise the platform bears it. What is not known when a payment is settled stays with the platform.")),
    ]  # fmt: skip
