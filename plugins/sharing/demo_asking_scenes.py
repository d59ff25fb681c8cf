"""The demo's requests and meals: who asks, and who cooks; amounts in cents, days from today."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, asked `ago` days ago for `start` days from today.

    `answers` are who says what, for which fee, and `chosen` which of them.
    """

    who: str
    category: str
    title: str
    text: str
    address: str
    ago: float
    start: int
    days: int = 0
    km: int = 5
    answers: tuple[tuple[str, str, int], ...] = ()
    chosen: int | None = None


@dataclass(frozen=True, slots=True)
class Cooked:
    """A meal that is picked up `day` days from today; `orders` are who takes how many, and how far that comes."""

    who: str
    title: str
    text: str
    motif: str
    alt: str
    address: str
    day: int
    portions: int
    price: int
    allergens: tuple[str, ...]
    orders: tuple[tuple[str, int, str], ...] = ()


ASKS = (
    Asked("jin", "garden", "A hedge trimmer for Saturday", "Our hedge has eaten the letter box. Electric or by hand, I am not "
          "afraid of either.", "Middenweg 118", 1, 4, answers=(("maud", "Mine hangs in the shed on IJburg, with ear protection.", 0),
          ("tom", "I have one with a long cable. Five euros for the new blade.", 500))),
    Asked("aisha", "outdoors", "Een tent voor twee weken vakantie", "Voor vier personen, het liefst een die snel staat. We gaan naar de "
          "Ardennen.", "Bijlmerplein 30", 2, 25, 14, 10),
    Asked("sam", "electronics", "Een naaimachine voor één avond", "Mijn gordijnen zijn een halve meter te lang.", "Ferdinand Bolstraat 9",
          5, 2, answers=(("amira", "Kom dinsdag langs, dan help ik met de eerste zoom.", 0), ("lotte", "Je mag de mijne lenen.", 0)), chosen=0),
)  # fmt: skip
MEALS = (
    Cooked("kofi", "Jollof rice with fried plantain", "A big pot, as always. Not too hot; the pepper sauce comes beside it. Bring a box.",
           "pot", "A pot on the fire", "Bijlmerdreef 101, ring at Mensah", 1, 8, 450, ("celery",), (("aisha", 2, "agreed"), ("yara", 3, "agreed"))),
    Cooked("daan", "Linzensoep met brood van Noor", "Een pan van tien liter is nu eenmaal makkelijker dan een van drie. Neem een pan of "
           "bakje mee.", "pot", "Een pan op het vuur", "Stadionweg 60, bel bij Smit", 2, 10, 0, ("gluten", "celery"), (("hugo", 1, "agreed"), ("carla", 2, "agreed"))),
    Cooked("noor", "Zuurdesembrood van vanochtend", "Twee ovens vol, en wij zijn met z'n tweeën. Op is op.", "sun", "Een zon boven een veld",
           "Cruquiuskade 19", -4, 6, 300, ("gluten",), (("ines", 2, "completed"), ("tom", 1, "completed"))),
)  # fmt: skip
