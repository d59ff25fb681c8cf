"""The bill: a pure function of a frozen tariff and a use. The quote is the same function of a planned use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from . import capping, packages
from .bills import Bill, Line
from .errors import UseInvalid
from .figures import ONE, billionths, moment, plain, seconds
from .lines import lines_of
from .model import Package, Plan, Terms
from .rating import Cell, Course, Rated, rate
from .surcharges import Account, follow
from .use import Gap, Use
from .zones import Clockwork

NO_PLAN = Plan("", 0, frozenset(), {})


def bill(terms: Terms, use: Use) -> Bill:
    """Charge a use; with packages, the combination that makes the total lowest. Raises UseInvalid.

    Reads neither clock nor settings: the same tariff and use give the same bytes (`Bill.canonical`), always.
    """
    _check(terms, use)
    if terms.reservation and all(segment.state == terms.reservation for segment in use.segments):
        account = Account({})
        _note_reservation(terms, use, account)
        return Bill(terms.digest, terms.currency, (), tuple(account.lines), {}, 0, 0, use.gaps)
    clock = Clockwork(use.zone, begin_of(terms, use), use.end, terms.bands)
    if not terms.packages:
        return assemble(terms, use, {}, clock)
    return packages.cheapest(terms, use, lambda counts: assemble(terms, use, counts, clock))


def _check(terms: Terms, use: Use) -> None:
    """Refuse what the tariff has no price for."""
    known = {*terms.states, terms.reservation}
    for segment in use.segments if terms.states else ():
        if segment.state not in known:
            raise UseInvalid(f"state {segment.state!r} has no price in this tariff, only {', '.join(terms.states)}")
    if use.about.plan and use.about.plan not in {plan.key for plan in terms.plans}:
        raise UseInvalid(f"plan {use.about.plan!r} is not in this tariff")
    options = {*(part.option for part in terms.components), *(fee.option for fee in terms.fees)}
    for option in sorted(use.about.options - options):
        raise UseInvalid(f"option {option!r} is not in this tariff")
    for name, value in use.about.before.items():
        if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
            raise UseInvalid(f"what was used before of {name!r} must be a Decimal of zero or more, not {value!r}")
        billionths(value)


def begin_of(terms: Terms, use: Use) -> int:
    """Give the instant from which windows count: where the first state begins that is more than a reservation."""
    for segment in use.segments:
        if segment.state != terms.reservation:
            return segment.at
    return use.end if use.segments else use.start


def assemble(terms: Terms, use: Use, counts: Mapping[str, int], clock: Clockwork) -> Bill:
    """Charge a use with so many of each package."""
    plan = next((plan for plan in terms.plans if plan.key == use.about.plan), NO_PLAN)
    course = Course(terms, use, clock)
    account = Account({})
    cells: dict[str, list[Cell]] = {}
    _cover(terms, course, counts, plan)
    for package in terms.packages:
        if count := counts.get(package.key, 0):
            cells[package.key] = [Cell(clock.start, package.price * count)]
            account.lines.append(_package_line(package, count))
    rated = _components(terms, course, plan, account, cells)
    cap_lines, account.nets = capping.apply(terms.caps, cells, clock, use.about.before)
    account.lines += cap_lines
    follow(terms, account, rated, use.about.options)
    _note_reservation(terms, use, account)
    lines = tuple(line for line in account.lines if line.amount)
    notes = (*(line for line in account.lines if not line.amount), *account.notes)
    total = sum(line.amount for line in lines)
    credits = account.sum_of(terms.credits)
    gaps = (*use.gaps, *_absent(course))
    return Bill(terms.digest, terms.currency, lines, notes, account.nets, total, credits, gaps)


def _absent(course: Course) -> Iterator[Gap]:
    """Name the registers that the tariff charges by and that no reading told of: nothing is charged for them."""
    use = course.use
    for register in sorted({part.register for part in course.components if part.register} - use.deltas.keys()):
        yield Gap("absent", moment(use.start), moment(use.end), register)


def _cover(terms: Terms, course: Course, counts: Mapping[str, int], plan: Plan) -> None:
    """Take out what a minimum covers, then what packages cover, then the free time that was earned."""
    for part in course.components:
        if part.covers and part.key not in plan.waives:
            course.cover_time(part.covers_of, part.covers)
    for package in terms.packages:
        if count := counts.get(package.key, 0):
            if package.time:
                course.cover_time(package.of, package.time * count, package.band)
            for key, amount in package.quantities.items():
                course.cover_quantity(key, amount * count)
    for earned in terms.earned:
        if count := course.use.events.get(earned.event, 0):
            course.cover_time(earned.of, earned.time * count)


def _components(
    terms: Terms, course: Course, plan: Plan, account: Account, cells: dict[str, list[Cell]]
) -> dict[str, Rated]:
    """Charge each component that applies and isn't waived by the plan."""
    rated: dict[str, Rated] = {}
    for part in course.components:
        if part.key in plan.waives:
            continue
        windows = [cap.window for cap in terms.caps if cap.window and part.key in cap.of]
        percent = plan.percents.get(part.key, Decimal(0))
        rated[part.key] = rate(part, course, rated, windows, percent)
        cells[part.key] = rated[part.key].cells
        account.lines += lines_of(rated[part.key], percent)
    return rated


def _package_line(package: Package, count: int) -> Line:
    facts = {"count": str(count), "price": str(package.price)}
    if package.time:
        facts["time"] = seconds(package.time)
    facts |= {f"quantity.{key}": plain(amount, ONE) for key, amount in package.quantities.items()}
    facts |= {"band": package.band} if package.band else {}
    return Line(package.key, "package", package.price * count, facts)


def _note_reservation(terms: Terms, use: Use, account: Account) -> None:
    """Note a reservation: it costs nothing, and lapses after the time that the tariff gives."""
    lasted = sum(segment.end - segment.at for segment in use.segments if segment.state == terms.reservation)
    if terms.reservation and lasted:
        facts = {"used": seconds(lasted), "lapses_after": seconds(terms.reservation_free)}
        account.lines.append(Line(terms.reservation, "reservation", 0, facts))
