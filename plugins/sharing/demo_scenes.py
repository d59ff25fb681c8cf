"""The demo's items: whose they are, how they are shared, and what happens to them; amounts in cents, days from today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_DAY = {day: [(8 * 60, 20 * 60)] for day in range(7)}
WORKDAYS = {day: [(9 * 60, 18 * 60)] for day in range(6)}
EVENINGS = {day: [(17 * 60, 21 * 60)] for day in range(5)} | {5: [(10 * 60, 16 * 60)]}


@dataclass(frozen=True, slots=True)
class Loan:
    """One loan: who borrows, from which day for how many days (at ten in the morning), and how far it comes.

    `until` is "asked", "agreed", "out", "returned", "claimed" or "closed"; `claim` is what the lender asks then. `said` are
    the stars and words of the borrower about the thing, and the lender's words about the borrower.
    """

    who: str
    start: int
    days: int
    until: str
    note: str = ""
    claim: int = 0
    words: str = ""
    said: tuple[int, str, str] | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """One use: who, how many minutes ago it began, and how many minutes it took; None: it goes on."""

    who: str
    ago: float
    minutes: int | None = None
    stands: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scene:
    """One item; `prices` are those of `SimplePrices` by arrangement, `rules` the item's columns that differ from the usual."""

    owner: str
    category: str
    title: str
    text: str
    motif: str
    alt: str
    address: str
    prices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)
    week: Mapping[int, list[tuple[int, int]]] = field(default_factory=dict)
    units: tuple[str, ...] = ()
    loans: tuple[Loan, ...] = ()
    uses: tuple[Used, ...] = ()
    repair: int = 0
    free: bool = False


