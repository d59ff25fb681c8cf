"""Rules of addresses: numbers that a database can count, and builders of addresses that are made when first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import IntegerConverter, Rule


class RowNumber(IntegerConverter):
    """A number in an address: beyond what a database can count there is no page, and no query about it either."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Set the largest number unless the rule names one."""
        super().__init__(*args, **{"max": 2**63 - 1, **kwargs})


class LateRule(Rule):
    """A rule that compiles its builders at the first address: two for each of 180 rules are a tenth of the start-up."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        """Give a stand-in that puts the real builder in its own place and calls it; werkzeug binds it to the rule."""
        compiled = super()._compile_builder

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            made = compiled(append_unknown).__get__(rule, None)
            setattr(rule, "_build_unknown" if append_unknown else "_build", made)
            built: tuple[str, str] = made(**values)
            return built

        return build
