"""Labels to print: a code for each unit that a phone reads, and the same in letters."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from markupsafe import Markup

from marketplace.api import runtime
from plugins.sharing.item import units

QUIET, SCALE = 4, 4
"""Modules of white around the code, as ISO/IEC 18004 asks, and pixels of a module."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one unit's label shows."""

    name: str
    code: str
    address: str
    picture: Markup


def of_item(item_id: int) -> list[Label]:
    """Make the labels of an item's active units."""
    base = runtime().settings.base_url
    made = []
    for unit in units.units_of(item_id):
        if unit.active:
            address = f"{base}{url_for('sharing_use.label', code=unit.code)}"
            made.append(Label(unit.label, unit.code, address, picture(address)))
    return made


def picture(text: str) -> Markup:
    """Draw a QR code as inline SVG without any style, which the page's security policy would refuse."""
    import segno  # only the sheet of labels needs it

    drawn = segno.make(text, error="m", micro=False)
    return Markup(drawn.svg_inline(scale=SCALE, border=QUIET, svgclass="qr", lineclass=None, omitsize=False))  # noqa: S704 - drawn from an address of ours
