"""Pictures for the demo, drawn here: flat scenes in the colours of the site, so that nobody's photo is borrowed."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from random import Random

from marketplace.demo.canvas import PAPER, Canvas


def bike(c: Canvas) -> None:
    """A bicycle on a path."""
    for x in (330, 670):
        c.ring(x, 640, 120, 16, c.ink)
        c.disc(x, 640, 14, c.ink)
    c.line([(330, 640), (440, 420), (610, 430), (500, 640), (330, 640)], 15, PAPER)
    c.line([(440, 420), (500, 640)], 15, PAPER)
    c.line([(670, 640), (595, 350), (650, 335)], 15, PAPER)
    c.line([(400, 385), (470, 385)], 22, c.ink)


def tent(c: Canvas) -> None:
    """A tent under the moon."""
    c.disc(770, 240, 60, PAPER)
    c.shape([(200, 790), (500, 320), (800, 790)], PAPER)
    c.shape([(500, 320), (800, 790), (620, 790)], c.mix(c.bottom, c.ink, 0.35))
    c.shape([(400, 790), (500, 520), (590, 790)], c.ink)


def car(c: Canvas) -> None:
    """A small car."""
    c.shape([(330, 480), (420, 350), (640, 350), (740, 480)], c.ink)
    c.shape([(380, 470), (440, 385), (520, 385), (520, 470)], PAPER)
    c.shape([(545, 470), (545, 385), (625, 385), (690, 470)], PAPER)
    c.box(190, 470, 640, 190, c.ink, 60)
    c.box(770, 520, 60, 40, PAPER, 12)
    for x in (340, 690):
        c.disc(x, 665, 78, c.mix(c.bottom, c.ink, 0.75))
        c.disc(x, 665, 40, PAPER)


def sun(c: Canvas) -> None:
    """The sun above a slanted panel."""
    c.disc(700, 270, 95, PAPER)
    c.shape([(180, 760), (330, 470), (770, 560), (640, 860)], c.ink)
    for n in range(1, 4):
        c.line([(180 + 115 * n, 760 + 25 * n), (330 + 110 * n, 470 + 22 * n)], 6, c.bottom)
    c.line([(255, 615), (705, 710)], 6, c.bottom)


def plant(c: Canvas) -> None:
    """Seedlings in a row."""
    for x in (250, 500, 750):
        tall = c.rng.uniform(190, 320)
        c.line([(x, 800), (x, 800 - tall)], 12, c.ink)
        for side in (-1, 1):
            for up in (0.55, 1.0):
                y = 800 - tall * up
                c.shape(
                    [(x, y + 20), (x + side * 55, y - 60), (x + side * 120, y - 55), (x + side * 70, y + 15)], PAPER
                )
    c.box(120, 790, 760, 90, c.mix(c.bottom, c.ink, 0.6), 20)


def house(c: Canvas) -> None:
    """A row of canal houses."""
    x = 90.0
    while x < 860:
        width, tall = c.rng.uniform(120, 170), c.rng.uniform(330, 520)
        top = 850 - tall
        c.box(x, top, width, tall, c.mix(c.bottom, c.ink, c.rng.uniform(0.25, 0.8)))
        c.shape([(x, top), (x + width / 2, top - 95), (x + width, top)], c.mix(c.bottom, c.ink, 0.9))
        for row in range(3):
            for column in range(2):
                lit = c.rng.random() < 0.7
                c.box(
                    x + width * (0.18 + 0.4 * column),
                    top + 40 + row * 105,
                    width * 0.24,
                    60,
                    PAPER if lit else c.ink,
                    4,
                )
        x += width + 6


def books(c: Canvas) -> None:
    """A shelf of books."""
    x = 130.0
    while x < 830:
        width, tall = c.rng.uniform(38, 80), c.rng.uniform(280, 430)
        shade = c.mix(c.top, c.ink, c.rng.uniform(0.1, 1.0))
        c.box(x, 760 - tall, width, tall, shade, 6)
        c.box(x + 8, 760 - tall + 40, width - 16, 16, PAPER)
        x += width + 6
    c.box(90, 760, 820, 34, c.ink, 8)


def pot(c: Canvas) -> None:
    """A big pot, steaming."""
    for n, x in enumerate((390, 500, 610)):
        c.line([(x, 330), (x + 30, 270), (x - 20, 210), (x + 20, 150 + 20 * n)], 14, PAPER)
    c.box(280, 430, 440, 320, c.ink, 40)
    c.box(250, 400, 500, 50, c.mix(c.bottom, c.ink, 0.7), 20)
    for x in (235, 715):
        c.box(x, 500, 50, 80, c.mix(c.bottom, c.ink, 0.7), 20)


def tools(c: Canvas) -> None:
    """A hammer, a saw and a screwdriver on a wall."""
    c.box(140, 215, 720, 20, c.ink, 8)
    c.line([(270, 330), (270, 730)], 36, PAPER)
    c.box(175, 270, 190, 84, c.ink, 16)
    c.shape([(438, 400), (566, 400), (548, 800), (492, 800)], PAPER)
    c.ring(500, 340, 82, 34, c.ink)
    c.line([(735, 470), (735, 760)], 20, PAPER)
    c.box(695, 260, 80, 230, c.ink, 34)


def drill(c: Canvas) -> None:
    """A cordless drill."""
    c.shape([(350, 460), (490, 460), (450, 700), (310, 700)], c.ink)
    c.box(250, 320, 390, 160, c.ink, 52)
    c.box(268, 690, 220, 74, c.mix(c.bottom, c.ink, 0.65), 16)
    c.box(640, 350, 74, 100, PAPER, 10)
    c.line([(714, 400), (890, 400)], 16, PAPER)
    c.box(488, 490, 34, 58, PAPER, 8)


def bench(c: Canvas) -> None:
    """A bench to sit on."""
    for x in (275, 695):
        c.box(x, 400, 30, 420, c.ink, 6)
    for y in (430, 510):
        c.box(200, y, 600, 52, PAPER, 8)
    c.box(170, 620, 660, 56, PAPER, 8)


def camera(c: Canvas) -> None:
    """A camera."""
    c.box(390, 290, 220, 120, c.ink, 24)
    c.box(220, 360, 560, 380, c.ink, 48)
    c.disc(500, 550, 135, PAPER)
    c.disc(500, 550, 98, c.mix(c.bottom, c.ink, 0.45))
    c.disc(462, 505, 26, PAPER)
    c.disc(705, 430, 22, PAPER)


def frame(c: Canvas) -> None:
    """A painting in its frame."""
    c.box(220, 200, 560, 520, c.ink, 12)
    c.box(262, 256, 476, 408, PAPER, 4)
    c.disc(610, 360, 44, c.bottom)
    c.shape([(262, 664), (420, 420), (530, 560), (600, 490), (738, 664)], c.mix(c.bottom, c.ink, 0.5))


def ladder(c: Canvas) -> None:
    """A ladder against a wall."""
    for n in range(6):
        c.line([(405 - 22 * n, 250 + 100 * n), (565 - 2 * n, 250 + 100 * n)], 16, PAPER)
    c.line([(410, 180), (280, 820)], 22, c.ink)
    c.line([(570, 180), (550, 820)], 22, c.ink)


def boat(c: Canvas) -> None:
    """A sailing boat."""
    c.line([(500, 170), (500, 660)], 12, c.ink)
    c.shape([(515, 190), (515, 600), (780, 600)], PAPER)
    c.shape([(485, 260), (485, 600), (300, 600)], c.mix(c.top, c.ink, 0.2))
    c.shape([(250, 650), (800, 650), (700, 770), (340, 770)], c.ink)
    for n in range(4):
        c.line([(90 + 230 * n, 830), (190 + 230 * n, 830)], 8, PAPER)


def screen(c: Canvas) -> None:
    """A film screen among lights."""
    c.box(230, 260, 540, 330, PAPER, 14)
    c.shape([(440, 350), (440, 500), (580, 425)], c.bottom)
    for x in (300, 690):
        c.line([(x, 600), (x, 800)], 14, c.ink)
    party_lights(c, 150)


def party(c: Canvas) -> None:
    """Lights over a street."""
    house(c)
    party_lights(c, 190)
    party_lights(c, 280)


def party_lights(c: Canvas, y: float) -> None:
    """A string of lights."""
    points = [(x, y + 55 * math.sin(x / 1000 * math.pi)) for x in range(40, 961, 40)]
    c.line(points, 4, c.ink)
    for x, height in points[::2]:
        c.disc(x, height + 18, 13, PAPER)


def guitar(c: Canvas) -> None:
    """A guitar."""
    c.line([(500, 180), (500, 560)], 34, c.ink)
    c.box(462, 120, 76, 100, c.ink, 14)
    c.disc(500, 560, 110, PAPER)
    c.disc(500, 690, 145, PAPER)
    c.disc(500, 600, 46, c.ink)


def boxes(c: Canvas) -> None:
    """A pile of boxes."""
    for x, y, size in ((220, 590, 210), (450, 560, 240), (710, 620, 180), (330, 370, 200), (550, 360, 190)):
        c.box(x, y, size, size, c.mix(c.bottom, c.ink, c.rng.uniform(0.2, 0.55)), 10)
        c.box(x + size * 0.42, y, size * 0.16, size, PAPER)


def spool(c: Canvas) -> None:
    """Spools of thread."""
    for n, x in enumerate((200, 420, 640)):
        c.box(x, 380, 170, 36, c.ink, 10)
        c.box(x + 18, 416, 134, 300, c.mix(c.top, c.ink, 0.15 + 0.22 * n), 6)
        c.box(x, 716, 170, 36, c.ink, 10)


MOTIFS: dict[str, Callable[[Canvas], None]] = {
    "bike": bike, "car": car, "tent": tent, "sun": sun, "plant": plant, "house": house, "books": books, "pot": pot,
    "tools": tools, "drill": drill, "bench": bench, "camera": camera, "frame": frame, "ladder": ladder, "boat": boat,
    "screen": screen, "party": party, "guitar": guitar, "boxes": boxes, "spool": spool,
}  # fmt: skip
GROUNDED = frozenset({"bike", "car", "tent", "plant", "sun", "screen", "pot", "boxes", "bench", "ladder"})


def draw(motif: str, seed: int) -> bytes:
    """Draw a motif as a JPEG; the same seed gives the same picture."""
    canvas = Canvas(Random(seed))  # noqa: S311 - colours, not secrets
    if motif not in ("sun", "tent", "pot", "guitar", "frame", "camera", "tools"):
        canvas.disc(canvas.rng.uniform(150, 850), canvas.rng.uniform(120, 320), 70, canvas.mix(canvas.top, PAPER, 0.6))
    canvas.hills(560, 0.12)
    canvas.hills(690, 0.24)
    if motif in GROUNDED:
        canvas.hills(770, 0.4)
    MOTIFS[motif](canvas)
    kept = io.BytesIO()
    canvas.image.save(kept, "JPEG", quality=88)
    return kept.getvalue()
