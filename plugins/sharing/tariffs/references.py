"""Checks what the parts of a tariff say of each other: keys that exist, that are unique, and that may stand there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from math import prod

from .errors import Fault
from .model import Component, Kind, Terms
from .packages import MOST
from .surcharges import MAXIMUM, MINIMUM


def faults(terms: Terms) -> list[Fault]:
    """List everything that does not fit together."""
    return [*_unique(terms), *_components(terms), *_coverage(terms), *_groups(terms), *_caps(terms), *_plans(terms)]


def _missing(field: str, wanted: Collection[str], known: Collection[str], what: str) -> Iterator[Fault]:
    """Name each key that is not among the known ones."""
    for key in sorted(set(wanted) - set(known)):
        yield Fault(field, f"{key!r} is no {what} of this tariff")


def _unique(terms: Terms) -> Iterator[Fault]:
    """A key names one line of a bill, so none may come twice."""
    seen = {MINIMUM, MAXIMUM}
    groups = {
        "component": [part.key for part in terms.components],
        "package": [part.key for part in terms.packages],
        "cap": [part.key for part in terms.caps],
        "discount": [part.key for part in terms.discounts],
        "fee": [part.key for part in terms.fees],
        "tax": [part.key for part in terms.taxes],
    }
    for name, found in groups.items():
        for number, key in enumerate(found, 1):
            if key in seen:
                yield Fault(f"{name}[{number}].key", f"{key!r} is taken by another part of the bill")
            seen.add(key)
    for name, keys in (("band", [band.key for band in terms.bands]), ("plan", [plan.key for plan in terms.plans])):
        if len(set(keys)) != len(keys):
            yield Fault(name, f"two {name}s have the same key")


def _components(terms: Terms) -> Iterator[Fault]:
    """States, bands and components that components speak of."""
    bands = {band.key for band in terms.bands}
    earlier: set[str] = set()
    for number, part in enumerate(terms.components, 1):
        path = f"component[{number}]"
        yield from _missing(f"{path}.states", part.states, terms.states, "state")
        for place, rate in enumerate(part.rates, 1):
            if rate.band:
                yield from _missing(f"{path}.rate[{place}].band", [rate.band], bands, "band")
        if part.free and part.free.by and part.free.by not in earlier:
            yield Fault(f"{path}.free_by", f"{part.free.by!r} must be a component that stands before this one")
        earlier.add(part.key)
    if terms.reservation and terms.reservation in terms.states:
        yield Fault("reservation.state", "is no state with a price; leave it out of states")


def _coverage(terms: Terms) -> Iterator[Fault]:
    """What minimum charges, packages and earned time cover is time; what packages include is a quantity."""
    timed = [part.key for part in terms.components if part.kind is Kind.TIME]
    counted = [part.key for part in terms.components if part.kind is Kind.QUANTITY]
    for number, part in enumerate(terms.components, 1):
        yield from _missing(f"component[{number}].covers_of", part.covers_of, timed, "component of kind time")
    for number, earned in enumerate(terms.earned, 1):
        yield from _missing(f"earned[{number}].of", earned.of, timed, "component of kind time")
    bands = {band.key for band in terms.bands}
    for number, package in enumerate(terms.packages, 1):
        yield from _missing(f"package[{number}].of", package.of, timed, "component of kind time")
        yield from _missing(f"package[{number}].quantities", package.quantities, counted, "component of kind quantity")
        yield from _missing(f"package[{number}].band", {package.band} - {""}, bands, "band")
        if not all(package.quantities.values()):
            yield Fault(f"package[{number}].quantities", "must be more than zero")
    combinations = prod(package.at_most + 1 for package in terms.packages)
    if combinations > MOST:
        yield Fault("package", f"{combinations} combinations are more than {MOST}; lower at_most")


def _groups(terms: Terms) -> Iterator[Fault]:
    """What discounts, fees, taxes and credits are taken of."""
    components = {part.key: part for part in terms.components}
    known = {*components, *(package.key for package in terms.packages)}
    for number, discount in enumerate(terms.discounts, 1):
        yield from _missing(f"discount[{number}].of", discount.of, components, "component")
        if discount.by:
            yield from _missing(f"discount[{number}].by", [discount.by], components, "component")
    for number, fee in enumerate(terms.fees, 1):
        yield from _missing(f"fee[{number}].of", fee.of, known, "component, package or earlier fee")
        known |= {fee.key, *({MINIMUM} if terms.minimum else ())}
    known |= {MINIMUM}
    for number, tax in enumerate(terms.taxes, 1):
        yield from _missing(f"tax[{number}].of", tax.of, known, "component, package or fee")
        if terms.maximum is not None and not tax.included and (rest := known - {MINIMUM} - tax.of):
            # Else more use could cost less: the maximum would cut more of what is taxed.
            yield Fault(
                f"tax[{number}].of", f"with a maximum, an added tax is of everything, also {', '.join(sorted(rest))}"
            )
        if terms.maximum is not None and terms.minimum and not tax.included and MINIMUM not in tax.of:
            yield Fault(f"tax[{number}].of", f"with a maximum, an added tax is of everything, also {MINIMUM}")
    yield from _missing("credits", terms.credits, {*known}, "component, package or fee")


def _caps(terms: Terms) -> Iterator[Fault]:
    """Caps are listed from the inside out; two that share a component must lie in each other."""
    components: dict[str, Component] = {part.key: part for part in terms.components}
    for number, cap in enumerate(terms.caps, 1):
        yield from _missing(f"cap[{number}].of", cap.of, components, "component")
        for inner in terms.caps[: number - 1]:
            shares = inner.of & cap.of
            if shares and not inner.of <= cap.of:
                yield Fault(f"cap[{number}].of", f"must name all of {inner.key!r}, or nothing of it")
            longer = inner.window is None or (cap.window and inner.window.length > cap.window.length)
            if shares and longer:
                yield Fault(
                    f"cap[{number}].per", f"{inner.key!r} is longer; list caps from the shortest to the longest"
                )


def _plans(terms: Terms) -> Iterator[Fault]:
    """What plans waive and take off."""
    known = {part.key for part in terms.components}
    for number, plan in enumerate(terms.plans, 1):
        yield from _missing(f"plan[{number}].waives", plan.waives, known, "component")
        yield from _missing(f"plan[{number}].percents", plan.percents, known, "component")
