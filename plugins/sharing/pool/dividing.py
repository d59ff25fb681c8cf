"""How a pool's money is divided, as arithmetic: by weights to the cent, and each payment over the owners it goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from marketplace.api import Money

DAY = timedelta(days=1)

MOST_PIECES = 500
"""Up to so many transfers a month each payment is divided over all owners."""


def divide(pot: Money, weights: Mapping[int, int]) -> dict[int, Money]:
    """Divide a pot over owners by their weights; the parts add up exactly, and the largest remainders get the odd cents.

    Owners stand in the order of their ids, so that the same month always gives the same parts.
    """
    owners = sorted(owner for owner, weight in weights.items() if weight > 0)
    return dict(zip(owners, pot.split([weights[owner] for owner in owners]), strict=True))


def assign(
    amounts: Sequence[Money], parts: Mapping[int, Money], turn: int = 0, *, most_pieces: int | None = None
) -> list[dict[int, Money]]:
    """Say of each amount to whom how much of it goes, so that each owner gets the whole part and nothing is left.

    Both sides add up to the same, and what an owner gets in all is the part to the cent, whichever way is taken. Every amount
    is divided in proportion, so that what goes back of one of them later is given by all. Where that would be more than
    `most_pieces` (else `MOST_PIECES`), one after the other is used up, which makes fewer pieces than amounts and owners
    together. Who is first then goes by `turn`, the number of the month: nobody always stands with the newest payments, of
    which the most go back. Raises ValueError when the sums differ.
    """
    if sum(one.minor for one in amounts) != sum(part.minor for part in parts.values()):
        raise ValueError("what is divided is not what there is")
    left = {owner: part.minor for owner, part in parts.items() if part.minor}
    in_proportion = len(amounts) * len(left) <= (MOST_PIECES if most_pieces is None else most_pieces)
    if not in_proportion:
        owners = list(left)
        first = turn % len(owners)
        left = {owner: left[owner] for owner in owners[first:] + owners[:first]}
    found: list[dict[int, Money]] = []
    for one in amounts:
        pieces = {} if not one.minor else divide(one, left) if in_proportion else _used_up(one, left)
        found.append({owner: piece for owner, piece in pieces.items() if piece.minor})
        for owner, piece in pieces.items():
            left[owner] -= piece.minor
    return found


def _used_up(amount: Money, left: Mapping[int, int]) -> dict[int, Money]:
    """Give an amount to the first owners who have something left to get (minor units)."""
    pieces, rest = {}, amount.minor
    for owner, minor in left.items():
        pieces[owner] = Money(min(rest, minor), amount.currency)
        rest -= pieces[owner].minor
    return pieces


def days_within(out_at: datetime, back_at: datetime, since: datetime, until: datetime) -> int:
    """Count the started days of a use that fall between two moments (all UTC); none when it lies outside."""
    begins, ends = max(out_at, since), min(back_at, until)
    if ends < begins or begins >= until or (ends == begins and out_at < since):
        return 0
    return max(1, -(-(ends - begins) // DAY))
