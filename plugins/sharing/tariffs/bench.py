"""Rates readings twice and compares the bytes: `python -m plugins.sharing.tariffs.bench [READINGS]`; speeds are of CPU time."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from time import process_time

from .billing import bill
from .document import read_toml
from .tariff import Tariff
from .use import Circumstances, Reading, from_readings

PER_USE = 25
"""Readings of one use: two hours with a reading every five minutes, and both ends."""
TARIFFS = ("car2go", "quicar", "greenwheels", "cargo-bike")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def stored(name: str) -> Tariff:
    """Read one of the tariffs that come with the plugin."""
    return read_toml(files(__package__).joinpath("data", f"{name}.toml").read_text(encoding="utf-8"))


def readings_of(number: int) -> list[Reading]:
    """Make the readings of one use; the same number gives the same readings, spread over a year."""
    begin = BEGIN + timedelta(minutes=137 * number % 525_600)
    km = Decimal(1000 + number)
    states = ["driving" if (number + place) % 5 else "parked" for place in range(PER_USE)]
    return [
        Reading(
            begin + timedelta(seconds=(300 + number % 7) * place), state, {"km": km + place * Decimal("1.7")}, place
        )
        for place, state in enumerate(states)
    ]


def rate_all(tariffs: list[Tariff], uses: int, label: str) -> tuple[str, float]:
    """Rate so many uses; gives the SHA-256 of all bills one after another and the CPU seconds that rating alone took."""
    sum_of_all, took = hashlib.sha256(), 0.0
    about = Circumstances("Europe/Amsterdam")
    for number in _with_bar(uses, label):
        readings = readings_of(number)
        began = process_time()
        sum_of_all.update(bill(tariffs[number % len(tariffs)], from_readings(readings, about)).canonical())
        took += process_time() - began
    return sum_of_all.hexdigest(), took


def _with_bar(total: int, label: str) -> Iterator[int]:
    """Count up and show how far it is, on the terminal only."""
    step = max(1, total // 200)
    for number in range(total):
        yield number
        done = number + 1
        if sys.stderr.isatty() and (done % step == 0 or done == total):
            width = 40 * done // total
            end = "\n" if done == total else ""
            print(f"\r{label} [{'#' * width:<40}] {100 * done // total:3d} %", end=end, file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Rate everything twice; returns 1 when the two runs differ in a byte."""
    parser = argparse.ArgumentParser(prog="python -m plugins.sharing.tariffs.bench", description=__doc__)
    parser.add_argument("readings", nargs="?", type=int, default=100_000)
    uses = max(1, parser.parse_args(arguments).readings // PER_USE)
    tariffs = [stored(name) for name in TARIFFS]
    first, took = rate_all(tariffs, uses, "rating   ")
    second, again = rate_all(tariffs, uses, "re-rating")
    for name, seconds in (("rating", took), ("re-rating", again)):
        print(
            f"{name:<10} {uses} bills, {uses / seconds:,.0f} bills and {uses * PER_USE / seconds:,.0f} readings a CPU second"
        )
    print(f"SHA-256 of all bills {first}: {'the same bytes both times' if first == second else 'DIFFERENT'}")
    return 0 if first == second else 1


if __name__ == "__main__":
    sys.exit(main())
