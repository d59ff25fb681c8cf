"""Finds the combination of packages with the lowest total: exactly, by trying every one that could be it.

How often a package may be used is bounded by the tariff (`at_most`, and MOST combinations in all) and by need: one more
than covers the whole use can only cost more. A combination whose packages alone cost as much as the best total so far is
left out with all that add to it: packages stand outside caps and discounts, so only the tariff's maximum can cut them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .bills import Bill
from .figures import ceil_div
from .model import Kind, Package, Terms
from .use import Use

MOST = 4096
"""Combinations that a tariff's packages may have; a document with more is refused."""


def needed(terms: Terms, use: Use, package: Package) -> int:
    """Say how many of a package cover all of this use that it can cover."""
    most = 0
    if package.time:
        most = ceil_div(max(0, use.end - use.start), package.time)
    registers = {part.key: part.register for part in terms.components if part.kind is Kind.QUANTITY}
    for key, amount in package.quantities.items():
        used = total_of(use, registers[key])
        most = max(most, ceil_div(used, amount))
    return min(most, package.at_most)


def total_of(use: Use, register: str) -> int:
    """Add up what a register counted, in billionths."""
    return sum(delta.size for delta in use.deltas.get(register, ()))


def cheapest(terms: Terms, use: Use, assemble: Callable[[Mapping[str, int]], Bill]) -> Bill:
    """Give the bill with the lowest total; among equals the one without packages, or with the fewest of the dearest."""
    order = sorted(terms.packages, key=lambda package: -package.price)
    bounds = [needed(terms, use, package) for package in order]
    best = assemble({})

    def descend(place: int, counts: dict[str, int], price: int) -> None:
        nonlocal best
        if place == len(order):
            if counts and (bill := assemble(counts)).total < best.total:
                best = bill
            return
        package, most = order[place], best.total if terms.maximum is None else terms.maximum
        for count in range(bounds[place] + 1):
            if min(most, price + count * package.price) >= best.total:
                break
            descend(place + 1, {**counts, package.key: count} if count else counts, price + count * package.price)

    descend(0, {}, 0)
    return best
