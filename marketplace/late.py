"""Functions by address: what a descriptor names is imported when it is first called, so that nobody loads what nobody uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(slots=True)
class Late:
    """A function that is called like any other; its module is imported at the first call."""

    where: str
    found: Any = field(default=None, compare=False, repr=False)

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Call the function."""
        return (self.found or self.load())(*args, **named)

    def load(self) -> Any:
        """Import the function; raises ImportError or AttributeError where the address is wrong."""
        self.found = at(self.where)
        return self.found


def late(where: str) -> Late:
    """Name a function as "package.module:function"; a test (or `flask doctor`) calls `load` on each that is registered."""
    if where.count(":") != 1:
        raise ValueError(f"a function is named as package.module:function, not {where!r}")
    return Late(where)


def at(where: str) -> Any:
    """Give what lives at "package.module:name", or the module itself for "package.module"."""
    module, _, name = where.partition(":")
    found = import_module(module)
    return getattr(found, name) if name else found
