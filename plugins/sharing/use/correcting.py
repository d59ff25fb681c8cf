"""Corrects a reading that was wrong: another takes its place in bills to come, and both stay to be seen."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from sqlalchemy import select

from marketplace.api import InvalidInput, NotFound, Refused, User, access, agreements, clock, jobs, transaction
from plugins.sharing.price.fault_words import for_people
from plugins.sharing.tariffs import UseInvalid
from plugins.sharing.tariffs.figures import billionths
from plugins.sharing.typed_figure import typed_figure
from plugins.sharing.use import metering, sessions
from plugins.sharing.use.use_models import Reading


def correct(reading_id: int, actor: User, registers: Mapping[str, str], note: str) -> Reading:
    """Put other figures in a reading's place; only its registers change, never when it was taken.

    For the owner and operators, with a reason. A session that was billed is billed anew, by a job. Raises NotFound, Refused
    when it was corrected already, InvalidInput for figures that contradict the other readings.
    """
    with transaction() as session:
        wrong = session.get(Reading, reading_id)
        if wrong is None:
            raise NotFound(_("There is no such reading."))
        agreement = agreements.locked(wrong.session_id)
        if not access.may(actor, "sharing.manage", agreement):
            raise NotFound(_("There is no such reading."))
        if session.scalar(select(Reading.id).where(Reading.corrects_id == wrong.id)) is not None:
            raise Refused(_("This reading was corrected already; correct the newer one."), code="corrected")
        if not note.strip():
            raise InvalidInput({"note": _("Say why.")})
        figures = _figures(wrong, registers)
        right = Reading(
            session_id=wrong.session_id, source="owner", number=wrong.number,
            taken_at=wrong.taken_at, state=wrong.state, registers=figures, event=wrong.event, corrects_id=wrong.id,
            author_id=actor.id, note=note.strip()[:200], received_at=clock.now(),
        )  # fmt: skip
        session.add(right)
        session.flush()
        _agree(wrong.session_id, figures)
        if agreement.state not in ("reserved", "running", "paused", "ended"):
            jobs.enqueue("sharing.rerun", {"session": wrong.session_id}, key=f"sharing.rerun:{wrong.session_id}")
    return right


def _figures(wrong: Reading, given: Mapping[str, str]) -> dict[str, str]:
    faults, found = {}, dict(wrong.registers)
    for name, figure in given.items():
        try:
            value = typed_figure(figure)
            billionths(value)
        except (ValueError, ArithmeticError):
            faults[name] = _("This is not a figure. Write it out, like 1250 or 12.5.")
            continue
        if name not in wrong.registers or not 0 <= value <= 10**9:
            faults[name] = _("This is not a figure that a meter shows.")
        found[name] = f"{value:f}"
    if faults or not given:
        raise InvalidInput(faults or {"note": _("Say what it really stood at.")})
    return found


def _agree(session_id: int, figures: Mapping[str, str]) -> None:
    session = sessions.of(session_id)
    first, last = metering.span_of(session, clock.now())
    try:
        metering.use_of(metering.readings_of(session_id), first, last, metering.about_of(session))
    except UseInvalid as error:
        text = str(error)
        named = [name for name in figures if f"register {name!r} " in text] or list(figures)
        raise InvalidInput(dict.fromkeys(named, for_people(text))) from None
