"""What goes with a motor: which vehicle it is, as the words of GBFS 3.0 have it, and how far it goes for whoever takes it.

A trip planner has to be told how far something still goes. Nobody measures that of a car in the street, so its lender says a
distance that it goes at least for whoever takes it, and keeps it charged or filled up for that.
"""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

VEHICLES = {
    "car_electric": ("car", "electric", _l("Electric car")),
    "car_hybrid": ("car", "hybrid", _l("Hybrid car")),
    "car_fuel": ("car", "combustion", _l("Car with a combustion engine")),
    "moped_electric": ("moped", "electric", _l("Electric moped")),
    "moped_fuel": ("moped", "combustion", _l("Moped with a combustion engine")),
    "scooter_electric": ("scooter_standing", "electric", _l("Electric kick scooter")),
    "bike_electric": ("bicycle", "electric_assist", _l("Electric bicycle")),
    "cargo_bike_electric": ("cargo_bicycle", "electric_assist", _l("Electric cargo bicycle")),
    "boat_electric": ("other", "electric", _l("Electric boat")),
    "boat_fuel": ("other", "combustion", _l("Boat with a combustion engine")),
    "other_electric": ("other", "electric", _l("Another electric vehicle")),
    "other_fuel": ("other", "combustion", _l("Another vehicle with a combustion engine")),
}
"""By the key that an item keeps: form factor and propulsion (GBFS 3.0, vehicle_types.json), and the name for people."""

CATEGORIES = ("bikes", "transport")
"""Categories of listings in which many things have a motor, so that the question stands open there."""

FARTHEST_KM = 2000


def faults(vehicle: str | None, range_km: int | None) -> dict[str, str]:
    """Say by field what is wrong with a vehicle and its range in kilometres, if anything is."""
    if vehicle is not None and vehicle not in VEHICLES:
        return {"vehicle": _("Choose from the list.")}
    if (vehicle is None) != (range_km is None):
        return {"range_km" if range_km is None else "vehicle": _("Say both, or leave both empty.")}
    if range_km is not None and not 1 <= range_km <= FARTHEST_KM:
        return {"range_km": _("Choose a number between %(least)s and %(most)s.", least=1, most=FARTHEST_KM)}
    return {}
