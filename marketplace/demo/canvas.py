"""What the demo's pictures are painted on: sky, hills and a few plain shapes in the colours of the site."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from typing import Any

WIDTH, HEIGHT = 960, 720
SKIES = (
    ("#fde8c8", "#f6b56b"), ("#d5f0e6", "#6fbfa3"), ("#dcd7f7", "#8d7fd6"), ("#d9ecfb", "#6aa6d8"), ("#fbdcd9", "#e07f78"),
    ("#eaf4cf", "#9cc255"),
)  # fmt: skip
INKS = ("#12392f", "#3b2a4a", "#40270f", "#17324a", "#4a1f24")
PAPER = "#fffaf2"


class Canvas:
    """A picture in the making; coordinates are in thousandths of the width and height, drawn at double size."""

    def __init__(self, rng: Random) -> None:
        """Choose sky and ink, and paint the sky."""
        from PIL import Image, ImageDraw  # only the demo draws

        self.rng = rng
        self.top, self.bottom = rng.choice(SKIES)
        self.ink = rng.choice(INKS)
        column = Image.new("RGB", (1, 256))
        for row in range(256):
            column.putpixel((0, row), self.mix(self.top, self.bottom, row / 255))
        self.image = column.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
        self.draw = ImageDraw.Draw(self.image)

    @staticmethod
    def mix(first: str, second: str, share: float) -> tuple[int, int, int]:
        """Mix two #rrggbb colours."""
        one, two = ([int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in (first, second))
        red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, two, strict=True))
        return red, green, blue

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Turn thousandths into pixels."""
        return x * WIDTH / 1000, y * HEIGHT / 1000

    def disc(self, x: float, y: float, radius: float, fill: Any) -> None:
        """Draw a disc; the radius is in thousandths of the width."""
        (px, py), pr = self.at(x, y), radius * WIDTH / 1000
        self.draw.ellipse((px - pr, py - pr, px + pr, py + pr), fill=fill)

    def ring(self, x: float, y: float, radius: float, thick: float, fill: Any) -> None:
        """Draw a ring."""
        (px, py), pr = self.at(x, y), radius * WIDTH / 1000
        self.draw.ellipse((px - pr, py - pr, px + pr, py + pr), outline=fill, width=round(thick * WIDTH / 1000))

    def box(self, x: float, y: float, width: float, height: float, fill: Any, radius: float = 0) -> None:
        """Draw a box with rounded corners."""
        corners = (*self.at(x, y), *self.at(x + width, y + height))
        self.draw.rounded_rectangle(corners, radius * WIDTH / 1000, fill=fill)

    def shape(self, points: list[tuple[float, float]], fill: Any) -> None:
        """Draw a filled polygon."""
        self.draw.polygon([self.at(x, y) for x, y in points], fill=fill)

    def line(self, points: Sequence[tuple[float, float]], thick: float, fill: Any) -> None:
        """Draw a line with round joints."""
        self.draw.line([self.at(x, y) for x, y in points], fill=fill, width=round(thick * WIDTH / 1000), joint="curve")
        for x, y in points:
            self.disc(x, y, thick / 2, fill)

    def hills(self, height: float, share: float) -> None:
        """Draw a line of hills up to the bottom, their colour a share of the way from sky to ink."""
        phase, waves = self.rng.random() * 6, self.rng.uniform(1.2, 2.4)
        crest = [(x, height + 45 * math.sin(phase + waves * x / 160)) for x in range(0, 1001, 10)]
        self.shape([*crest, (1000, 1000), (0, 1000)], self.mix(self.bottom, self.ink, share))