SCENES = (
    Scene("ruben", "tools", "Cordless drill with two batteries", "Eighteen volts, two batteries and a charger that fills one in half "
          "an hour. Wood bits and screw bits are in the case; bring your own for stone.", "drill", "A cordless drill",
          "Gerard Doustraat 12, ring twice", week=EVENINGS, rules={"max_minutes": 7 * 1440, "instant": True}, free=True,
          loans=(Loan("sam", -20, 1, "closed", words="All bits are there.", said=(5, "Went through everything. Ruben explained how.", "Back on time and clean.")),)),
    Scene("fenna", "bikes", "Bakfiets met regenhuif", "Drie gordels, een huif tegen de regen en een slot dat ook de verzekering mooi vindt. "
          "Hij rijdt licht, maar neem de bochten rustig.", "bike", "Een bakfiets op een pad", "Egelantiersstraat 40, in het portiek",
          prices={"rent": {"day": 1200, "week_percent": 20}}, rules={"deposit_kind": "promised", "deposit_minor": 5000,
          "late_fee_minor_per_day": 1000, "arrangements": ["rent", "buy"], "buy_minor": 95000, "buy_rent_percent": 50,
          "buy_rent_days": 180}, week=ALL_DAY, loans=(Loan("peter", -9, 2, "closed", words="Schoon terug, dank!", said=(4, "Rides well, a little slow uphill.", "Keurig en op tijd.")),
          Loan("lotte", -1, 3, "out"), Loan("eline", 6, 1, "agreed"), Loan("hugo", 12, 2, "asked", "For my grandchildren's visit."))),
    Scene("sanne", "outdoors", "Koepeltent voor vier personen", "Staat in tien minuten. Vorig jaar nieuw geïmpregneerd, met grondzeil en "
          "genoeg haringen. Graag droog terug.", "tent", "Een tent onder de maan", "Linnaeusparkweg 8", prices={"rent": {"day": 900, "week": 4500}},
          rules={"deposit_kind": "card", "deposit_minor": 8000, "replacement_minor": 22000, "min_minutes": 1440, "cancellation": "moderate"},
          loans=(Loan("carla", -5, 4, "claimed", claim=3500, words="Eén stok is gebroken."), Loan("bas", 20, 7, "agreed"))),
    Scene("tom", "spaces", "A place at the workbench", "Table saw, planer, clamps and good coffee. You work, I keep an eye on your fingers. "
          "Sign in at the door with the code on the bench.", "tools", "Tools hanging on a wall", "Bos en Lommerweg 210, behind the mosque",
          prices={"use": {"hour": 800, "step": "quarter"}}, rules={"hours_for": "use", "max_minutes": 720, "min_minutes": 15},
          week=WORKDAYS, units=("Bench by the window", "Bench at the back")),
    Scene("daan", "transport", "Elektrische deelauto Bes", "Vier plaatsen, tweehonderd kilometer ver. Sleutel in het kastje, laadkabel in de "
          "kofferbak. Boven een kwart vol terugzetten is vriendelijk.", "car", "Een kleine auto", "Parkeerplaats 14, Stadionweg",
          prices={"use": {"start": 100, "hour": 600, "step": "minute", "day": 4500, "per_unit": 25, "unit": "km"}},
          rules={"min_minutes": 15, "buffer_after_minutes": 15}, uses=(Used("noor", 3 * 1440, 95, {"km": ("18204", "18241")}),
          Used("jin", 42, None, {"km": ("18241", "")}))),
    Scene("maud", "garden", "Houtversnipperaar", "Eet takken tot vier centimeter en maakt er mulch van. Bril en handschoenen liggen erbij, "
          "draag ze ook.", "plant", "Jonge planten in een rij", "Haveneiland 3, berging 12", free=True, rules={"max_minutes": 3 * 1440},
          loans=(Loan("ines", -18, 1, "closed", words="Schoon en compleet.", said=(5, "Eats everything. Wear the glasses!", "Heeft zelfs de tuin aangeveegd.")), Loan("willem", -5, 2, "out"))),
    Scene("kofi", "party", "Four folding tables and sixteen chairs", "They have seen more birthdays than I have. One person carries a table, "
          "two carry the chairs. Stack them as you found them.", "bench", "A bench to sit on", "Bijlmerdreef 101", free=True,
          units=("Table 1", "Table 2", "Table 3", "Table 4"), rules={"instant": True}, week=ALL_DAY,
          loans=(Loan("yara", 3, 1, "agreed"), Loan("aisha", -15, 1, "closed", words="All four are back.", said=(5, "Genoeg voor de hele familie, bedankt Kofi!", "A pleasure.")))),
    Scene("amira", "crafts", "Overlock sewing machine", "For seams that stay. Comes threaded with white; I show you how to thread it again. "
          "Tuesday evenings I am in the repair café.", "spool", "Spools of thread", "Jan van Galenstraat 77",
          prices={"borrow": {}, "rent": {"day": 600}}, week=EVENINGS, rules={"arrangements": ["rent"], "notice_minutes": 1440,
          "deposit_kind": "promised", "deposit_minor": 10000}),
    Scene("noor", "sport", "Tweepersoonskajak", "Met twee peddels, twee zwemvesten en een karretje waarmee hij achter de fiets kan. Vanaf de "
          "steiger lig je in vijf minuten op het water.", "boat", "Een boot op het water", "Cruquiuskade 19, steiger",
          prices={"rent": {"day": 2000, "week_percent": 30}}, rules={"deposit_kind": "promised", "deposit_minor": 10000,
          "start_days": 96, "cancellation": "flexible"}),
    Scene("joris", "electronics", "Beamer met groot scherm", "Genoeg licht zodra het schemert. Het scherm is drie meter breed en staat op "
          "poten. De lamp is even bij de reparateur.", "screen", "Een filmscherm met lampjes", "Meeuwenlaan 45", free=True, repair=9,
          rules={"instant": True, "max_minutes": 2 * 1440}),
    Scene("ines", "bikes", "Cargo bikes on the corner", "Three of them, always outside, for whoever needs one for an hour. Scan the code on the "
          "frame, or start it here.", "bike", "A bicycle on a path", "Corner of De Clercqstraat and the canal",
          prices={"use": {"hour": 250, "day": 1500, "step": "quarter"}}, rules={"min_minutes": 15, "max_minutes": 1440},
          units=("Red", "Blue", "Green"), uses=(Used("mila", 1440 + 200, 50), Used("tom", 5 * 1440, 130), Used("sam", 25, None))),
    Scene("yara", "party", "Geluidsset voor een buurtfeest", "Twee boxen op standaards, een mengtafel en twee microfoons. Ik leg uit waar alles "
          "in moet; zachter zetten na elf uur is een kwestie van buren.", "party", "Lampjes boven de straat", "Slotervaartplein 2",
          prices={"rent": {"day": 3500}}, rules={"deposit_kind": "held", "deposit_minor": 15000, "replacement_minor": 90000,
          "cancellation": "strict", "notice_minutes": 2 * 1440}, loans=(Loan("kofi", 15, 1, "agreed"),)),
)  # fmt: skip
