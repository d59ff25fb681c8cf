"""Tariffs as data: a bill is a pure function of a frozen tariff and readings; no database, no network, no clock."""

from .billing import bill
from .bills import Bill, Line
from .document import read, read_json, read_toml
from .errors import Fault, TariffInvalid, UseInvalid
from .tariff import Tariff, use_of
from .use import Circumstances, Gap, Reading, Use, from_readings, planned

__all__ = [
    "Bill", "Circumstances", "Fault", "Gap", "Line", "Reading", "Tariff", "TariffInvalid", "Use", "UseInvalid", "bill",
    "from_readings", "planned", "read", "read_json", "read_toml", "use_of",
]  # fmt: skip
